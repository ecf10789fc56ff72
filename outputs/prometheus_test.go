package outputs_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// strictPrometheus reads a page with Prometheus' own parser, and a request
// with ours, which is held to it elsewhere.
func strictPrometheus(t *testing.T, v variant, packet []byte) (values int) {
	if v.opt.Protocol != "http" {
		for name, family := range parsePage(t, packet) {
			require.True(t, strings.HasPrefix(name, "good_"), name)
			require.Regexp(t, "^[a-zA-Z_][a-zA-Z0-9_]*$", name)
			values += len(family.Metric)
			for _, m := range family.Metric {
				require.LessOrEqual(t, len(m.Label), 2)
				for _, l := range m.Label {
					require.Regexp(t, "^[kl][a-zA-Z0-9_]*$", l.GetName())
				}
			}
		}
		return values
	}
	var p prometheus.RequestParser
	require.NoError(t, p.Parse(packet, func(labels []prometheus.RawLabel, samples []prometheus.Sample) error {
		require.LessOrEqual(t, len(labels), 5) // the name, k and l, and the variant's own two
		for _, l := range labels {
			require.Regexp(t, "^(__name__|host|code|[kl][a-zA-Z0-9_]*)$", string(l.Name))
			require.True(t, string(l.Name) != "__name__" || bytes.HasPrefix(l.Value, []byte("good_")), "%s", l.Value)
		}
		require.Len(t, samples, 1)
		require.EqualValues(t, 1760000000000, samples[0].Milliseconds)
		values++
		return nil
	}))
	return values
}

// parsePage reads a page with Prometheus' own parser, which takes no series twice.
func parsePage(t *testing.T, page []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	require.NoError(t, err, "%s", page)
	seen := make(map[string]bool)
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "#") {
			name := line[:strings.LastIndexByte(line, ' ')]
			require.False(t, seen[name], "%q is twice on the page", name)
			seen[name] = true
		}
	}
	return families
}

// history makes batches of one job, of a counter, a timer, a gauge that comes
// and goes, and series whose names come from the log.
type history struct {
	rnd  *rand.Rand
	seq  uint64
	want map[string]float64 // what the totals are
}

func (c *history) next() *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	sent, delay := r.Series("numSent", metric.Counter, metric.PyInt), r.Series("delay", metric.Timer, metric.Shortest)
	programs := r.Family("programs", metric.Counter, "name")
	for range c.rnd.IntN(20) {
		r.Inc(sent, 1)
		c.want["web1_num_sent_total"]++
		v := c.rnd.ExpFloat64() - .1
		r.Observe(delay, v)
		c.want["web1_delay_seconds_count"]++
		c.want["web1_delay_seconds_sum"] += max(v, 0)
		if v <= .5 {
			c.want["web1_delay_seconds_bucket/0.5"]++
		}
		name := fmt.Sprintf("p%d", c.rnd.IntN(5))
		r.Inc(programs.ID([]byte(name)), 2)
		c.want["web1_programs_total/"+name] += 2
	}
	level := r.Series("level", metric.Gauge, metric.Shortest)
	c.seq++
	if c.seq%2 == 1 {
		r.Set(level, float64(c.seq))
	}
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{7}, Seq: c.seq}, Stamp: 1760000000 + 10*int64(c.seq), Prefix: "web1"}
	r.Flush(b)
	return b
}

