package outputs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// variant is one way in which an output is used.
type variant struct {
	output, name string
	opt          outputs.Options
}

// network reports whether the variant has a peer.
func (v variant) network() bool {
	pull := v.opt.Protocol == outputs.PrometheusScrape || v.opt.Protocol == outputs.PrometheusTextfile
	return v.output != "stdout" && v.output != "exec" && !v.program() && !pull
}

// program reports whether it sends through a program; see programs_test.go.
func (v variant) program() bool { return v.output == "ganglia" || v.output == "nsca" }

// http reports whether its peer is a server of HTTP.
func (v variant) http() bool { return v.opt.Protocol == "http" }

// stream reports whether its peer is reached by TCP, and reads what is written.
func (v variant) stream() bool { return v.opt.Protocol == "tcp" || v.opt.Protocol == "pickle" }

// reader is a peer that takes all.
func (v variant) reader() serve {
	if v.http() {
		return takeAll
	}
	return readAll
}

// variants are what the suite runs; each output of the table must be there. The
// suite sets the address; Protocol says what sort of peer stands there, "http"
// for outputs that post.
func variants() []variant {
	return []variant{
		{"cloudwatch", "query", outputs.Options{Protocol: "http", CloudWatch: cloudWatch}},
		{"exec", "sh", outputs.Options{Exec: outputs.ExecOptions{Command: []string{"/bin/sh", "-c", "cat >/dev/null"}}}},
		{"ganglia", "gmetric", outputs.Options{}},
		{"gatherer", "plain", outputs.Options{Protocol: "http"}},
		{"graphite", "tcp", outputs.Options{Protocol: "tcp"}},
		{"graphite", "tcp-tags", outputs.Options{Protocol: "tcp", TagStyle: "graphite"}},
		{"graphite", "udp", outputs.Options{Protocol: "udp", PacketSize: 200}},
		{"graphite", "pickle", outputs.Options{Protocol: "pickle"}},
		{"http", "plain", outputs.Options{Protocol: "http", Address: "127.0.0.1:8000/in"}},
		{"influx", "cvmfs", outputs.Options{Protocol: "udp", PacketSize: 400, Influx: cvmfs}},
		{"influx", "cvmfs-http", outputs.Options{Protocol: "http", Influx: cvmfsHTTP}},
		{"influx", "http-v1", outputs.Options{Protocol: "http", Influx: outputs.InfluxOptions{Database: "logs/month", User: "me", ExtraTags: "code=x,dc=a"}}},
		{"influx", "http-v2", outputs.Options{Protocol: "http", Influx: outputs.InfluxOptions{Org: "an org", Bucket: "logs"}}},
		{"influx", "udp", outputs.Options{Protocol: "udp", PacketSize: 200}},
		{"nsca", "plain", outputs.Options{NSCA: outputs.NSCAOptions{Hostname: "web1"}}},
		{"nsca", "thresholds", outputs.Options{NSCA: outputs.NSCAOptions{Hostname: "web 1", Warn: thresholds[:2], Crit: thresholds[2:]}}},
		{"otlp", "plain", outputs.Options{Protocol: "http", OTLP: outputs.OTLPOptions{Hostname: "web1"}}},
		{"prometheus", "remote-write", outputs.Options{Protocol: "http", Prometheus: outputs.PrometheusOptions{Labels: []string{"host=web1", "code=none"}}}},
		{"prometheus", "scrape", outputs.Options{Protocol: outputs.PrometheusScrape}},
		{"prometheus", "textfile", outputs.Options{Protocol: outputs.PrometheusTextfile, Address: "logs.prom", Prometheus: outputs.PrometheusOptions{Buckets: []float64{.1, 1}}}},
		{"statsd", "udp", outputs.Options{Protocol: "udp", PacketSize: 200}},
		{"statsd", "udp-dogstatsd", outputs.Options{Protocol: "udp", TagStyle: "dogstatsd"}},
		{"statsd", "udp-graphite", outputs.Options{Protocol: "udp", TagStyle: "graphite"}},
		{"statsd", "udp-gauges", outputs.Options{Protocol: "udp", Gauges: true}},
		{"statsd", "tcp", outputs.Options{Protocol: "tcp"}},
		{"stdout", "plain", outputs.Options{}},
		{"stdout", "separator", outputs.Options{Separator: "/"}},
		{"syslog", "udp", outputs.Options{Protocol: "udp", Syslog: outputs.SyslogOptions{Hostname: "web1"}}},
		{"syslog", "tcp", outputs.Options{Protocol: "tcp", Syslog: outputs.SyslogOptions{Facility: "daemon"}}},
	}
}

