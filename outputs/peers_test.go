package outputs_test

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

const startLimit = testutil.StartLimit

func start(t *testing.T, path string, args ...string) { t.Helper(); testutil.Start(t, path, args...) }

func listens(port int) func() bool { return testutil.Listens(port) }

// whisper returns the value stored at a second, false when there is none yet.
func whisper(t *testing.T, fetch, file string, unix int64) (float64, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), fetch, fmt.Sprintf("--from=%d", unix-1), fmt.Sprintf("--until=%d", unix), file).Output()
	if err != nil {
		return 0, false // not made yet
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == strconv.FormatInt(unix, 10) {
			v, err := strconv.ParseFloat(f[1], 64)
			return v, err == nil
		}
	}
	return 0, false
}

// TestCarbon sends by each protocol to Debian's carbon-cache, and reads what
// it has stored with its own tool.
func TestCarbon(t *testing.T) {
	fetch := testutil.Peer(t, "whisper-fetch")
	carbon := testutil.NewCarbon(t, "1s:1h")
	carbon.Start(t)
	for protocol, port := range map[string]int{"tcp": carbon.Line, "udp": carbon.Line, "pickle": carbon.Pickle} {
		t.Run(protocol, func(t *testing.T) {
			b := sampleBatch()
			b.Stamp = time.Now().Unix() - 60
			b.Prefix = "by." + protocol
			opt := outputs.Options{Address: fmt.Sprintf("%s://127.0.0.1:%d", protocol, port)}
			require.NoError(t, newVariant(t, variant{"graphite", protocol, opt}).Write(t.Context(), b))
			for name, want := range map[string]float64{
				"numSent.test": 97, "pctSent.test": 100, "change.test": -5.25, "tiny.test": 1e-5, "clients.test": 4,
				"delay.test.count": 4, "delay.test.upper": 2, "delay.test.median": (.0123 + .1) / 2, "idle.timer.test.count": 0,
				"requests.test.200.GET": 7, "time.test._a_b.p99": .25,
			} {
				testutil.Eventually(t, startLimit, func() bool {
					v, ok := whisper(t, fetch, carbon.File(b.Prefix+"."+name), b.Stamp)
					return ok && math.Abs(v-want) <= 1e-12
				})
			}
		})
	}
}

// startStatsd returns the port of node's statsd, and what it flushes.
func startStatsd(t *testing.T, server string) (port int, flushed <-chan string) {
	t.Helper()
	node, script := testutil.Peer(t, "node"), testutil.Peer(t, "statsd")
	port = testutil.FreePort(t)
	sink, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	lines := make(chan string)
	done := make(chan struct{})
	go serveLines(sink, lines, done)
	t.Cleanup(func() {
		close(done)
		assert.NoError(t, sink.Close())
		for range lines { // closed by serveLines
		}
	})
	conf := filepath.Join(t.TempDir(), "statsd.js")
	admin := testutil.FreePort(t)
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil,
		`{servers: [{server: "./servers/%s", address: "127.0.0.1", port: %d}], mgmt_address: "127.0.0.1", mgmt_port: %d, flushInterval: 1000,
  graphiteHost: "127.0.0.1", graphitePort: %d, graphite: {legacyNamespace: false}, deleteIdleStats: true, deleteGauges: false}`,
		server, port, admin, sink.Addr().(*net.TCPAddr).Port), 0o644))
	start(t, node, script, conf)
	testutil.Eventually(t, startLimit, listens(admin))
	return port, lines
}

// serveLines hands over the lines of one connection after the other.
func serveLines(l net.Listener, lines chan<- string, done <-chan struct{}) {
	defer close(lines)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		for s := bufio.NewScanner(conn); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-done:
				_ = conn.Close()
				return
			}
		}
		_ = conn.Close()
	}
}

// TestNodeStatsd sends every kind to npm's statsd, and compares what it flushes.
func TestNodeStatsd(t *testing.T) {
	for _, server := range []string{"udp", "tcp"} {
		t.Run(server, func(t *testing.T) {
			port, lines := startStatsd(t, server)
			<-lines // just flushed: what follows falls into one interval
			opt := outputs.Options{Address: fmt.Sprintf("%s://127.0.0.1:%d", server, port)}
			require.NoError(t, newVariant(t, variant{"statsd", server, opt}).Write(t.Context(), statsdBatch()))
			want := map[string]float64{
				"stats.counters.p.numSent.count": 97, "stats.counters.p.idle.count": 0,
				"stats.gauges.p.level": 3.5, "stats.gauges.p.below": -5.25, "stats.gauges.p.many.estimate": 1004,
				"stats.sets.p.clients.count": 4, "stats.counters.p.requests.200.GET.count": 7,
				"stats.timers.p.delay.count": 4, "stats.timers.p.delay.upper": 2000, "stats.timers.p.delay.lower": 0, "stats.timers.p.delay.sum": 2112.3,
				"stats.timers.p.sketch.count": 20000,
			}
			waitFlushed(t, lines, want)
		})
	}
}