// flat returns the numbers of a page, by name and the one label.
func flat(t *testing.T, page []byte) map[string]float64 {
	got := make(map[string]float64)
	for name, f := range parsePage(t, page) {
		for _, m := range f.Metric {
			key := name
			for _, l := range m.Label {
				key += "/" + l.GetValue()
			}
			switch f.GetType() {
			case dto.MetricType_HISTOGRAM:
				got[name+"_count"] = float64(m.Histogram.GetSampleCount())
				got[name+"_sum"] = m.Histogram.GetSampleSum()
				for _, b := range m.Histogram.Bucket {
					got[fmt.Sprintf("%s_bucket/%v", name, b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			default:
				got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return got
}

// TestPrometheusRestarts writes batches, and at random ends the output and
// makes a new one: with the memo from after the newest batch, or from before
// it, as after a kill between delivery and the keeping of the memo. The newest
// batch is then written again, and must give the same bytes.
func TestPrometheusRestarts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := &history{rnd: rand.New(rand.NewPCG(seed, 0)), want: make(map[string]float64)}
	file := filepath.Join(t.TempDir(), "logs.prom")
	var memo []byte
	var before map[string]float64
	fresh := func() outputs.Stateful {
		out := newVariant(t, variant{"prometheus", "textfile", outputs.Options{Protocol: outputs.PrometheusTextfile, Address: file}}).(outputs.Stateful)
		require.NoError(t, out.Restore(memo))
		return out
	}
	out := fresh()
	for range 200 {
		b := c.next()
		require.NoError(t, out.Write(t.Context(), b))
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		got := flat(t, page)
		for name, want := range c.want {
			require.InDelta(t, want, got[name], 1e-6, name)
		}
		for name, old := range before {
			require.True(t, name == "web1_level" || got[name] >= old, "%s fell from %v to %v", name, old, got[name])
		}
		_, shown := got["web1_level"]
		require.Equal(t, c.seq%2 == 1, shown, "a gauge without a new value is not shown")
		before = got
		kept := c.rnd.IntN(2) == 0
		if kept {
			memo = out.Memo()
		}
		if c.rnd.IntN(3) == 0 {
			out = fresh()
			require.NoError(t, os.Remove(file))
			require.NoError(t, out.Write(t.Context(), b))
			again, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(page), string(again))
		}
		memo = out.Memo()
	}
}

// TestPrometheusMemo: one that is damaged, or another version's, is an error
// and leaves an output that begins at 0.
func TestPrometheusMemo(t *testing.T) {
	page := func(out outputs.Output, buf *bytes.Buffer) string {
		buf.Reset()
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		return buf.String()
	}
	var buf bytes.Buffer
	opt := outputs.Options{Protocol: outputs.PrometheusScrape, DryRun: &buf}
	fresh := func(buckets ...float64) outputs.Stateful {
		opt.Prometheus.Buckets = buckets
		return newVariant(t, variant{"prometheus", "scrape", opt}).(outputs.Stateful)
	}
	out := fresh()
	require.NoError(t, out.Restore(nil))
	want := page(out, &buf)
	memo := out.Memo()
	for i := range memo {
		bad := slices.Clone(memo)
		bad[i] ^= 1
		require.Error(t, out.Restore(bad))
	}
	require.Error(t, out.Restore([]byte{}))
	require.Equal(t, want, page(out, &buf))

	other := fresh(1, 2)
	require.NoError(t, other.Restore(memo))
	got := page(other, &buf)
	require.Contains(t, got, "servers_web1_num_sent_test_total 97\n")
	require.NotContains(t, got, "_delay_test_seconds_count 4\n", "buckets that are others begin at 0")
}

// TestPrometheusCollisions: what has the same name is left out and counted, the
// first stands, and the page is valid.
func TestPrometheusCollisions(t *testing.T) {
	r := metric.NewRecorder(metric.RecorderOptions{})
	for i, name := range []string{"a.b", "a_b", "a+b", "a-b"} {
		r.Inc(r.Series(name, metric.Counter, metric.PyInt), uint64(i)+1)
	}
	r.Observe(r.Series("t", metric.Timer, metric.Shortest), 1)
	r.Observe(r.Series("t_seconds", metric.Timer, metric.Shortest), 2)
	r.Set(r.Series("t_seconds_count", metric.Gauge, metric.Shortest), 3)
	r.Set(r.Series("a.b.total", metric.Gauge, metric.Shortest), 4)
	labels := r.Family("l", metric.Counter, "le", "x.y", "x_y")
	r.Inc(labels.ID([]byte("1"), []byte("2"), []byte("3")), 5)
	b := &metric.Batch{ID: metric.BatchID{Seq: 1}}
	r.Flush(b)
	var buf bytes.Buffer
	out := newVariant(t, variant{"prometheus", "", outputs.Options{Protocol: outputs.PrometheusScrape, DryRun: &buf}})
	require.NoError(t, out.Write(t.Context(), b))
	_, page, _ := strings.Cut(buf.String(), "\n")
	assert.EqualValues(t, 6, out.(outputs.Dropper).Dropped())
	parsePage(t, []byte(page))
	assert.Contains(t, page, "\na_b_total 1\n")
	assert.Contains(t, page, "\nt_seconds_sum 1\n")
	assert.Contains(t, page, "\nl_total{tag_le=\"1\",x_y=\"2\"} 5\n")
}

// TestPrometheusNeverFalls: a counter that is given less than nothing, and a
// timer with a value below 0.
func TestPrometheusNeverFalls(t *testing.T) {
	var buf bytes.Buffer
	out := newVariant(t, variant{"prometheus", "", outputs.Options{Protocol: outputs.PrometheusScrape, DryRun: &buf}})
	for seq, sum := range []float64{5, -3, math.MaxFloat64, math.MaxFloat64} {
		r := metric.NewRecorder(metric.RecorderOptions{})
		r.Observe(r.Series("t", metric.Timer, metric.Shortest), -1)
		b := &metric.Batch{ID: metric.BatchID{Seq: uint64(seq) + 1}}
		r.Flush(b)
		b.Samples = append(b.Samples, metric.Sample{Name: "n", Kind: metric.Counter, Bucket: metric.Bucket{Count: 1, Sum: sum}})
		require.NoError(t, out.Write(t.Context(), b))
	}
	assert.Equal(t, 2, strings.Count(buf.String(), "\nn_total 5\n"))
	assert.Equal(t, 4, strings.Count(buf.String(), "\nt_seconds_sum 0\n"))
	assert.Contains(t, buf.String(), "\nn_total 1.7976931348623157e+308\n")
	assert.EqualValues(t, 1, out.(outputs.Dropper).Dropped())
	require.NoError(t, out.(outputs.Stateful).Restore(out.(outputs.Stateful).Memo()))
}

// TestPrometheusTimes: only remote write carries the time of a batch.
func TestPrometheusTimes(t *testing.T) {
	f, _ := outputs.Find("prometheus")
	for protocol, want := range map[string]bool{"http": true, "https": true, outputs.PrometheusScrape: false, outputs.PrometheusTextfile: false} {
		assert.Equal(t, want, f.TimedWith(outputs.Options{Protocol: protocol}), protocol)
	}
	graphite, _ := outputs.Find("graphite")
	assert.True(t, graphite.TimedWith(outputs.Options{}))
	statsd, _ := outputs.Find("statsd")
	assert.False(t, statsd.TimedWith(outputs.Options{}))
}

func TestPrometheusRefusesOptions(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(secret, []byte("abc\n"), 0o644))
	for _, c := range []struct {
		opt  outputs.Options
		want string
	}{
		{outputs.Options{}, "--prometheus-listen"},
		{outputs.Options{Protocol: "carrier-pigeon"}, "no protocol"},
		{outputs.Options{Protocol: "textfile", Address: "/tmp/logs.txt"}, ".prom"},
		{outputs.Options{Protocol: "textfile", Address: "/tmp/.prom"}, ".prom"},
		{outputs.Options{Protocol: "scrape", Address: "127.0.0.1:99999"}, "port"},
		{outputs.Options{Protocol: "http", Address: "user:secret@h:1"}, "password"},
		{outputs.Options{Protocol: "http", Address: "h", Prometheus: outputs.PrometheusOptions{TokenFile: secret}}, "chmod"},
		{outputs.Options{Protocol: "http", Address: "h", Prometheus: outputs.PrometheusOptions{TokenFile: secret + "-none"}}, "no such file"},
		{outputs.Options{Protocol: "scrape", Prometheus: outputs.PrometheusOptions{Buckets: []float64{1, 1}}}, "ascend"},
		{outputs.Options{Protocol: "scrape", Prometheus: outputs.PrometheusOptions{Buckets: make([]float64, 101)}}, "at most"},
		{outputs.Options{Protocol: "scrape", Prometheus: outputs.PrometheusOptions{Labels: []string{"a"}}}, "NAME=VALUE"},
		{outputs.Options{Protocol: "scrape", Prometheus: outputs.PrometheusOptions{Labels: []string{"le=1"}}}, "NAME=VALUE"},
	} {
		f, _ := outputs.Find("prometheus")
		_, err := f.New(c.opt)
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "secret@")
	}
}
