package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

func parse(t *testing.T, schemas, aggregation string) Schemas {
	t.Helper()
	s, err := Parse(File{"schemas", schemas}, File{"aggregation", aggregation})
	require.NoError(t, err)
	return s
}

func TestBuiltIn(t *testing.T) {
	for _, s := range []Schemas{Default(), {}} {
		assert.Equal(t, "10:25920,300:25920,3600:26280", s.Tiers("a.b").String())
		assert.Equal(t, "1:259200", s.Tiers("flux.rank0.rx").String())
		assert.Equal(t, "10:25920,300:25920,3600:26280", s.Tiers("a.flux.b").String())
		for name, want := range map[string]metric.Method{
			"stats.timers.x.lower": metric.Min, "stats.timers.x.lower_90": metric.Unset,
			"stats.timers.x.upper": metric.Max, "stats.timers.x.upper_90": metric.Max,
			"stats.timers.x.count": metric.Sum, "stats_counts.x": metric.Sum, "a.stats_counts.x": metric.Unset,
			"a.b": metric.Unset, "xcount": metric.Unset,
		} {
			assert.Equal(t, want, s.Method(name), name)
		}
		assert.Equal(t, 0.0, s.XFilesFactor("a.count"))
		assert.Equal(t, DefaultXFilesFactor, s.XFilesFactor("a.b"))
	}
}

func TestFirstMatchWins(t *testing.T) {
	s := parse(t, `
# comment
[carbon]
pattern = ^carbon\.
retentions = 60:90d

; another
[everything.d]
PATTERN: d
Retentions: 1s:1m,
   10s:1h
   # within a value
   , 1m:1d
unknown = kept out
[percent]
pattern = 100%%
retentions = 1h:1y
`, "[only xff]\npattern = a\nxFilesFactor = 0.2\n[b]\npattern = .\naggregationMethod = absmin\n")
	assert.Equal(t, "60:129600", s.Tiers("carbon.d").String())
	assert.Equal(t, "1:60,10:360,60:1440", s.Tiers("a.d").String())
	assert.Equal(t, "3600:8760", s.Tiers("is100%").String())
	assert.Equal(t, "60:10080", s.Tiers("other").String(), "carbon's last resort")
	assert.Equal(t, metric.Unset, s.Method("a"), "the first that matches names none")
	assert.Equal(t, 0.2, s.XFilesFactor("a"))
	assert.Equal(t, metric.AbsMin, s.Method("b"))
}

func TestFileWithoutARuleIsNotTheBuiltIn(t *testing.T) {
	s := parse(t, "# nothing\n", "")
	assert.Equal(t, "60:10080", s.Tiers("a").String())
	assert.Equal(t, metric.Unset, s.Method("stats_counts.a"))
}

func TestDefaultsOfAllSections(t *testing.T) {
	s := parse(t, "[DEFAULT]\nretentions = 5s:1d\n[a]\npattern = a\n[b]\npattern = b\nretentions=7s:1d\n", "")
	assert.Equal(t, "5:17280", s.Tiers("a").String())
	assert.Equal(t, "7:12342", s.Tiers("b").String())
}

func TestRetentions(t *testing.T) {
	for text, want := range map[string]string{
		"60:10080": "60:10080", "60s:1d": "60:1440", "1m:1d": "60:1440", "1min:1440": "60:1440", "1minutes:24hours": "60:1440",
		"1h:1y": "3600:8760", "1d:1w": "86400:7", "10s:25s": "10:2", "1h:7d,10s:6h": "10:2160,3600:168", " 1s:1h , 1m:1d ": "1:3600,60:1440",
	} {
		got, err := ParseTiers(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.String(), text)
	}
	for text, problem := range map[string]string{
		"": "no colon", "60": "no colon", "10s:6h,": "no colon", "0:5": "step of 0", "1h:30m": "keeps no point", "1s:0": "keeps no point",
		"1x:5": `"x" is not s, m, h`, "1month:5": "no unit", "10S:1d": "no unit", "10s: 6h": "no blanks", "s:1d": "no blanks", "-1:5": "no blanks",
		"10s:6h:1": "no unit", "1s:200y": "136 years", "1s:99999999999999999999": "number",
		"60:10,60:20": "two tiers", "10s:1d,15s:2d": "not a multiple", "10s:1d,1m:1d": "not longer", "10s:50s,1m:1d": "too few",
		strings.Repeat("1s:1d,", 16) + "2s:2d": "at most 16",
	} {
		_, err := ParseTiers(text)
		assert.ErrorContains(t, err, problem, text)
	}
}

