package aggregate_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/metric"
)

// has checks the values of some series; NaN is for one that must not be there.
func has(t *testing.T, got map[string]float64, want map[string]float64) {
	t.Helper()
	for name, v := range want {
		value, there := got[name]
		switch {
		case math.IsNaN(v):
			assert.False(t, there, "%s is %v", name, value)
		case assert.True(t, there, "no %s", name):
			assert.Equal(t, v, value, name)
		}
	}
}

var none = math.NaN()

// TestNodesOwnCases are the cases of node's own tests, by what they send.
func TestNodesOwnCases(t *testing.T) {
	const newer = `"graphite": {"legacyNamespace": false}`
	stats := func(prefix string, in map[string]float64) map[string]float64 {
		out := map[string]float64{}
		for field, v := range in {
			out[prefix+field] = v
		}
		return out
	}
	timers := func(values string) string { return "a:" + strings.ReplaceAll(values, " ", "|ms:") + "|ms" }
	for name, c := range map[string]struct {
		settings, in string
		want         map[string]float64
	}{
		"counter": {`{"flushInterval": 100}`, "a:2|c", map[string]float64{"stats.a": 20, "stats_counts.a": 2}},
		"timer of one": {`{"flushInterval": 100}`, timers("100"), stats("stats.timers.a.", map[string]float64{
			"std": 0, "upper": 100, "lower": 100, "sum": 100, "mean": 100, "median": 100, "sum_squares": 10000, "count": 1, "count_ps": 10,
		})},
		"timer of three": {`{"flushInterval": 100}`, timers("100 200 300"), stats("stats.timers.a.", map[string]float64{
			"std": 81.64965809277261, "sum": 600, "sum_squares": 140000, "mean": 200, "median": 200, "count": 3, "count_ps": 30,
		})},
		"percentiles": {`{"flushInterval": 100, "percentThreshold": [90, 80]}`, timers("100 200 300"), stats("stats.timers.a.", map[string]float64{
			"count_90": 3, "mean_90": 200, "upper_90": 300, "sum_90": 600, "count_80": 2, "mean_80": 150, "upper_80": 200, "sum_80": 300, "sum_squares_80": 50000,
		})},
		"sampled": {`{"flushInterval": 100}`, "a:100|ms|@0.05\na:200|ms|@0.1\na:300|ms|@0.05", stats("stats.timers.a.", map[string]float64{
			"count": 50, "count_ps": 500, "upper_90": 300, "count_90": 3,
		})},
		"percentile 0 as a number is 90": {`{"percentThreshold": 0}`, timers("1 2"), stats("stats.timers.a.", map[string]float64{"count_90": 2, "count_0": none})},
		"percentile 0 in a list":         {`{"percentThreshold": [0]}`, timers("1 2"), stats("stats.timers.a.", map[string]float64{"count_90": none, "count_0": none, "upper_0": none})},
		"no percentiles":                 {`{"percentThreshold": []}`, timers("1 2"), stats("stats.timers.a.", map[string]float64{"count_90": none, "count": 2})},
		"smallest or largest that are all": {`{"percentThreshold": [-100, 100]}`, timers("1 2"), stats("stats.timers.a.", map[string]float64{
			"sum_top100": 3, "mean_top100": 1.5, "sum_squares_top100": 5, "lower_top100": 1, "sum_100": 3,
		})},
		"eight": {`{"percentThreshold": [90, -10, 50]}`, timers("450 120 553 994 334 844 675 496"), stats("stats.timers.a.", map[string]float64{
			"upper_90": 844, "sum_90": 3472, "mean_90": 496, "lower_top10": 994, "sum_top10": 994, "count_top10": 1, "count_50": 4, "upper_50": 496, "median": 524.5,
		})},
		"gostatsd's": {`{}`, timers("2 4 12"), stats("stats.timers.a.", map[string]float64{
			"count": 3, "lower": 2, "upper": 12, "mean": 6, "median": 4, "sum": 18, "sum_squares": 164, "std": 4.320493798938574, "count_ps": .3, "count_90": 3,
		})},
		"fields": {`{"calculatedTimerMetrics": ["upper", "lower", "count_ps", "sum_squares"]}`, timers("1 2"), stats("stats.timers.a.", map[string]float64{
			"upper": 2, "lower": 1, "count_ps": .2, "sum_squares": 5, "count": none, "mean": none, "upper_90": none, "std": none, "sum": none, "median": none,
		})},
		"nothing": {`{` + newer + `}`, "", map[string]float64{"stats.statsd.numStats": 3, "stats.counters.statsd.bad_lines_seen.count": 0}},
		"bad":     {`{` + newer + `}`, "a_bad_test_value|z", map[string]float64{"stats.counters.statsd.bad_lines_seen.count": 1, "stats.statsd.numStats": 3}},
		"timer at a tenth": {`{"flushInterval": 200, ` + newer + `}`, "a_test_value:100|ms|@0.1", map[string]float64{
			"stats.timers.a_test_value.count": 10, "stats.timers.a_test_value.count_ps": 50,
		}},
		"counter in a fifth": {`{"flushInterval": 200, ` + newer + `}`, "a_test_value:100|c", map[string]float64{
			"stats.counters.a_test_value.rate": 500, "stats.counters.a_test_value.count": 100, "stats.statsd.numStats": 4,
		}},
		"gostatsd's packed counter": {`{}`, "f:2:2|c", map[string]float64{"stats_counts.f": 4}},
		"gostatsd's rated timer":    {`{}`, "f:1:3|ms|@0.5", stats("stats.timers.f.", map[string]float64{"count": 4, "upper": 3, "lower": 1})},
		"a gauge has no rate":       {`{}`, "foo:3|g|@0.2", map[string]float64{"stats.gauges.foo": 3}},
		"statsd_exporter's tags":    {`{}`, "foo:100|c|@0.1|#tag1:bar,tag2:baz", map[string]float64{"stats_counts.foo;tag1=bar;tag2=baz": 1000}},
		"an event and a counter":    {`{}`, "_e{1,1}:a|b\nf:6|c", map[string]float64{"stats_counts.f": 6, "stats_counts.statsd.bad_lines_seen": 0, "stats_counts.statsd.metrics_received": 2}},
	} {
		t.Run(name, func(t *testing.T) { has(t, flushed(t, c.settings, c.in), c.want) })
	}
}