// waitFlushed reads what is flushed until all of want was.
func waitFlushed(t *testing.T, lines <-chan string, want map[string]float64) {
	t.Helper()
	limit := time.After(startLimit)
	for len(want) > 0 {
		select {
		case line := <-lines:
			checkFlushed(t, line, want)
		case <-limit:
			require.FailNow(t, "not flushed", "%v", want)
		}
	}
}

// TestNodeStatsdTags: npm's statsd reads both styles of tags, and hands them
// on to Graphite.
func TestNodeStatsdTags(t *testing.T) {
	for _, style := range []string{"dogstatsd", "graphite"} {
		t.Run(style, func(t *testing.T) {
			port, lines := startStatsd(t, "udp")
			<-lines // just flushed: what follows falls into one interval
			opt := outputs.Options{Address: fmt.Sprintf("127.0.0.1:%d", port), TagStyle: style}
			require.NoError(t, newVariant(t, variant{"statsd", style, opt}).Write(t.Context(), taggedBatch()))
			waitFlushed(t, lines, map[string]float64{
				"stats.counters.p.requests.count;code=200;method=GET": 7, "stats.counters.p.requests.count;code=500;method=POST": 1,
				"stats.timers.p.took.count;path=_a_b": 4, "stats.timers.p.took.upper;path=_a_b": 400,
				"stats.timers.p.long.count;path=x": 20000,
				"stats.gauges.p.below;pool=a":      -5.25, "stats.sets.p.users.count;site=b": 3, "stats.gauges.p.crowd.estimate;site=b": 1004,
			})
		})
	}
}

// taggedBatch has tags on every kind, and on what stands for many values.
func taggedBatch() *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	requests := r.Family("requests", metric.Counter, "code", "method")
	r.Inc(requests.ID([]byte("200"), []byte("GET")), 7)
	r.Inc(requests.ID([]byte("500"), []byte("POST")), 1)
	took, long := r.Family("took", metric.Timer, "path"), r.Family("long", metric.Timer, "path")
	for i := range 4 {
		r.Observe(took.ID([]byte("/a b")), float64(i+1)/10)
	}
	for i := range 20000 {
		r.Observe(long.ID([]byte("x")), float64(i)/1000)
	}
	r.Set(r.Family("below", metric.Gauge, "pool").ID([]byte("a")), -5.25)
	users, crowd := r.Family("users", metric.Set, "site"), r.Family("crowd", metric.Set, "site")
	for i := range metric.MaxMembers + 1 {
		r.Add(users.ID([]byte("b")), fmt.Append(nil, i%3))
		r.Add(crowd.ID([]byte("b")), fmt.Append(nil, i))
	}
	b := &metric.Batch{Prefix: "p"}
	r.Flush(b)
	return b
}

// checkFlushed takes what the line confirms out of want.
func checkFlushed(t *testing.T, line string, want map[string]float64) {
	t.Helper()
	f := strings.Fields(line)
	require.Len(t, f, 3, line)
	if f[0] == "stats.counters.statsd.bad_lines_seen.count" {
		require.Equal(t, "0", f[1], line)
	}
	if value, ok := want[f[0]]; ok {
		got, err := strconv.ParseFloat(f[1], 64)
		require.NoError(t, err)
		require.InDelta(t, value, got, 1e-6*(1+math.Abs(value)), line)
		delete(want, f[0])
	}
}

func statsdBatch() *metric.Batch {
	b := sampleBatch()
	b.Prefix, b.Suffix = "p", ""
	r := metric.NewRecorder(metric.RecorderOptions{})
	r.Series("idle", metric.Counter, metric.PyInt)
	r.Set(r.Series("level", metric.Gauge, metric.Shortest), 3.5)
	r.Set(r.Series("below", metric.Gauge, metric.Shortest), -5.25)
	sketch := r.Series("sketch", metric.Timer, metric.Shortest)
	for i := range 20000 {
		r.Observe(sketch, float64(i)/1000)
	}
	r.Flush(b)
	return b
}