func TestFaultsNameFileAndLine(t *testing.T) {
	for _, tt := range []struct{ schemas, aggregation, want string }{
		{"[a]\nretentions = 1s:1d\n", "", "s:1: [a] has no pattern"},
		{"[a]\npattern =\nretentions = 1s:1d\n", "", "s:1: [a] has no pattern"},
		{"[a]\npattern = a\n", "", "s:1: [a] has no retentions"},
		{"\n[a]\npattern = (\nretentions = 1s:1d\n", "", "s:3: [a] pattern \"(\": missing closing"},
		{"[a]\npattern = a{,3}\nretentions = 1s:1d\n", "", "s:2: [a] pattern \"a{,3}\": write {0,n}"},
		{"[a]\npattern = a\nretentions = 5\n", "", "s:3: [a] retentions: \"5\" has no colon"},
		{"[a]\npattern = a\npattern = b\nretentions = 1s:1d\n", "", "s:3: pattern stands on line 2 already"},
		{"[a]\npattern = a\nretentions = 1s:1d\n[a]\n", "", "s:4: section [a] stands on line 1 already"},
		{"pattern = a\n", "", "s:1: before the first section"},
		{"[a]\nnonsense\n", "", "s:2: \"nonsense\" is neither"},
		{"[a]\n= x\n", "", "s:2: \"= x\" is neither"},
		{"[a] # x\npattern = a\n", "", "s:1: text after"},
		{"[a]\npattern = %(x)s\nretentions = 1s:1d\n", "", "s:2: a single %"},
		{"", "[a]\npattern = a\nxFilesFactor = 2\n", "m:3: [a] xFilesFactor \"2\" is not"},
		{"", "[a]\npattern = a\nxFilesFactor = nan\n", "m:3: [a] xFilesFactor \"nan\" is not"},
		{"", "[a]\npattern = a\naggregationMethod = mean\n", "m:3: [a] aggregationMethod \"mean\" is none of absmax, absmin, average, avg_zero, last, max, min, sum"},
		{"", "[a]\nxFilesFactor = 0\n", "m:1: [a] has no pattern"},
	} {
		_, err := Parse(File{"s", tt.schemas}, File{"m", tt.aggregation})
		assert.ErrorContains(t, err, tt.want)
		var fault *Error
		require.ErrorAs(t, err, &fault)
		assert.Positive(t, fault.Line)
	}
	_, err := Parse(File{"s", "[a]\npattern = a\n[b]\npattern = b\n"}, File{"m", "x\n"})
	for _, want := range []string{"s:1:", "s:3:", "m:1:"} {
		assert.ErrorContains(t, err, want, "all faults at once")
	}
}

func TestPatternsOfPython(t *testing.T) {
	s := parse(t, `[a]
pattern = ^(?!carbon)(?P<x>[a-z]+)\.(?P=x)$
retentions = 1s:1d
[b]
pattern = (?i)UPPER\Z
retentions = 2s:1d
`, "")
	assert.Equal(t, int64(1), s.Tiers("ab.ab")[0].Step)
	assert.Equal(t, int64(60), s.Tiers("ab.ac")[0].Step)
	assert.Equal(t, int64(60), s.Tiers("carbon.carbon")[0].Step)
	assert.Equal(t, int64(2), s.Tiers("x.upper")[0].Step)
}

// A name that takes a pattern with look-around to its time limit does not stop
// others, and the pattern is given up after ten.
func TestPatternThatExplodes(t *testing.T) {
	s := parse(t, "[a]\npattern = ^(?=(a+)+$)b|(a+)+\\1$\nretentions = 1s:1d\n", "")
	name := strings.Repeat("a", 40) + "!"
	start := time.Now()
	for range 12 {
		assert.Equal(t, int64(60), s.Tiers(name)[0].Step)
	}
	assert.Less(t, time.Since(start), 20*time.Second)
	assert.Equal(t, []string{`^(?=(a+)+$)b|(a+)+\1$`}, s.Exhausted())
}