// TestGaugesThatAreDeleted: node's own case of a gauge that lives for two flushes.
func TestGaugesThatAreDeleted(t *testing.T) {
	n, sink := node(t, `{"deleteIdleStats": true, "gaugesMaxTTL": 2, "graphite": {"legacyNamespace": false}}`)
	n.Flush(10) // the lag is a gauge from the second flush on
	n.Worker().Block([]byte("a_test_value:5|g"))
	for flush, want := range []map[string]float64{
		{"stats.gauges.a_test_value": 5, "stats.statsd.numStats": 5}, {"stats.gauges.a_test_value": 5, "stats.statsd.numStats": 5},
		{"stats.gauges.a_test_value": none, "stats.statsd.numStats": 4},
	} {
		n.Flush(int64(20 + 10*flush))
		has(t, sink.values, want)
	}
}

// TestSumsOfPartsOfAnInterval: which values add up with those of another daemon's part.
func TestSumsOfPartsOfAnInterval(t *testing.T) {
	n, sink := node(t, `{"percentThreshold": [50]}`)
	n.Worker().Block([]byte("a:1|c\nb:2|g\nc:3|ms\nd:x|s\n"))
	n.Flush(10)
	slices.Sort(sink.adds)
	assert.Equal(t, []string{
		"stats.a", "stats.statsd.bad_lines_seen", "stats.statsd.metrics_received", "stats.statsd.packets_received",
		"stats.timers.c.count", "stats.timers.c.count_50", "stats.timers.c.count_ps", "stats.timers.c.sum", "stats.timers.c.sum_50",
		"stats.timers.c.sum_squares", "stats.timers.c.sum_squares_50",
		"stats_counts.a", "stats_counts.statsd.bad_lines_seen", "stats_counts.statsd.metrics_received", "stats_counts.statsd.packets_received",
	}, sink.adds)
}

