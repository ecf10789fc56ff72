package parsers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// webTruth is what an independent program counted in a log of a web server or
// a proxy.
type webTruth struct {
	Lines      int            `json:"lines"`
	Empty      int            `json:"empty_lines"`
	Unparsed   int            `json:"unparsed_nonempty_lines"`
	Records    int            `json:"records"`
	ByStatus   map[string]int `json:"by_status"`
	ByClass    map[string]int `json:"by_status_class"`
	ByMethod   map[string]int `json:"by_method"`
	ByCode     map[string]int `json:"by_result_code"`
	ByLevel    map[string]int `json:"by_level"`
	VHosts     map[string]int `json:"vhosts"`
	BytesTotal float64        `json:"bytes_total"`
	Malformed  int            `json:"malformed_requests"`
	First      string         `json:"first_time"`
	Last       string         `json:"last_time"`
	Times      *webTimes      `json:"request_time_s"`
	ElapsedMs  *webTimes      `json:"elapsed_ms"`
	Hits       struct {
		Count int
		Bytes float64
	} `json:"hit_like"`
}

// webTimes describes a distribution.
type webTimes struct {
	Count               uint64
	Sum, Mean, Min, Max float64
	P50                 float64 `json:"p50_lin"`
	P90                 float64 `json:"p90_lin"`
	P95                 float64 `json:"p95_lin"`
	P99                 float64 `json:"p99_lin"`
}

// webLog is a log with a truth. Those that are too large or not ours to copy
// are read beside the checkout; a test says which of them were not there.
type webLog struct {
	c     logCase
	truth webTruth
}

// eachWebLog runs fn for the logs of the parser's folder and for others, which
// are names in the folder of that name beside the checkout.
func eachWebLog(t *testing.T, parser string, args []string, others []string, fn func(t *testing.T, l webLog)) {
	t.Helper()
	factory, _, ok := parsers.Find(parser)
	require.True(t, ok)
	own, err := filepath.Glob(filepath.Join(folder(factory), "*.truth.json"))
	require.NoError(t, err)
	require.NotEmpty(t, own)
	for _, name := range others {
		own = append(own, filepath.Join("..", "..", "shared", "testdata", parser, name+".truth.json"))
	}
	for _, path := range own {
		base := strings.TrimSuffix(path, ".truth.json")
		t.Run(filepath.Base(base), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				skipElsewhere(t)
			}
			require.NoError(t, err)
			var l webLog
			require.NoError(t, json.Unmarshal(text, &l.truth))
			l.c = casesOf(t, factory, base)[0]
			if args != nil {
				l.c.args = args
			}
			fn(t, l)
		})
	}
}

// values returns the numbers of an outcome of one interval, by name and tags.
func values(t *testing.T, o outcome) map[string]float64 {
	t.Helper()
	require.Len(t, o.batches, 1)
	got := make(map[string]float64)
	for _, s := range o.batches[0].Samples {
		name := s.Name
		for _, tag := range s.Tags {
			name += ";" + tag.Key + "=" + tag.Value
		}
		got[name] = s.Value()
	}
	return got
}

