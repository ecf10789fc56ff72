// Package store keeps series: for each the buckets of several tiers, on disk
// within a second.
//
// It promises that each sample is in every tier of its series, that what was
// taken more than a second ago is there after a crash, and that a batch and its
// id are there together or not at all. It knows nothing of protocols and of
// queries. Start from [Open] and [DB].
//
// A sample goes through a [Writer] into the log (package wal) and the head, open
// buckets in RAM. A seal writes what has closed into frames (package frame),
// which Pebble keeps. docs/store-format.md has the bytes.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// ID is a series of one DB; dense, reused only after a reopen.
type ID uint32

// Options configure a DB. The zero value but Dir works.
type Options struct {
	Dir           string           // made 0700 when missing
	Schemas       schema.Schemas   // the zero value: schema.Default()
	KeepTiers     bool             // Schemas is for new series; others keep the tiers and methods that they have
	MaxSeries     int              // 0: DefaultMaxSeries
	MaxNewSeries  int              // names a second that may be made, on average of ten seconds; 0: DefaultMaxNewSeries
	MaxPending    int              // bytes that may wait for the disk; 0: DefaultMaxPending
	MaxIdentities int              // who may send batches; 0: DefaultMaxIdentities
	MaxKept       int              // bytes of what is kept beside series, keys too; 0: DefaultMaxKept
	SealEvery     time.Duration    // 0: DefaultSealEvery; negative: only Tend seals
	Now           func() time.Time // nil: time.Now
	Log           *slog.Logger     // nil: none
	FS            vfs.FS           // nil: vfs.Default
}

// Limits that Options replace.
const (
	DefaultMaxSeries     = 1_000_000
	DefaultMaxNewSeries  = 100_000
	DefaultMaxPending    = 64 << 20
	DefaultMaxIdentities = 100_000
	DefaultMaxKept       = 64 << 20
	DefaultSealEvery     = 10 * time.Minute
)

// Errors that callers branch on.
var (
	// ErrFull means that the disk takes nothing, and too much waits for it.
	ErrFull = errors.New("the disk takes nothing")
	// ErrLocked means that another process has the directory open.
	ErrLocked = errors.New("another process has it open")
	// ErrNoSeries means that there is no series of that name.
	ErrNoSeries = errors.New("no such series")
	// ErrName means that a series cannot have the new name.
	ErrName = errors.New("it is no name of a series")
	// ErrExists means that the new name is that of another series.
	ErrExists = names.ErrExists
	// ErrVersion means that the data was written by a newer version.
	ErrVersion = errors.New("written by a newer version of this program")
	// ErrIdentities means that MaxIdentities send batches, and this is one more.
	ErrIdentities = errors.New("too many senders of batches")
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
	TooManyNew            // the name is new, and as many were made as MaxNewSeries lets
	RefusalCount          // how many there are
)

// String returns the reason as metrics have it: "badName".
func (r Refusal) String() string {
	return [...]string{"taken", "badName", "badValue", "badTime", "tooManySeries", "tooManyNew", "none"}[min(r, RefusalCount)]
}

// Columns are the buckets of one series from Start, Step seconds each; a bucket
// with Count 0 holds nothing. The slices are as long as each other.
type Columns struct {
	Start, Step             int64
	Count                   []uint64
	Sum, Min, Max, M2, Last []float64
	Value                   []float64 // what a plain read shows; NaN where there is nothing
	Method                  metric.Method
}

// FetchOptions say what to read. Unix seconds, [From,Until).
type FetchOptions struct {
	From, Until int64
	Step        int64 // a tier's step; 0: the finest tier whose retention reaches From
	ValueOnly   bool  // Columns without Count, Sum, Min, Max, M2 and Last, which are nil; for FetchAll
}

// Fetch reads one series by its name, the open bucket included. The error wraps
// ErrNoSeries when there is none.
func (db *DB) Fetch(ctx context.Context, name string, opt FetchOptions) (*Columns, error) {
	return db.fetch(ctx, name, opt)
}