// TestHistogramsLikeNodes: the bins of node's own test.
func TestHistogramsLikeNodes(t *testing.T) {
	got := flushed(t, `{"histogram": [{"metric": "foo", "bins": []}, {"metric": "abcd", "bins": [1, 5, "inf"]}, {"metric": "abc", "bins": [1, 2.21, "inf"]}, {"metric": "a", "bins": [1, 2]}]}`,
		"a:1|ms:2|ms:3|ms:4|ms:5|ms:6|ms:7|ms:8|ms:9|ms:10|ms", "abc:0.1234|ms:2.89|ms:4|ms:6|ms:8|ms", "foo:1|ms\nbarbazfoobar:1|ms\nbar.bazfoobar.abc:1|ms\nxyz:1|ms")
	has(t, got, map[string]float64{
		"stats.timers.a.histogram.bin_1": 0, "stats.timers.a.histogram.bin_2": 1, "stats.timers.a.histogram.bin_inf": none,
		"stats.timers.abc.histogram.bin_1": 1, "stats.timers.abc.histogram.bin_2_21": 0, "stats.timers.abc.histogram.bin_inf": 4,
	})
	for name := range got {
		if strings.Contains(name, "foo") || strings.Contains(name, "xyz") {
			assert.NotContains(t, name, "histogram")
		}
	}
}

// TestDepartures is what we do other than node's daemon; docs/statsd.md has the list.
func TestDepartures(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want map[string]float64
	}{
		"histograms are timers":         {"a:5|h\nb:7|d", map[string]float64{"stats.timers.a.upper": 5, "stats.timers.b.upper": 7, "stats.a": none}},
		"running totals":                {"a:10|C:15|C:22|C:3|C\nb:7|C\nz:0|C:5|C:9|C", map[string]float64{"stats_counts.a": 15, "stats_counts.b": 0, "stats_counts.z": 4}},
		"Flux, no line end":             {"flux.0.n:3|C\nflux.0.n:8|C\nflux.0.t:1.234560|ms\nflux.0.g:42|g", map[string]float64{"stats_counts.flux.0.n": 5, "stats.timers.flux.0.t.upper": 1.23456, "stats.gauges.flux.0.g": 42}},
		"unknown types":                 {"a:1|x", map[string]float64{"stats.a": none, "stats_counts.statsd.bad_lines_seen": 1}},
		"a set without a type":          {"a:1|c\nmyset:1\nb:1|c", map[string]float64{"stats_counts.a": 1, "stats_counts.b": 1, "stats_counts.statsd.bad_lines_seen": 1}},
		"no name":                       {":1|c\n$$:1|c:2|c\n|#a:b:1|c", map[string]float64{"stats.": none, "stats_counts.statsd.bad_lines_seen": 4}},
		"no numbers":                    {"a:Infinity|c\na:NaN|g\na:0x10|ms\na:1e999|c", map[string]float64{"stats.a": none, "stats_counts.statsd.bad_lines_seen": 4}},
		"rate 0":                        {"a:1|c|@0\na:1|ms|@0", map[string]float64{"stats.a": none, "stats_counts.statsd.bad_lines_seen": 2}},
		"what crashes node":             {"a:1|c|@+0.5\na:1|c|@ 0.5\nconstructor:1|c\n__proto__:1|ms\ntoString:1|g", map[string]float64{"stats_counts.constructor": 1, "stats.timers.__proto__.upper": 1, "stats.gauges.toString": 1, "stats_counts.statsd.bad_lines_seen": 2}},
		"CRLF":                          {"s:a|s\r\nt:-1|ms\r\n\r\n", map[string]float64{"stats.sets.s.count": 1, "stats.timers.t.upper": none, "stats_counts.statsd.bad_lines_seen": 1, "stats_counts.statsd.metrics_received": 2}},
		"tags have no order":            {"a:1|c|#x:1,y:2\na:1|c|#y:2,x:1", map[string]float64{"stats_counts.a;x=1;y=2": 2}},
		"a name like another with tags": {"a:5|c|#b\na|#b:1|c\na:b:1|c\n", map[string]float64{"stats_counts.a;b=true": 5, "stats_counts.a": 1, "stats_counts.statsd.bad_lines_seen": 2}},
		"a tag without a value":         {"a:1|c|#solo", map[string]float64{"stats_counts.a;solo=true": 1}},
		"a rate behind tags":            {"a:1|c|#x:1|@0.5", map[string]float64{"stats_counts.a;x=1": 2}},
		"DogStatsD's other sections":    {"a:1|c|c:in-1|T123|e:x|card:low", map[string]float64{"stats_counts.a": 1}},
		"notices are not bad":           {"_e{1,1}:a|b\n_sc|disk|0", map[string]float64{"stats_counts.statsd.bad_lines_seen": 0, "stats_counts.statsd.metrics_received": 2}},
		"NUL, UTF-8, long lines":        {"a\x00b:1|c\n\xff\xfe:1|c\n" + strings.Repeat("x", 5000) + ":1|c\n" + strings.Repeat(":", 5000), map[string]float64{"stats_counts.ab": 1}},
		"a gauge's change from nought":  {"a:-3|g\nb:+3|g\nc:5|g\nc:-7|g\nc:+1|g", map[string]float64{"stats.gauges.a": -3, "stats.gauges.b": 3, "stats.gauges.c": -1}},
	} {
		t.Run(name, func(t *testing.T) { has(t, flushed(t, `{}`, c.in), c.want) })
	}
}