func TestPartitions(t *testing.T) {
	at := time.Date(2024, 2, 29, 13, 47, 11, 0, time.UTC).Unix()
	for step, want := range map[int64][2]string{
		1:     {"2024-02-29T13:45:00Z", "2024-02-29T14:00:00Z"},
		10:    {"2024-02-29T12:00:00Z", "2024-02-29T14:00:00Z"},
		60:    {"2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		300:   {"2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
		3600:  {"2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
		7200:  {"2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
		86400: {"2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
	} {
		start, end := Tier{Step: step, Keep: 1 << 30}.Partition(at)
		assert.Equal(t, want[0], time.Unix(start, 0).UTC().Format(time.RFC3339), step)
		assert.Equal(t, want[1], time.Unix(end, 0).UTC().Format(time.RFC3339), step)
	}
}

// Every bucket is filed in one partition: they cover time without gap or overlap.
func TestPartitionsCoverTime(t *testing.T) {
	for _, step := range []int64{1, 7, 10, 60, 100, 300, 3600, 7200, 86400, 604800} {
		tier := Tier{Step: step, Keep: 1 << 31}
		for _, from := range []int64{-5 * 365 * 86400, 0, 1700000000, 4102444800} {
			_, at := tier.Partition(from)
			for range 50 {
				first := (at + step - 1) / step * step // the first bucket that starts in it
				if at < 0 {
					first = at / step * step
				}
				start, end := tier.Partition(first)
				require.Equal(t, at, start, "step %d", step)
				require.Greater(t, end, start)
				last := (end-1)/step*step + min(0, (end-1)%step)
				if last >= start {
					s, e := tier.Partition(last)
					require.Equal(t, [2]int64{start, end}, [2]int64{s, e}, "step %d", step)
				}
				at = end
			}
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "storage-schemas.conf")
	require.NoError(t, os.WriteFile(path, []byte("[a]\npattern = .*\nretentions = 30s:1d\n"), 0o600))
	s, err := Load(path, "")
	require.NoError(t, err)
	assert.Equal(t, int64(30), s.Tiers("x")[0].Step)
	assert.Equal(t, metric.Sum, s.Method("stats_counts.x"))

	_, err = Load(filepath.Join(dir, "none"), "")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("#\n"), 1<<19+1), 0o600))
	_, err = Load(path, "")
	require.ErrorContains(t, err, "longer than")
}

// carbonRules asks carbon itself for the archives and methods of names.
const carbonRules = `
import json, sys
from carbon.conf import settings
settings['CONF_DIR'] = sys.argv[1]
settings['LOCAL_DATA_DIR'] = sys.argv[1]
from carbon import state, database
import whisper
class DB:
    aggregationMethods = whisper.aggregationMethods
    def validateArchiveList(self, l):
        try: whisper.validateArchiveList(l)
        except whisper.InvalidConfiguration as e: raise ValueError(str(e))
state.database = DB()
from carbon import storage
out = {}
schemas, methods = storage.loadStorageSchemas(), storage.loadAggregationSchemas()
for name in sys.argv[2:]:
    tiers = sorted(next(s for s in schemas if s.matches(name)).archives, key=lambda a: a.secondsPerPoint)
    xff, method = next(s for s in methods if s.matches(name)).archives
    out[name] = [','.join('%d:%d' % a.getTuple() for a in tiers), method or '', 0.5 if xff is None else xff]
json.dump(out, sys.stdout)
`

// interpreter returns the program that runs a script, which knows its modules.
func interpreter(t *testing.T, script string) string {
	t.Helper()
	text, err := os.ReadFile(script)
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	path, ok := strings.CutPrefix(line, "#!")
	require.True(t, ok, line)
	return strings.Fields(path)[0]
}

// Carbon reads the same files in the same way.
func TestCarbonAgrees(t *testing.T) {
	python := interpreter(t, testutil.Peer(t, "carbon-cache"))
	dir := t.TempDir()
	schemas := "# top\n[carbon]\npattern = ^carbon\\.\nretentions = 60:90d\n\n[multi]\nPattern: m(ul)+ti$\nRetentions: 10s:6h,\n    1m:7d ,\n  # between\n    1h:5y\n[unsorted]\npattern = un(?=sorted)\nretentions=1h:30d,60:1440\n ; c\n[pct]\npattern = a%%b\nretentions = 1w:1y\n[DEFAULT]\nx = y\n"
	aggregation := "[min]\npattern = \\.min$\nxFilesFactor = 0.1\naggregationMethod = min\n[x]\npattern = half\nxfilesfactor: 0\n[d]\npattern = z\naggregationMethod=absmax\n"
	// carbon takes [DEFAULT] for a rule, too, and complains of it.
	for name, text := range map[string]string{"storage-schemas.conf": schemas, "storage-aggregation.conf": aggregation} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	names := []string{"carbon.a", "a.multi", "a.multi.b", "unsorted", "un", "a%b", "a.min", "half.min", "a.half", "zz", "a;z=half"}
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c", carbonRules, dir}, names...)...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Log(string(failed.Stderr))
	}
	require.NoError(t, err)
	var want map[string][3]any
	require.NoError(t, json.Unmarshal(out[bytes.LastIndexByte(out, '\n')+1:], &want))

	s := parse(t, schemas, aggregation)
	methods := map[metric.Method]string{metric.Unset: "", metric.Min: "min", metric.AbsMax: "absmax"}
	for _, name := range names {
		assert.Equal(t, want[name], [3]any{s.Tiers(name).String(), methods[s.Method(name)], s.XFilesFactor(name)}, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[a]\npattern = x\nretentions = 1s:1d,1m:1y\n", "[b]\npattern = y\naggregationMethod = sum\n")
	f.Add("[a]\n pattern = x\n  y\n", "[\n")
	f.Fuzz(func(t *testing.T, schemas, aggregation string) {
		s, err := Parse(File{"s", schemas}, File{"m", aggregation})
		if err != nil {
			return
		}
		tiers := s.Tiers("a.b;k=v")
		require.NoError(t, tiers.Validate())
		again, err := ParseTiers(tiers.String())
		require.NoError(t, err)
		require.Equal(t, tiers, again)
		_ = s.Method("a.b")
	})
}

func BenchmarkTiers(b *testing.B) {
	s := Default()
	b.ReportAllocs()
	for b.Loop() {
		s.Tiers("servers.web042.cpu.total.user")
		s.Method("servers.web042.cpu.total.user")
	}
}
