package ingest

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// counter is a number of a listener that only grows.
func counter(name, listener string, value uint64) telemetry.Figure {
	return telemetry.Figure{Name: name, Labels: []telemetry.Label{{Key: "listener", Value: listener}}, Value: float64(value), Counter: true}
}

// because is f with a reason.
func because(f telemetry.Figure, reason string) telemetry.Figure {
	f.Labels = append(f.Labels, telemetry.Label{Key: "reason", Value: reason})
	return f
}

// notices says something once a minute at most. The zero value is ready; it may
// be used by several goroutines.
type notices struct {
	next atomic.Int64 // Unix nanoseconds from which on it may be said again
}

// due reports whether it may be said now, and takes the turn.
func (n *notices) due() bool {
	now, next := time.Now().UnixNano(), n.next.Load()
	return now >= next && n.next.CompareAndSwap(next, now+int64(time.Minute))
}

// excerptLen is how many bytes of bad input logs show.
const excerptLen = 200

// excerpt is what logs show of bad input.
func excerpt(b []byte) string { return fmt.Sprintf("%q", b[:min(len(b), excerptLen)]) }

// logger is l, or one that says nothing.
func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