// sampleOf returns the sample of a name.
func sampleOf(t *testing.T, o outcome, name string) *metric.Sample {
	t.Helper()
	for i := range o.batches[0].Samples {
		if s := &o.batches[0].Samples[i]; s.Name == name {
			return s
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

// assertTimes compares a timer with the truth, which counts in units.
func assertTimes(t *testing.T, want *webTimes, got *metric.Sample, unit float64) {
	t.Helper()
	require.Equal(t, want.Count, got.Count)
	delta := 1e-6
	near := func(want, got float64) { t.Helper(); assert.InDelta(t, want, got/unit, delta*(1+want)) }
	near(want.Sum, got.Sum)
	near(want.Mean, got.Mean())
	near(want.Min, got.Min)
	near(want.Max, got.Max)
	if want.Count > metric.MaxExact { // a sketch
		delta = .01
	}
	near(want.P50, got.Dist.Quantile(.5))
	near(want.P90, got.Dist.Quantile(.9))
	near(want.P95, got.Dist.Quantile(.95))
	near(want.P99, got.Dist.Quantile(.99))
}

// assertLines checks what became of the lines.
func assertLines(t *testing.T, truth *webTruth, st parsers.Stats) {
	t.Helper()
	assert.Equal(t, truth.Lines, st.Lines, "lines")
	assert.Equal(t, truth.Records, st.Matched(), "matched")
	assert.Equal(t, truth.Unparsed, st.Rejected, "rejected")
	assert.Equal(t, truth.Empty, st.Skipped, "skipped")
}

// clfTime reads "20/Nov/2026:10:00:00 -0500".
func clfTime(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", text)
	require.NoError(t, err)
	return at.Unix()
}

// assertStatusRates compares Logster's gauges of statuses with the truth's classes.
func assertStatusRates(t *testing.T, truth *webTruth, c logCase) {
	t.Helper()
	got := values(t, read(t, c, setup{alias: true}))
	for _, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx"} {
		assert.InDelta(t, float64(truth.ByClass[class])/60, got["http_"+class], 1e-12, class)
	}
}

var accessElsewhere = []string{"real-nginx-combined", "real-apache-combined", "nasty-access", "pub-beats-apache", "pub-elastic-apache-1"}

func TestAccessTruth(t *testing.T) {
	eachWebLog(t, "access", nil, accessElsewhere, func(t *testing.T, l webLog) {
		o := read(t, l.c, setup{})
		got := values(t, o)
		assertLines(t, &l.truth, o.stats)
		assert.EqualValues(t, l.truth.Records, got["requests"])
		assert.EqualValues(t, l.truth.BytesTotal, got["bytes"])
		assert.EqualValues(t, l.truth.Malformed, got["malformed"])
		assert.EqualValues(t, l.truth.ByClass["0xx"], got["http_other"])
		for _, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx"} {
			assert.EqualValues(t, l.truth.ByClass[class], got["http_"+class], class)
		}
		assert.Equal(t, l.truth.Unparsed, o.stats.Untimed)
		if strings.HasPrefix(l.c.name, "access/real-") { // the others are not in the order of time
			assert.Equal(t, []int64{clfTime(t, l.truth.First), clfTime(t, l.truth.Last)}, []int64{o.first, o.last})
		}
		if l.truth.Times != nil {
			assertTimes(t, l.truth.Times, sampleOf(t, o, "request_time"), 1)
		}
		assertStatusRates(t, &l.truth, l.c)
	})
}

// TestAccessBy also reads the timed logs without their format: what stands
// behind common and combined is no matter.
func TestAccessBy(t *testing.T) {
	for key, of := range map[string]func(*webTruth) map[string]int{
		"status": func(w *webTruth) map[string]int { return w.ByStatus },
		"method": func(w *webTruth) map[string]int { return w.ByMethod },
		"vhost":  func(w *webTruth) map[string]int { return w.VHosts },
	} {
		t.Run(key, func(t *testing.T) {
			eachWebLog(t, "access", []string{"--by=" + key}, accessElsewhere, func(t *testing.T, l webLog) {
				want := map[string]float64{}
				for value, n := range of(&l.truth) {
					value, _, _ = strings.Cut(value, ":") // the port
					want["requests;"+key+"="+string(metric.AppendNode(nil, []byte(value)))] += float64(n)
				}
				if key == "method" && l.truth.Malformed > 0 {
					want["requests;method=malformed"] = float64(l.truth.Malformed)
				}
				if key == "vhost" && len(l.truth.VHosts) == 0 {
					want["requests;vhost=none"] = float64(l.truth.Records)
				}
				got := values(t, read(t, l.c, setup{}))
				for name := range got {
					if !strings.HasPrefix(name, "requests;") {
						delete(got, name)
					}
				}
				assert.Equal(t, want, got)
			})
		})
	}
}

func TestErrorTruth(t *testing.T) {
	eachWebLog(t, "error", nil, nil, func(t *testing.T, l webLog) {
		o := read(t, l.c, setup{})
		got := values(t, o)
		assert.Equal(t, l.truth.Lines, o.stats.Lines)
		assert.Equal(t, l.truth.Records, o.stats.Matched())
		assert.Equal(t, l.truth.Unparsed, o.stats.Skipped, "text that goes on from the line before")
		assert.Equal(t, l.truth.Unparsed, o.stats.Untimed)
		for level, n := range got {
			assert.EqualValues(t, l.truth.ByLevel[level], n, level)
		}
		alias := values(t, read(t, l.c, setup{alias: true}))
		other := l.truth.Records
		for _, level := range []string{"notice", "warn", "error", "crit"} {
			assert.InDelta(t, float64(l.truth.ByLevel[level])/6, alias[level], 1e-12, level)
			other -= l.truth.ByLevel[level]
		}
		assert.InDelta(t, float64(other)/6, alias["other"], 1e-12)
	})
}

// TestWebAliasesAsLogster compares names, order and forms with Logster's own
// output for a minute without lines, and for an interval of unknown length.
func TestWebAliasesAsLogster(t *testing.T) {
	for alias, names := range map[string]string{
		"SampleLogster":   "http_1xx http_2xx http_3xx http_4xx http_5xx",
		"SquidLogster":    "http_1xx http_2xx http_3xx http_4xx http_5xx size squid_TCP_MISS squid_TCP_DENIED squid_TCP_HIT squid_TCP_MEM_HIT squid_OTHER",
		"ErrorLogLogster": "notice warn error crit other",
	} {
		f, isAlias, ok := parsers.Find(alias)
		require.True(t, ok && isAlias, alias)
		for _, end := range []int64{0, 60} {
			rec := metric.NewRecorder(metric.RecorderOptions{})
			_, err := f.New(parsers.Options{Alias: true}, rec)
			require.NoError(t, err)
			b := metric.Batch{End: end}
			rec.Flush(&b)
			var got []string
			for _, s := range b.Samples {
				got = append(got, s.Name)
				assert.Equal(t, []any{metric.Gauge, metric.PyFloat, 0.0}, []any{s.Kind, s.Form, s.Value()}, "%s %s, %d s", alias, s.Name, end)
			}
			assert.Equal(t, names, strings.Join(got, " "))
		}
	}
}

func TestAccessUsage(t *testing.T) {
	f, _, _ := parsers.Find("access")
	for args, want := range map[string]string{
		"--by=status,path": `--by: "path" is none of method, status, vhost`,
		"--format=%h %t":   "has no status ($status, %>s)",
		"--format=$status $body_bytes_sent --by=method": "", // one argument: an odd format, and right
		"--format=$remote_addr$status":                  "byte 13: a variable follows another with nothing between them",
		"--format=plain":                                "no variable such as $status or %>s",
	} {
		_, err := f.New(parsers.Options{Args: []string{args}}, metric.NewRecorder(metric.RecorderOptions{}))
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		var usage *parsers.UsageError
		require.ErrorAs(t, err, &usage, args)
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, usage.Usage, "--format=FORMAT")
	}
	_, err := f.New(parsers.Options{Args: []string{"--format=%>s", "--by=method"}}, metric.NewRecorder(metric.RecorderOptions{}))
	assert.ErrorContains(t, err, "--by=method: log format")
	_, err = f.New(parsers.Options{Args: []string{"--format=%>s", "--by=vhost"}}, metric.NewRecorder(metric.RecorderOptions{}))
	assert.ErrorContains(t, err, "--by=vhost: log format")
}