// each runs the test for every variant that want selects.
func each(t *testing.T, want func(variant) bool, test func(t *testing.T, v variant)) {
	for _, v := range variants() {
		if want(v) {
			t.Run(v.output+"/"+v.name, func(t *testing.T) {
				testutil.LeakCheck(t)
				test(t, v)
			})
		}
	}
}

func every(variant) bool { return true }

func newVariant(t testing.TB, v variant) outputs.Output {
	t.Helper()
	f, ok := outputs.Find(v.output)
	require.True(t, ok)
	out, err := f.New(v.opt)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, out.Close()) })
	return out
}

// sampleBatch has every kind, idle and not, with and without tags.
func sampleBatch() *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	r.Inc(r.Series("numSent", metric.Counter, metric.PyInt), 97)
	r.Series("idle.counter", metric.Counter, metric.PyInt)
	r.Series("idle.timer", metric.Timer, metric.Shortest)
	r.Series("idle.set", metric.Set, metric.Shortest)
	r.Set(r.Series("pctSent", metric.Gauge, metric.PyFloat), 100)
	r.Set(r.Series("change", metric.Gauge, metric.Shortest), -5.25)
	r.Set(r.Series("tiny", metric.Gauge, metric.PyFloat), 1e-5)
	delay := r.Series("delay", metric.Timer, metric.Shortest)
	for _, v := range []float64{.0123, .1, 2, -1} {
		r.Observe(delay, v)
	}
	clients := r.Series("clients", metric.Set, metric.Shortest)
	for _, m := range []string{"10.0.0.1", "2001:db8::1", "a|c\nx:1|c", ""} {
		r.Add(clients, []byte(m))
	}
	many := r.Series("many", metric.Set, metric.Shortest)
	for i := range metric.MaxMembers + 1 {
		r.Add(many, fmt.Append(nil, i))
	}
	requests := r.Family("requests", metric.Counter, "code", "method")
	r.Inc(requests.ID([]byte("200"), []byte("GET")), 7)
	times := r.Family("time", metric.Timer, "path")
	r.Observe(times.ID([]byte("/a b")), .25)
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: 1}, Start: 1759999990, End: 1760000000, Stamp: 1760000000, Prefix: "servers.web1", Suffix: "test"}
	r.Flush(b)
	return b
}

func TestVariantsCoverTable(t *testing.T) {
	var inTable, covered []string
	for _, f := range outputs.Table() {
		inTable = append(inTable, f.Name)
	}
	for _, v := range variants() {
		covered = append(covered, v.output)
	}
	assert.Equal(t, inTable, slices.Compact(covered))
	assert.True(t, slices.IsSorted(inTable))
}

func TestDryRunGolden(t *testing.T) {
	each(t, every, func(t *testing.T, v variant) {
		var got bytes.Buffer
		v.opt.DryRun = &got
		out := newVariant(t, v)
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		once := got.String()
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		require.Equal(t, once+once, got.String(), "a repeat is the same bytes")
		testutil.Golden(t, filepath.Join("..", "testdata", "outputs", v.output, v.name+".golden"), []byte(once))
	})
}

// TestKeepsNothing overwrites the batch after each Write.
func TestKeepsNothing(t *testing.T) {
	each(t, every, func(t *testing.T, v variant) {
		var got bytes.Buffer
		v.opt.DryRun = &got
		out := newVariant(t, v)
		first := sampleBatch()
		require.NoError(t, out.Write(t.Context(), first))
		want := got.String()
		clear(first.Samples)
		*first = metric.Batch{Prefix: "overwritten"}
		require.Equal(t, want, got.String())
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		require.Equal(t, want+want, got.String())
	})
}

func TestCloseTwice(t *testing.T) {
	each(t, every, func(t *testing.T, v variant) {
		out := newVariant(t, v)
		assert.NoError(t, out.Close())
		assert.NoError(t, out.Close())
	})
}

func TestCancelledBefore(t *testing.T) {
	each(t, every, func(t *testing.T, v variant) {
		v.opt.Stdout = io.Discard
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.ErrorIs(t, newVariant(t, v).Write(ctx, sampleBatch()), context.Canceled)
	})
}

func TestRefused(t *testing.T) {
	each(t, variant.network, func(t *testing.T, v variant) {
		v.opt.Address = testutil.FreeAddress(t)
		err := newVariant(t, v).Write(t.Context(), sampleBatch())
		require.Error(t, err)
		assert.ErrorContains(t, err, v.opt.Address)
		assert.NotErrorIs(t, err, outputs.ErrPermanent)
	})
}

// TestErrorAfterSuccess has a peer that goes and comes back.
func TestErrorAfterSuccess(t *testing.T) {
	each(t, variant.network, func(t *testing.T, v variant) {
		first := listen(t, v, testutil.FreeAddress(t), v.reader())
		v.opt.Address = first.address
		out := newVariant(t, v)
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		sent := first.stop(t)
		require.Error(t, out.Write(t.Context(), sampleBatch()))
		again := listen(t, v, first.address, v.reader())
		require.NoError(t, out.Write(t.Context(), sampleBatch()))
		require.Equal(t, string(sent), string(again.stop(t)))
	})
}

