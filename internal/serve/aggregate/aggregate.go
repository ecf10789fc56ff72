// Package aggregate adds up what statsd clients send, and gives the result of
// each interval to a store, and to another Graphite if asked. [Node] is what
// Etsy's statsd (node) does, to the last digit; [Brubeck] is what GitHub's
// brubeck does.
//
// It promises that a line of a known name costs no allocation, that a flush
// stops no reading, that a flush of one worker gives the digits that node's
// daemon gives, and that names, members and values are bounded and what is
// refused is counted. It opens no socket that clients send to and no file.
// Start from [NewNode].
package aggregate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// Sink takes the values of a flush; its methods are called by one goroutine.
type Sink interface {
	// Put takes a value. name is "a.b;k=v" and is valid during the call. stamp is
	// the Unix second that node's daemon sends: the end of the interval, so that a
	// store keeps it at stamp minus the interval.
	Put(name []byte, m metric.Method, stamp int64, v float64)
	// Add is Put for sums and rates. When a daemon ends in the midst of an interval
	// and another begins, both send what they heard of it under one stamp: these
	// values add up, where those of Put take the place of each other.
	Add(name []byte, m metric.Method, stamp int64, v float64)
	// Flush hands on what was put.
	Flush() error
}

// Options are what both dialects need beside their configuration. The zero value works.
type Options struct {
	Sink    Sink       // nil: none
	Forward *Forwarder // nil: none
	Debug   *Debug     // nil: no input is printed
	Log     *slog.Logger
	Limits
}

// Limits bound what clients can make the aggregator keep. 0 takes the default.
type Limits struct {
	MaxNames    int // series of all kinds; 0: DefaultMaxNames
	MaxKeyBytes int // a name with its tags, as sent; 0: DefaultMaxKeyBytes
	MaxValues   int // values of timers and members of sets that one worker keeps in an interval; 0: DefaultMaxValues
}

// What zero Limits stand for.
const (
	DefaultMaxNames    = 250_000
	DefaultMaxKeyBytes = 1024
	DefaultMaxValues   = 4_000_000 // 32 MB of timers, or 64 MB of members
)

// Each worker knows names by itself, as they are sent. For what all of them
// together know there is room for MaxNames per worker, up to fullWorkers, and
// moreSpellings times as much for names that are sent in several ways. A
// spelling takes about 100 bytes.
const (
	fullWorkers   = 16
	moreSpellings = 3
)

func (l Limits) withDefaults() Limits {
	if l.MaxNames == 0 {
		l.MaxNames = DefaultMaxNames
	}
	if l.MaxKeyBytes == 0 {
		l.MaxKeyBytes = DefaultMaxKeyBytes
	}
	if l.MaxValues == 0 {
		l.MaxValues = DefaultMaxValues
	}
	return l
}

// runWith flushes, and forwards, until ctx is done.
func runWith(ctx context.Context, f *Forwarder, interval time.Duration, flush func(stamp int64)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if f != nil {
		wg.Go(func() { f.run(ctx) })
		defer f.finish()
	}
	every(ctx, interval, flush)
}

// every calls flush at each multiple of interval of the wall clock, with the
// multiple as Unix seconds, and a last time, for the interval under way, when
// ctx is done.
func every(ctx context.Context, interval time.Duration, flush func(stamp int64)) {
	timer := time.NewTimer(0)
	<-timer.C
	defer timer.Stop()
	for {
		now := time.Now()
		next := now.Truncate(0).Add(untilNext(now, interval))
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			flush(seconds(next))
			return
		case <-timer.C:
			flush(seconds(reached(time.Now(), next, interval)))
		}
	}
}

// untilNext returns how long it is to the next multiple of interval: more than 0.
func untilNext(now time.Time, interval time.Duration) time.Duration {
	past := time.Duration(now.UnixNano() % int64(interval))
	if past < 0 { // before 1970
		past += interval
	}
	return interval - past
}

// reached returns the multiple that ends the interval: next, unless the clock
// was set or the machine slept meanwhile.
func reached(now, next time.Time, interval time.Duration) time.Time {
	if off := now.Sub(next); off > -interval/2 && off < interval {
		return next
	}
	return now.Add(untilNext(now, interval) - interval)
}

// seconds rounds as node's daemon does.
func seconds(t time.Time) int64 { return t.Add(time.Second / 2).Unix() }
