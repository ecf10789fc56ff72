package aggregate_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

// limited returns a Node with limits, and its sink.
func limited(t *testing.T, l aggregate.Limits, c aggregate.NodeConfig) (*aggregate.Node, *recorder) {
	t.Helper()
	sink := &recorder{}
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Sink: sink, Limits: l}, NodeConfig: c})
	require.NoError(t, err)
	return n, sink
}

func figure(t *testing.T, n *aggregate.Node, name string) float64 {
	t.Helper()
	for _, f := range n.Figures() {
		if f.Name == name {
			return f.Value
		}
	}
	require.Fail(t, "no figure", name)
	return 0
}

// TestNamesAreBounded: old ones live, new ones are refused and counted.
func TestNamesAreBounded(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxNames: 100}, aggregate.NodeConfig{})
	w := n.Worker()
	for i := range 1000 {
		w.Block(fmt.Appendf(nil, "n%d:1|c\nn%d:1|g\nold:1|c", i, i))
	}
	n.Flush(0)
	assert.Equal(t, 1000.0, sink.values["stats_counts.old"])
	assert.LessOrEqual(t, len(sink.values), 2*100+10)
	assert.Equal(t, 100.0, figure(t, n, "names"))
	assert.Equal(t, 2000.0-96, figure(t, n, "namesRefused")) // 3 own counters and old are among the 100
	assert.Zero(t, figure(t, n, "badLines"))
}

// TestNamesComeAndGo: where idle ones are deleted there is room for others, for ever.
func TestNamesComeAndGo(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxNames: 6000}, aggregate.NodeConfig{DeleteIdleStats: true})
	w, other := n.Worker(), n.Worker()
	for round := range 40 {
		for i := range 1500 {
			w.Block(fmt.Appendf(nil, "r%d.n%d:1|c", round, i))
			other.Block(fmt.Appendf(nil, "stays:1|c\nr%d.x%d:1|g", round, i%100))
		}
		n.Flush(int64(round))
		require.Equal(t, 1500.0, sink.values["stats_counts.stays"], "round %d", round)
		require.Equal(t, 1.0, sink.values[fmt.Sprintf("stats_counts.r%d.n1499", round)])
		require.Zero(t, figure(t, n, "namesRefused"), "round %d", round)
	}
	assert.LessOrEqual(t, figure(t, n, "names"), 6000.0)
}

// TestSpellingsAreBounded: a client that writes one name in many ways.
func TestSpellingsAreBounded(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxNames: 100}, aggregate.NodeConfig{})
	w := n.Worker()
	for round := range 3 {
		for i := range 2000 {
			w.Block([]byte("a" + strings.Repeat("$", i%1000) + strings.Repeat("%", i/1000) + ":1|c"))
		}
		n.Flush(int64(round))
		require.Positive(t, sink.values["stats_counts.a"])
	}
	assert.Equal(t, 5.0, figure(t, n, "names"), "own ones and a")
	assert.Positive(t, figure(t, n, "namesRefused"))
}

// TestBadLinesTakeNoRoom: their names are not remembered.
func TestBadLinesTakeNoRoom(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxNames: 20}, aggregate.NodeConfig{})
	w := n.Worker()
	for i := range 1000 {
		w.Block(fmt.Appendf(nil, "n%d:x|c\nn%d\nn%d:1|c|@0\n$%d", i, i, i, i))
	}
	w.Block([]byte("a:1|c"))
	n.Flush(0)
	assert.Equal(t, 1.0, sink.values["stats_counts.a"])
	assert.Equal(t, 4000.0, figure(t, n, "badLines"))
	assert.Zero(t, figure(t, n, "namesRefused"))
}

func TestLongNamesAreRefused(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxKeyBytes: 10}, aggregate.NodeConfig{})
	n.Worker().Block([]byte("0123456789:1|c\n01234567890:1|c\na:1|c|#b:cdefghi\n"))
	n.Flush(0)
	assert.Equal(t, 1.0, sink.values["stats_counts.0123456789"])
	assert.Equal(t, 2.0, figure(t, n, "namesRefused"))
}