// TestAccessTimes reads the durations of one line in each server's units.
func TestAccessTimes(t *testing.T) {
	for _, test := range []struct {
		format, line      string
		request, upstream float64 // -1: none
	}{
		{"$status $request_time", "200 1.250", 1.25, -1},
		{"$status $request_time", "200 -", -1, -1},
		{"%>s %T", "200 3", 3, -1},
		{"%>s %D", "200 -2500000", -2.5, -1}, // the clock was put back
		{"%>s %D", "200 2500", .0025, -1},
		{"%>s %{ms}T", "200 25", .025, -1},
		{"%>s %{us}T", "200 25", 25e-6, -1},
		{"%>s %T %D", "200 1 1250000", 1.25, -1},
		{"$status $upstream_response_time $pipe", "200 0.250, - : 0.500 .", -1, .75},
		{`$status "$upstream_response_time"`, `200 "-"`, -1, -1},
		{"$status $upstream_response_time", "200 -, 0.5", -1, .5},
		{"$status $request_time $upstream_response_time", "200 0.5 0.25", .5, .25},
	} {
		f, _, _ := parsers.Find("access")
		c := logCase{factory: f, log: []byte(test.line + "\n"), args: []string{"--format=" + test.format}}
		o := read(t, c, setup{})
		require.Equal(t, 1, o.stats.Matched(), test.format)
		for name, want := range map[string]float64{"request_time": test.request, "upstream_time": test.upstream} {
			got := -1.0
			for _, s := range o.batches[0].Samples {
				if s.Name == name && s.Count > 0 {
					got = s.Sum
				}
			}
			assert.InDelta(t, want, got, 1e-12, "%s: %s", test.format, name)
		}
	}
}
