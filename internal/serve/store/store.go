// Package store keeps series: for each the buckets of several tiers, on disk
// within a second.
//
// (Contract under construction: signatures stand, bodies come.) Start from Open and DB.
package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// ID is a series of one DB; dense, reused only after a reopen.
type ID uint32

// Options configure a DB. The zero value but Dir works.
type Options struct {
	Dir          string           // made 0700 when missing
	Schemas      schema.Schemas   // nil: schema.Default()
	MaxSeries    int              // 0: DefaultMaxSeries
	MaxNewSeries int              // names a second that may be made; 0: DefaultMaxNewSeries
	Now          func() time.Time // nil: time.Now
	Log          *slog.Logger     // nil: none
	FS           vfs.FS           // nil: vfs.Default
}

// Limits that Options replace.
const (
	DefaultMaxSeries    = 1_000_000
	DefaultMaxNewSeries = 100_000
)

// Refusal says why a sample is not taken. It is no error value, for bad input is
// counted by reason, and refusing must not cost more than taking.
type Refusal uint8

// The refusals.
const (
	Taken         Refusal = iota
	BadName               // not a name, or tags that are none
	BadValue              // not a finite number, or beyond metric.MaxValue
	BadTime               // older than the longest retention, or more than a day ahead
	TooManySeries         // the name is new, and MaxSeries are there
	TooManyNew            // the name is new, and MaxNewSeries were made in this second
	RefusalCount          // how many there are
)

// String returns the reason as metrics have it: "badName".
func (r Refusal) String() string { panic("BUG: under construction") }

// DB is the store. Its methods may be called concurrently.
type DB struct{}

// Open opens the store in opt.Dir, making it when there is none.
func Open(opt Options) (*DB, error) { panic("BUG: under construction") }

// Close makes all durable that was taken. Writers must not be used any more.
func (db *DB) Close() error { panic("BUG: under construction") }

// NewWriter returns a way into the store for one goroutine.
func (db *DB) NewWriter() *Writer { panic("BUG: under construction") }

// Sync makes durable what writers have flushed.
func (db *DB) Sync() error { panic("BUG: under construction") }

// Writer buffers samples of one goroutine and interns names: a known name costs
// no allocation. Not safe for concurrent use.
type Writer struct{}

// Put takes the value of a series at a second. name is the series as it was sent,
// "a.b" or "a.b;k=v;k2=v2" with tags in any order; it may be changed after the
// call. A Put for the second of the bucket's newest Put replaces that.
// m counts when the series is new.
func (w *Writer) Put(name []byte, m metric.Method, unix int64, v float64) Refusal {
	panic("BUG: under construction")
}

// Merge is Put for a bucket: it is added to what is there.
func (w *Writer) Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) Refusal {
	panic("BUG: under construction")
}

// Flush hands on what was put. After nil it can be read, and is durable within a
// second. An error wraps ErrFull: nothing was handed on, and Flush can be called
// again.
func (w *Writer) Flush() error { panic("BUG: under construction") }

// Commit is Flush for a batch, in one atomic record with id; after nil it is
// durable. When the identity's last sequence is not below id's, it was here
// before: what was put is dropped, and repeated is true.
func (w *Writer) Commit(id metric.BatchID) (repeated bool, err error) {
	panic("BUG: under construction")
}

// Reset drops what was put since the last Flush or Commit.
func (w *Writer) Reset() { panic("BUG: under construction") }

// Columns are the buckets of one series from Start, Step seconds each; a bucket
// with Count 0 holds nothing. The slices are as long as each other.
type Columns struct {
	Start, Step int64
	Count       []uint64
	Sum, Min, Max, M2, Last []float64
	Value       []float64 // what a plain read shows; NaN where there is nothing
	Method      metric.Method
}

// FetchOptions say what to read. Unix seconds, [From,Until).
type FetchOptions struct {
	From, Until int64
	Step        int64 // a tier's step; 0: the finest tier whose retention reaches From
}

// Fetch reads one series by its name, the open bucket included. ErrNoSeries when
// there is none.
func (db *DB) Fetch(ctx context.Context, name string, opt FetchOptions) (*Columns, error) {
	panic("BUG: under construction")
}