// TestPeers are TCP peers that behave badly. Write says nil only to those
// that have got all.
func TestPeers(t *testing.T) {
	each(t, variant.stream, func(t *testing.T, v variant) {
		v.opt.Timeout = 300 * time.Millisecond
		for name, c := range map[string]struct {
			serve serve
			ok    bool
		}{
			"reads slowly":        {readSlowly, true},
			"never closes":        {readAndStay, true},
			"ends its side first": {endFirst, true},
			"resets at once":      {reset, false},
			"reads half, resets":  {readHalfAndReset, false},
			"closes at once":      {closeAtOnce, false},
			"never reads":         {stall, false},
		} {
			t.Run(name, func(t *testing.T) {
				p := listen(t, v, "127.0.0.1:0", c.serve)
				v.opt.Address = p.address
				start := time.Now()
				err := newVariant(t, v).Write(t.Context(), bigBatch())
				got := p.stop(t)
				assert.Less(t, time.Since(start), 5*time.Second)
				if !c.ok {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, len(encoded(t, v, bigBatch())), len(got))
			})
		}
	})
}

// TestCancelDuring cancels while a peer does not read, or does not end.
func TestCancelDuring(t *testing.T) {
	connected := func(v variant) bool { return v.stream() || v.http() }
	each(t, connected, func(t *testing.T, v variant) {
		v.opt.Timeout = time.Minute
		peers := map[string]serve{"stall": stall, "stay": readAndStay}
		if v.http() {
			peers["stay"] = listenOnly
		}
		for name, fn := range peers {
			t.Run(name, func(t *testing.T) {
				p := listen(t, v, "127.0.0.1:0", fn)
				v.opt.Address = p.address
				assertCancels(t, newVariant(t, v), bigBatch(), func() { <-p.accepted })
				p.stop(t)
			})
		}
	})
}

// assertCancels has out write b, cancels when begun has returned, and checks
// that Write keeps to its second.
func assertCancels(t *testing.T, out outputs.Output, b *metric.Batch, begun func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- out.Write(ctx, b) }()
	begun()
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Second):
		require.FailNow(t, "Write goes on after its context is cancelled")
	}
}

// bigBatch is larger than what kernels hold for a peer that does not read.
func bigBatch() *metric.Batch { return gauges(200_000) }

func gauges(n int) *metric.Batch {
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: 1}, Stamp: 1760000000, Prefix: "servers.web1"}
	for i := range n {
		b.Samples = append(b.Samples, metric.NewGauge(fmt.Sprintf("requests.node%07d.with.a.long.name.count", i), float64(i), metric.Shortest, ""))
	}
	return b
}

// encoded is what a good peer gets.
func encoded(t *testing.T, v variant, b *metric.Batch) []byte {
	t.Helper()
	p := listen(t, v, "127.0.0.1:0", v.reader())
	v.opt.Address = p.address
	v.opt.Timeout = time.Minute
	require.NoError(t, newVariant(t, v).Write(t.Context(), b))
	return p.stop(t)
}

// TestEncodingDoesNotAllocate leaves sets out: they list their members; otlp,
// whose messages are the library's structs; and prometheus, which sorts all that
// it remembers.
func TestEncodingDoesNotAllocate(t *testing.T) {
	for _, v := range variants() {
		if v.output == "otlp" || v.output == "prometheus" {
			continue
		}
		b := sampleBatch()
		b.Samples = slices.DeleteFunc(b.Samples, func(s metric.Sample) bool { return s.Kind == metric.Set })
		encode := outputs.Encoder(t, v.output, v.opt)
		encode(b)
		assert.Zero(t, testing.AllocsPerRun(10, func() { encode(b) }), "%s/%s", v.output, v.name)
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, v := range variants() {
		b.Run(v.output+"/"+v.name, func(b *testing.B) {
			batch := sampleBatch()
			encode := outputs.Encoder(b, v.output, v.opt)
			b.SetBytes(int64(encode(batch)))
			b.ReportAllocs()
			for b.Loop() {
				encode(batch)
			}
		})
	}
}

// TestDocs wants a section for each output, and a row in the first table.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "outputs.md"))
	require.NoError(t, err)
	for _, f := range outputs.Table() {
		assert.True(t, strings.Contains(string(text), "\n## "+f.Name+"\n"), "no section %s", f.Name)
		assert.True(t, strings.Contains(string(text), "| ["+f.Name+"](#"+f.Name+") |"), "no row %s", f.Name)
	}
	assert.Equal(t, len(outputs.Table()), strings.Count(string(text), "\n| ["))
}