// TestValuesAreBounded: timers and sets keep no more, and say so.
func TestValuesAreBounded(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxValues: 100}, aggregate.NodeConfig{})
	w := n.Worker()
	for i := range 80 {
		w.Block(fmt.Appendf(nil, "t:%d|ms\ns:%d|s", i, i))
	}
	n.Flush(0)
	assert.Equal(t, 80.0, sink.values["stats.timers.t.count"])
	assert.Equal(t, 50.0, sink.values["stats.sets.s.count"])
	assert.Equal(t, 60.0, figure(t, n, "valuesDropped"))
}

// TestWorkersComeAndGo: what a connection brought counts when it has ended, and
// nothing stays of it.
func TestWorkersComeAndGo(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxNames: 100}, aggregate.NodeConfig{})
	for range 1000 {
		w := n.Worker()
		w.Block([]byte("a:1|c\nb:1|c"))
		require.NoError(t, w.Idle())
		w.Close()
		n.Flush(0)
		require.Equal(t, 1.0, sink.values["stats_counts.a"])
	}
}

// TestFlushStopsNoReading has workers and looks at once: nothing is lost.
func TestFlushStopsNoReading(t *testing.T) {
	n, sink := node(t, `{"deleteIdleStats": true}`)
	const workers, blocks = 4, 2000
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			w := n.Worker()
			defer w.Close()
			for k := range blocks {
				w.Block(fmt.Appendf(nil, "c:1|c\nw%d.%d:1|c\ng:+1|g\nt:1|ms\ns:%d|s\nT:%d|C", i, k%700, k, k))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var counted, timed, names float64
	add := func() {
		n.Flush(0)
		counted += sink.values["stats_counts.c"]
		timed += sink.values["stats.timers.t.count"]
		for name, v := range sink.values {
			if strings.HasPrefix(name, "stats_counts.w") {
				names += v
			}
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		add()
	}
	add()
	assert.Equal(t, float64(workers*blocks), counted)
	assert.Equal(t, float64(workers*blocks), timed)
	assert.Equal(t, float64(workers*blocks), names)
}

func TestDebugPrintsWhatMatches(t *testing.T) {
	var out bytes.Buffer
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Debug: aggregate.NewDebug(&out, regexp.MustCompile(`^a`))}})
	require.NoError(t, err)
	w := n.Worker()
	w.Block([]byte("a:1|c\nb:1|c\na\x1b[31m:\"|g\r\na" + strings.Repeat("x", 5000)))
	got := strings.Split(out.String(), "\n")
	require.Len(t, got, 4)
	assert.Equal(t, []string{`"a:1|c"`, `"a\x1b[31m:\"|g\r"`}, got[:2])
	assert.Len(t, got[2], 1024+2)
	w.Block(bytes.Repeat([]byte("a:1|c\n"), 5000))
	assert.LessOrEqual(t, strings.Count(out.String(), "\n"), 2010, "a thousand lines a second")
}

// TestHostileLinesTakeLinearTime: lines of 1 MiB, each of a form that is read
// again and again by who is careless.
func TestHostileLinesTakeLinearTime(t *testing.T) {
	n, _ := limited(t, aggregate.Limits{}, aggregate.NodeConfig{})
	u, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{})
	require.NoError(t, err)
	w, v := n.Worker(), u.Worker()
	for name, parts := range map[string][3]string{
		"colons": {"a", ":", "1|c"}, "values": {"a", ":1", "|c"}, "samples": {"a", ":1|c", ""}, "sections": {"a:1|c", "|c:x", ""}, "containers": {"a:1|c", "|c:", ""},
		"samples with sections behind tags": {"a" + strings.Repeat(":1|c", 1<<17) + "|#t", "|x", ""}, "tags": {"a:1|c|#", "b:c,", ""}, "hashes": {"a:1|c", "|#", ""},
		"bars": {"a:1", "|", ""}, "short lines": {"", "a\n", ""}, "blank lines": {"", "\n", ""}, "digits": {"a:", "1", "|c"}, "blanks": {"a:", " ", "|c"},
		"a name": {"", "a ", ":1|c"}, "names in tags": {"a;", "b=c;", ":1|c"}, "events": {"", "_e{1,1}:a|b\n", ""}, "NUL": {"a:1|c", "\x00", ""},
	} {
		text := []byte(parts[0] + strings.Repeat(parts[1], (1<<20)/len(parts[1])) + parts[2])
		start := time.Now()
		w.Block(text)
		v.Block(text)
		t.Logf("%s: %v", name, time.Since(start))
		assert.Less(t, time.Since(start), 3*time.Second, name)
	}
}