// TestMethods: what a coarser bucket is to show of each series.
func TestMethods(t *testing.T) {
	n, sink := node(t, `{"percentThreshold": [90, -50], "histogram": [{"metric": "t", "bins": [1]}]}`)
	n.Worker().Block([]byte("c:1|c\ng:1|g\ns:1|s\nt:1|ms\nt:2|ms"))
	n.Flush(70)
	assert.Equal(t, int64(70), sink.stamp)
	for name, how := range map[string]metric.Method{
		"stats.c": metric.Average, "stats_counts.c": metric.Sum, "stats.gauges.g": metric.Average, "stats.sets.s.count": metric.Max, "statsd.numStats": metric.Average,
		"stats.timers.t.upper": metric.Max, "stats.timers.t.lower": metric.Min, "stats.timers.t.upper_90": metric.Max, "stats.timers.t.lower_top50": metric.Min,
		"stats.timers.t.count": metric.Sum, "stats.timers.t.count_ps": metric.Average, "stats.timers.t.mean_90": metric.Average, "stats.timers.t.sum_squares_90": metric.Sum,
		"stats.timers.t.histogram.bin_1": metric.Sum, "stats.timers.t.std": metric.Average,
	} {
		assert.Equal(t, how, sink.how[name], name)
	}
}

// TestOwnSeries: what node tells of itself, and from when on.
func TestOwnSeries(t *testing.T) {
	n, sink := node(t, `{}`)
	n.Flush(100)
	has(t, sink.values, map[string]float64{
		"stats.gauges.statsd.timestamp_lag": none, "stats.statsd.graphiteStats.last_exception": 0, "stats.statsd.graphiteStats.flush_length": 0,
	})
	sink.err = errors.New("full")
	n.Flush(112)
	has(t, sink.values, map[string]float64{"stats.gauges.statsd.timestamp_lag": 2, "stats.statsd.graphiteStats.last_exception": 0, "statsd.numStats": 4})
	assert.Positive(t, sink.values["stats.statsd.graphiteStats.last_flush"])
	assert.Positive(t, sink.values["stats.statsd.graphiteStats.flush_length"])
	n.Flush(122)
	assert.Positive(t, sink.values["stats.statsd.graphiteStats.last_exception"])
	for _, name := range []string{"stats.statsd.processing_time", "stats.statsd.graphiteStats.calculationtime", "stats.statsd.graphiteStats.flush_time"} {
		assert.Contains(t, sink.values, name)
	}
}

