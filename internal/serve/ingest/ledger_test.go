package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

const limit = 20 * time.Second // for what takes milliseconds on a machine with nothing else to do

// ledger is a store that adds up what it is given, and can be full.
type ledger struct {
	mu     sync.Mutex
	full   bool
	points int
	sums   map[string]float64
	times  map[string]int64 // of the last point
}

func newLedger() *ledger {
	return &ledger{sums: make(map[string]float64), times: make(map[string]int64)}
}

func (l *ledger) writer() ingest.Writer { return &ledgerWriter{l: l} }

func (l *ledger) setFull(full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.points
}

// String lists the series with their sums and last times.
func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for name, sum := range l.sums {
		lines = append(lines, fmt.Sprintf("%s=%v@%d", name, sum, l.times[name]))
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

type put struct {
	name string
	unix int64
	v    float64
}

type ledgerWriter struct {
	l    *ledger
	puts []put
}

var errFull = errors.New("store is full")

func (w *ledgerWriter) Put(name []byte, _ metric.Method, unix int64, v float64) store.Refusal {
	switch {
	case strings.HasPrefix(string(name), "bad."):
		return store.BadName
	case unix > 1<<40:
		return store.BadTime
	}
	w.puts = append(w.puts, put{string(name), unix, v})
	return store.Taken
}

func (w *ledgerWriter) Flush() error {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	if w.l.full && len(w.puts) > 0 {
		return errFull
	}
	for _, p := range w.puts {
		w.l.points++
		w.l.sums[p.name] += p.v
		w.l.times[p.name] = p.unix
	}
	w.puts = w.puts[:0]
	return nil
}

// listener is what UDP and TCP have in common.
type listener interface {
	Addr() net.Addr
	Run(ctx context.Context, newReceiver func() ingest.Receiver) error
	Figures() []telemetry.Figure
}

// start runs a listener. stop ends it, and waits until it has.
func start(t testing.TB, l listener, newReceiver func() ingest.Receiver) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, newReceiver) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				assert.NoError(t, err)
			case <-time.After(limit):
				assert.Fail(t, "the listener does not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// figure is a figure's value; labels are "reason" or nothing.
func figure(t testing.TB, figures []telemetry.Figure, name string, reason ...string) float64 {
	t.Helper()
	for _, f := range figures {
		if f.Name != name || len(reason) > 0 && f.Labels[len(f.Labels)-1].Value != reason[0] {
			continue
		}
		require.Equal(t, telemetry.Label{Key: "listener", Value: "test"}, f.Labels[0])
		return f.Value
	}
	require.Fail(t, "no such figure", "%s %s", name, reason)
	return 0
}

func dial(t testing.TB, l listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t testing.TB, c net.Conn, text string) {
	t.Helper()
	_, err := c.Write([]byte(text))
	require.NoError(t, err)
}

// arrive waits until the ledger has n points.
func (l *ledger) arrive(t testing.TB, n int) {
	t.Helper()
	testutil.Eventually(t, limit, func() bool { return l.count() >= n })
	require.Equal(t, n, l.count())
}
