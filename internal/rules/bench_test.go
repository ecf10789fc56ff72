package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/rules"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

// accessLog is lines of an access log, 230 bytes each on average.
func accessLog(lines int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	agents := []string{
		"python-requests/2.31.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
	}
	status := []int{200, 200, 200, 200, 200, 200, 200, 304, 404, 500}
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "%d.%d.%d.%d - - [09/Oct/2025:08:%02d:%02d +0000] \"GET /shop/%x/item/%x.html HTTP/1.1\" %d %d \"https://www.example.com/%x\" %q 0.%03d\n",
			1+r.IntN(222), r.IntN(256), r.IntN(256), r.IntN(256), i/60%60, i%60, r.Uint32(), r.Uint32(),
			status[r.IntN(len(status))], r.IntN(100000), r.Uint32(), agents[r.IntN(len(agents))], r.IntN(1000))
	}
	return b.Bytes()
}

var benchmarks = []struct{ name, yaml string }{
	{"literal", `rules: [{match: 'HTTP/1\.1" (?P<status>\d{3}) (?P<bytes>\d+)', metrics: [{counter: requests, tags: {status: status}}, {counter: bytes, value: bytes}]}]`},
	{"rare", `rules: [{match: '" 500 (?P<bytes>\d+)', metrics: [{counter: errors}]}]`},
	{"absent", `rules: [{match: 'Googlebot/(?P<v>\d+)', metrics: [{counter: bots}]}]`},
	{"noliteral", `rules: [{match: '(?P<status>\d{3}) (?P<bytes>\d+)', metrics: [{counter: bytes, value: bytes}]}]`},
	{"grok", `rules: [{match: '^%{IPV4:client} \S+ \S+ \[[^\]]+\] "%{WORD:verb} [^"]*" %{INT:status} %{INT:bytes}', metrics: [{counter: bytes, value: bytes, tags: {verb: verb, status: status}}]}]`},
	{"four", `rules:
  - {match: '" 404 ', metrics: [{counter: missing}]}
  - {match: '" 500 (?P<bytes>\d+)', metrics: [{counter: errors}]}
  - {match: 'Googlebot/(?P<v>\d+)', metrics: [{counter: bots}]}
  - {match: 'python-requests/(?P<v>\d+)', metrics: [{counter: scripts, tags: {v: v}}]}`},
}

func BenchmarkRules(b *testing.B) {
	const lines = 20000
	log := accessLog(lines)
	for _, bm := range benchmarks {
		for _, timed := range []bool{false, true} {
			name := bm.name
			if timed {
				name += "/time"
			}
			b.Run(name, func(b *testing.B) {
				parse := parser(b, bm.yaml, timed)
				parse(log)
				b.SetBytes(int64(len(log)))
				b.ReportAllocs()
				for b.Loop() {
					parse(log)
				}
				b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
			})
		}
	}
}

// parser returns a function that applies the rules to a block.
func parser(t testing.TB, yaml string, timed bool) func(block []byte) rules.Counts {
	t.Helper()
	var c rules.Config
	require.NoError(t, c.Parse("rules.yaml", []byte(yaml)))
	rec := metric.NewRecorder(metric.RecorderOptions{})
	e, err := rules.New(&c, rules.Options{WantTime: timed}, rec)
	require.NoError(t, err)
	return func(block []byte) rules.Counts {
		rec.Block(1)
		return e.Parse(block, 0, rec)
	}
}

func TestNoAllocationOnceNamesAreKnown(t *testing.T) {
	if testutil.Race() {
		t.Skip("the race detector makes a sync.Pool drop what it holds, and that is counted as allocations")
	}
	log := append(accessLog(500), "grüße HTTP/1.1\" 200 10\n"...)
	for _, bm := range benchmarks {
		for _, timed := range []bool{false, true} {
			parse := parser(t, bm.yaml, timed)
			parse(log)
			if got := testing.AllocsPerRun(20, func() { parse(log) }); got != 0 {
				t.Errorf("%s, time %v: %v allocations a block", bm.name, timed, got)
			}
		}
	}
}