// TestBadLinesAreShown: one a minute, cut and quoted.
func TestBadLinesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Log: slog.New(slog.NewTextHandler(&out, nil))}})
		require.NoError(t, err)
		w := n.Worker()
		for range 100 {
			w.Block([]byte("bad\x1b\n" + strings.Repeat("x", 1000) + "\nalso bad"))
		}
		assert.Equal(t, 1, strings.Count(out.String(), "\n"))
		assert.Contains(t, out.String(), `bad\\x1b`)
		time.Sleep(time.Minute)
		w.Block([]byte(strings.Repeat("x", 1000)))
		assert.Equal(t, 2, strings.Count(out.String(), "\n"))
		assert.Less(t, out.Len(), 600)
	})
}

// TestFiftyThousandNames: what a flush of so many takes, and the memory.
func TestFiftyThousandNames(t *testing.T) {
	if testutil.Race() {
		t.Skip("neither times nor memory are measured under the race detector")
	}
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Sink: discard{}}})
	require.NoError(t, err)
	a, b := n.Worker(), n.Worker()
	best := time.Hour
	for range 5 { // other processes take time, too
		for i := range 50_000 {
			line := fmt.Appendf(nil, "servers.web%05d.requests.total:%d|c\nservers.web%05d.time:%d|ms\n", i, i, i, i)
			a.Block(line)
			b.Block(line)
		}
		start := time.Now()
		n.Flush(0)
		best = min(best, time.Since(start))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%v, %d MiB from the system", best, m.Sys>>20)
	assert.Less(t, best, 250*time.Millisecond)
	assert.Less(t, m.Sys, uint64(300<<20), "with all that other tests left; 150 MiB in a process of its own")
}

type discard struct{}

func (discard) Put([]byte, metric.Method, int64, float64) {}

func (discard) Add([]byte, metric.Method, int64, float64) {}

func (discard) Flush() error { return nil }

// FuzzNode has any bytes in any cut come to an end, and numbers come out.
func FuzzNode(f *testing.F) {
	f.Add([]byte("a:1|c\nb:-1|g\nc:5|ms|@0.1|#k:v\n_e{1,1}:a|b\nd:x|s\ne:1:2|h\nf:1|C\n$:1|c"), uint8(3), false)
	f.Add([]byte("a|#b:1|c\na:1|c|#x|@0.5\n\r\n:\n::|c:1|ms"), uint8(1), true)
	f.Fuzz(func(t *testing.T, in []byte, cut uint8, strict bool) {
		n, sink := limited(t, aggregate.Limits{MaxNames: 20, MaxKeyBytes: 50, MaxValues: 50}, aggregate.NodeConfig{Strict: strict, DeleteIdleStats: true})
		brubeck, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{Options: aggregate.Options{Sink: &recorder{}, Limits: aggregate.Limits{MaxNames: 20}}})
		require.NoError(t, err)
		w, u := n.Worker(), brubeck.Worker()
		in = in[:min(len(in), 500)] // each cut is a flush
		for len(in) > 0 {
			size := min(len(in), 1+int(cut))
			w.Block(in[:size])
			u.Block(in[:size])
			in = in[size:]
			n.Flush(1)
			brubeck.Flush(1)
			for name, v := range sink.values {
				require.False(t, v-v != 0, "%q %v", name, v)
				require.NotContains(t, name, "\n")
				require.NotContains(t, name, " ")
			}
		}
	})
}