// TestManyValues: a timer with more values than are kept one by one.
func TestManyValues(t *testing.T) {
	const count = 20_000
	n, sink := node(t, `{"percentThreshold": [90, -10], "histogram": [{"metric": "t", "bins": [5000, "inf"]}]}`)
	a, b := n.Worker(), n.Worker()
	for i := range count {
		w := a
		if i%3 == 0 {
			w = b
		}
		w.Block(fmt.Appendf(nil, "t:%d|ms|@0.5\n", (i*7919)%count+1))
	}
	n.Flush(0)
	has(t, sink.values, map[string]float64{
		"stats.timers.t.count": 2 * count, "stats.timers.t.lower": 1, "stats.timers.t.upper": count, "stats.timers.t.sum": count * (count + 1) / 2,
		"stats.timers.t.count_90": .9 * count, "stats.timers.t.count_top10": .1 * count,
	})
	for name, want := range map[string]float64{
		"upper_90": .9 * count, "lower_top10": .9 * count, "median": count / 2, "mean": (count + 1) / 2., "std": count / math.Sqrt(12), "mean_90": .45 * count, "mean_top10": .95 * count,
		"sum_90": .405 * count * count, "sum_squares": math.Pow(count, 3) / 3, "histogram.bin_5000": 5000, "histogram.bin_inf": 15_000,
	} {
		assert.InEpsilon(t, want, sink.values["stats.timers.t."+name], .02, name)
	}
	n.Flush(0)
	has(t, sink.values, map[string]float64{"stats.timers.t.count": 0, "stats.timers.t.upper": none})
}

// TestManyMembers: sets are exact far beyond what statsd is used for, then estimates.
func TestManyMembers(t *testing.T) {
	n, sink := node(t, `{}`)
	a, b := n.Worker(), n.Worker()
	for i := range 200_000 {
		line := fmt.Appendf(nil, "large:m%d|s\n", i)
		if i < 50_000 {
			line = fmt.Appendf(line, "s:m%d|s", i%30_000)
		}
		a.Block(line)
		b.Block(line)
	}
	n.Flush(0)
	assert.Equal(t, 30_000.0, sink.values["stats.sets.s.count"])
	assert.InEpsilon(t, 200_000, sink.values["stats.sets.large.count"], .03)
	n.Flush(0)
	has(t, sink.values, map[string]float64{"stats.sets.s.count": 0, "stats.sets.large.count": 0})
}

// TestWorkersAgree: any number of workers and of looks in between gives what one gives.
func TestWorkersAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var blocks [][]byte
	for range 500 {
		var b []byte
		for range 1 + r.IntN(20) {
			kinds := []string{"c", "ms", "s", "h", "c|@0.5", "g", "C"}
			k := kinds[r.IntN(len(kinds))]
			b = fmt.Appendf(b, "n%d.%s:%d|%s\n", r.IntN(30), k[:1], r.IntN(50), k)
		}
		blocks = append(blocks, b)
	}
	one, all := func(workers int) (first, second map[string]float64) {
		n, sink := node(t, `{"deleteIdleStats": true, "deleteGauges": false}`)
		list := make([]*aggregate.Worker, workers)
		for i := range list {
			list[i] = n.Worker()
		}
		for i, b := range blocks {
			list[i%workers].Block(b)
			if i == len(blocks)/2 {
				n.Flush(10)
				first = sink.values
			}
		}
		n.Flush(20)
		return first, sink.values
	}, 5
	wantFirst, want := one(1)
	gotFirst, got := one(all)
	for _, pair := range [][2]map[string]float64{{wantFirst, gotFirst}, {want, got}} {
		require.Len(t, pair[1], len(pair[0]))
		for name, v := range pair[0] {
			if steady(name) {
				require.InDelta(t, v, pair[1][name], 1e-9*math.Abs(v), name)
			}
		}
	}
}

// TestSettings: those that cannot be are refused.
func TestSettings(t *testing.T) {
	for _, settings := range []string{
		`flushInterval: 1`, `gaugesMaxTTL: -1`, `percentThreshold: [101]`, `percentThreshold: .nan`, `histogram: [{metric: a, bins: [2, 1]}]`,
	} {
		var opt aggregate.NodeOptions
		require.NoError(t, yaml.Unmarshal([]byte(settings), &opt.NodeConfig))
		_, err := aggregate.NewNode(opt)
		assert.Error(t, err, settings)
	}
	_, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Limits: aggregate.Limits{MaxNames: 2}}})
	assert.Error(t, err)
}
