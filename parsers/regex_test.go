package parsers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// regexOptions reads rules from the testdata.
func regexOptions(args ...string) Options {
	root := os.DirFS(filepath.Join("..", "testdata", "parsers", "regex"))
	return Options{Args: args, ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(root, name) }}
}

func parseRegex(t *testing.T, opt Options, log []byte) (Stats, map[string]float64) {
	t.Helper()
	rec := metric.NewRecorder(metric.RecorderOptions{})
	p, err := newRegex(opt, rec)
	require.NoError(t, err)
	rec.Block(1)
	st := p.Parse(Block{Bytes: log, Newest: 1795228600}, rec)
	assert.Empty(t, p.(Reporter).Problems())
	b := metric.Batch{Start: 100, End: 110}
	rec.Flush(&b)
	values := make(map[string]float64)
	for _, s := range b.Samples {
		v := s.Sum
		switch s.Kind {
		case metric.Gauge:
			v = s.Last
		case metric.Set:
			v = float64(s.Members.Estimate())
		}
		name := s.Name
		for _, tag := range s.Tags {
			name += fmt.Sprintf(";%s=%s", tag.Key, tag.Value)
		}
		values[name] = v
	}
	return st, values
}

func TestRegexOfTheTestdata(t *testing.T) {
	log, err := os.ReadFile("../testdata/parsers/regex/basic.log")
	require.NoError(t, err)
	st, got := parseRegex(t, regexOptions("--rules=rules.yaml"), log)
	assert.Equal(t, Stats{Lines: 14, Skipped: 3}, st)
	assert.InDelta(t, 25, got["mail.pctDeferred"], 1e-9)
	assert.InDelta(t, (0.015*0.3+1.5*0.7)-0.0, got["web.p90"], 1e-9) // between ranks 2 and 3 of 4
	assert.Equal(t, 4096.0, got["web.bytesPerRequest"])
	delete(got, "mail.pctDeferred")
	delete(got, "web.p90")
	delete(got, "web.bytesPerRequest")
	assert.InDelta(t, 1.5189, got["web.took"], 1e-12)
	delete(got, "web.took")
	assert.Equal(t, map[string]float64{
		"mail.sent": 2, "mail.deferred": 1, "mail.bounced": 1, "mail.delay": 33.45, "mail.messages": 3,
		"web.requests;status=200;verb=GET": 2, "web.requests;status=404;verb=GET": 1, "web.requests;status=500;verb=POST": 1,
		"web.bytes": 16 << 10, "web.clients": 3, "failures": 2, "jobs.queue": 5,
	}, got)
}

func TestRegexOfBrokenLines(t *testing.T) {
	log, err := os.ReadFile("../testdata/parsers/regex/broken.log")
	require.NoError(t, err)
	st, got := parseRegex(t, regexOptions("--rules=rules.yaml"), log)
	assert.Equal(t, Stats{Lines: 12, Skipped: 5, Rejected: 4}, st)
	for name := range got {
		for _, part := range strings.FieldsFunc(name, func(c rune) bool { return c == ';' || c == '=' }) {
			assert.True(t, metric.ValidName(part), "%q", name)
		}
	}
}

func TestRegexFlags(t *testing.T) {
	st, got := parseRegex(t, Options{Args: []string{
		`--counter=hits=" (?P<status>\d{3}) `, `--timer=took:ms=took=(\d+)`, `--gauge=load=load=(\S+)`, `--set=who=^(\S+)`,
	}}, []byte("ann \" 200 took=5 load=0.5\nbob \" 404 took=7 load=0.25\n"))
	assert.Equal(t, Stats{Lines: 2}, st)
	assert.Equal(t, map[string]float64{"hits;status=200": 1, "hits;status=404": 1, "took": 0.012, "load": 0.25, "who": 2}, got)
}

func TestRegexWantTime(t *testing.T) {
	opt := regexOptions("--counter=n=x")
	opt.WantTime = true
	st, _ := parseRegex(t, opt, []byte("2026-11-21T02:35:01Z x\nno stamp x\n"))
	assert.Equal(t, Stats{Lines: 2, Untimed: 1}, st)
}

func TestRegexUsageErrors(t *testing.T) {
	for _, tt := range []struct {
		opt  Options
		want string
	}{
		{Options{}, "there are no rules: give --rules=FILE"},
		{Options{Args: []string{"--rules=rules.yaml"}}, "--rules=rules.yaml: files cannot be read here"},
		{regexOptions("--rules=missing.yaml"), "missing.yaml"},
		{regexOptions("--rules=basic.log"), "basic.log:1:"},
		{regexOptions("--counter=n=a(b"), "RegexParser: --counter:1:4: match: missing closing )"},
		{regexOptions("--counter=a b=x"), "cannot be a name"},
		{regexOptions("--counter=n=x", "extra"), "unexpected argument"},
		{regexOptions("--counter=n=x", "--multiline-start=a(b"), "--multiline-start:1:2: match: missing closing )"},
		{regexOptions("--counter=n=x", "--multiline-start=%{NOPE}"), "--multiline-start:1:1:"},
	} {
		_, err := newRegex(tt.opt, metric.NewRecorder(metric.RecorderOptions{}))
		var usage *UsageError
		require.True(t, errors.As(err, &usage), "%v", err)
		assert.Contains(t, usage.Error(), tt.want)
	}
}

// Each block of YAML in the manual compiles.
func TestRegexManual(t *testing.T) {
	manual, err := os.ReadFile("../docs/regex.md")
	require.NoError(t, err)
	blocks := strings.Split(string(manual), "```yaml\n")[1:]
	require.NotEmpty(t, blocks)
	for i, b := range blocks {
		yaml, _, ok := strings.Cut(b, "```")
		require.True(t, ok)
		opt := Options{Args: []string{"--rules=manual.yaml"}, ReadFile: func(string) ([]byte, error) { return []byte(yaml), nil }}
		_, err := newRegex(opt, metric.NewRecorder(metric.RecorderOptions{}))
		assert.NoError(t, err, "block %d", i+1)
	}
}
