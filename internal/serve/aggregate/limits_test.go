package aggregate_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
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
	assert.Equal(t, 100.0, figure(t, n, "statsdNames"))
	assert.Equal(t, 2000.0-96, figure(t, n, "statsdNamesRefused")) // 3 own counters and old are among the 100
	assert.Zero(t, figure(t, n, "statsdBadLines"))
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
		require.Zero(t, figure(t, n, "statsdNamesRefused"), "round %d", round)
	}
	assert.LessOrEqual(t, figure(t, n, "statsdNames"), 6000.0)
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
	assert.Equal(t, 5.0, figure(t, n, "statsdNames"), "own ones and a")
	assert.Positive(t, figure(t, n, "statsdNamesRefused"))
}

func TestLongNamesAreRefused(t *testing.T) {
	n, sink := limited(t, aggregate.Limits{MaxKeyBytes: 10}, aggregate.NodeConfig{})
	n.Worker().Block([]byte("0123456789:1|c\n01234567890:1|c\na:1|c|#b:cdefghi\n"))
	n.Flush(0)
	assert.Equal(t, 1.0, sink.values["stats_counts.0123456789"])
	assert.Equal(t, 2.0, figure(t, n, "statsdNamesRefused"))
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
	assert.Equal(t, 60.0, figure(t, n, "statsdValuesDropped"))
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

// FuzzNode has any bytes in any cut come to an end, and numbers come out.
func FuzzNode(f *testing.F) {
	f.Add([]byte("a:1|c\nb:-1|g\nc:5|ms|@0.1|#k:v\n_e{1,1}:a|b\nd:x|s\ne:1:2|h\nf:1|C\n$:1|c"), uint8(3), false)
	f.Add([]byte("a|#b:1|c\na:1|c|#x|@0.5\n\r\n:\n::|c:1|ms"), uint8(1), true)
	f.Fuzz(func(t *testing.T, in []byte, cut uint8, strict bool) {
		n, sink := limited(t, aggregate.Limits{MaxNames: 20, MaxKeyBytes: 50, MaxValues: 50}, aggregate.NodeConfig{Strict: strict, DeleteIdleStats: true})
		brubeck, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{Options: aggregate.Options{Sink: &recorder{}, Limits: aggregate.Limits{MaxNames: 20}}})
		require.NoError(t, err)
		w, u := n.Worker(), brubeck.Worker()
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
