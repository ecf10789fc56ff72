package aggregate_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
)

// TestFlushTimes: at wall-clock multiples of the interval, with their stamps,
// and once more at the end.
func TestFlushTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, sink := node(t, `{"flushInterval": 10000}`)
		w := n.Worker()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		time.Sleep(3700 * time.Millisecond) // start between two multiples
		wg.Go(func() { n.Run(ctx) })
		synctest.Wait()
		w.Block([]byte("a:1|c"))
		start := time.Now().Unix()
		time.Sleep(6299 * time.Millisecond)
		synctest.Wait()
		flushes, _ := sink.last()
		require.Zero(t, flushes)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		flushes, stamp := sink.last()
		require.Equal(t, 1, flushes)
		assert.Equal(t, start/10*10+10, stamp)
		assert.Equal(t, 1.0, sink.value("stats_counts.a"))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		flushes, stamp = sink.last()
		require.Equal(t, 4, flushes)
		assert.Equal(t, start/10*10+40, stamp)
		assert.Zero(t, sink.value("stats.gauges.statsd.timestamp_lag"))
		time.Sleep(time.Second)
		w.Block([]byte("a:5|c"))
		cancel()
		wg.Wait()
		flushes, stamp = sink.last()
		assert.Equal(t, 5, flushes)
		assert.Equal(t, 5.0, sink.value("stats_counts.a"), "the interval under way is not lost")
		assert.Equal(t, start/10*10+50, stamp)
	})
}

// TestClockJumps: the stamp is of the clock as it is now.
func TestClockJumps(t *testing.T) {
	const interval = 10 * time.Second
	next := time.Unix(1_000_000, 0)
	for off, want := range map[time.Duration]int64{
		0: 1_000_000, 3 * time.Second: 1_000_000, -time.Millisecond: 1_000_000, // late, or early by how clocks are read
		25 * time.Second: 1_000_020, time.Hour: 1_003_600, // it slept
		-time.Hour: 996_400, -8 * time.Second: 999_990, // it was set back
	} {
		assert.Equal(t, want, aggregate.Reached(next.Add(off), next, interval).Unix(), "%v", off)
	}
}

// TestFlushOfASilentWorker: a flush waits for nobody.
func TestFlushOfASilentWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, sink := node(t, `{"flushInterval": 1000}`)
		n.Worker().Block([]byte("a:1|c")) // and nothing more: neither Idle nor Close
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { n.Run(ctx) })
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 1.0, sink.value("stats_counts.a"))
		cancel()
		wg.Wait()
	})
}

// TestForwardSurvives: a Graphite that is away loses nothing, and is told of.
func TestForwardSurvives(t *testing.T) {
	g := newGraphite(t)
	f, err := aggregate.NewForwarder(aggregate.ForwardOptions{Address: g.address})
	require.NoError(t, err)
	sink := &recorder{}
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Sink: sink, Forward: f}, NodeConfig: aggregate.NodeConfig{FlushInterval: 200}})
	require.NoError(t, err)
	g.stop()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	w := n.Worker()
	w.Block([]byte("before:1|c\nx:-1e-7|g\ny:1e21|g"))
	waitFor(t, func() bool { return figure(t, n, "forwardErrors") >= 1 && figure(t, n, "forwardBytesWaiting") > 0 })
	waitFor(t, func() bool { return sink.value("stats.statsd.graphiteStats.last_exception") > 0 })
	g.start(t)
	w.Block([]byte("after:1|c"))
	waitFor(t, func() bool { return g.has("stats_counts.before 1 ") && g.has("stats_counts.after 1 ") })
	assert.True(t, g.has("stats.gauges.x -1e-7 "))
	assert.True(t, g.has("stats.gauges.y 1e+21 "))
	w.Block([]byte("last:1|c"))
	cancel()
	wg.Wait()
	waitFor(t, func() bool { return g.has("stats_counts.last 1 ") })
	_, stamp := sink.last()
	for name, v := range sink.values { // all of the last flush, as JavaScript prints it
		assert.True(t, g.has(fmt.Sprintf("%s %s %d\n", name, js(v), stamp)), name)
	}
	assert.Zero(t, figure(t, n, "forwardBytesWaiting"))
	assert.Zero(t, figure(t, n, "forwardFlushesDropped"))
}

// TestForwardTellsWhatItCouldNotSend: what waits at the end is not lost in silence.
func TestForwardTellsWhatItCouldNotSend(t *testing.T) {
	g := newGraphite(t)
	g.stop()
	var log bytes.Buffer
	f, err := aggregate.NewForwarder(aggregate.ForwardOptions{Address: g.address, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Forward: f}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.Run(ctx) // the last flush alone
	assert.Contains(t, log.String(), "flushes=1")
	assert.Equal(t, 1.0, figure(t, n, "forwardFlushesDropped"))
}

// TestForwardIsBounded: the oldest goes, counted.
func TestForwardIsBounded(t *testing.T) {
	g := newGraphite(t)
	g.stop()
	f, err := aggregate.NewForwarder(aggregate.ForwardOptions{Address: g.address, MaxBytes: 3000})
	require.NoError(t, err)
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Forward: f}})
	require.NoError(t, err)
	for i := range 20 {
		n.Flush(int64(i))
	}
	assert.LessOrEqual(t, figure(t, n, "forwardBytesWaiting"), 3000.0)
	assert.GreaterOrEqual(t, figure(t, n, "forwardFlushesDropped"), 10.0)
	_, err = aggregate.NewForwarder(aggregate.ForwardOptions{Address: "nowhere"})
	require.Error(t, err)
}
