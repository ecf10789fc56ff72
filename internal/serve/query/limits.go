package query

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Limits bound one request. Zero fields have the defaults.
type Limits struct {
	Targets int   // expressions; 1000
	Series  int   // that it reads, and that any function returns; 100,000
	Points  int   // that it reads, all fetches together; 16 Mi
	Bytes   int64 // of values, series and names that it makes, and of its targets, beside what it reads; 256 MiB
	Fetches int   // ranges that it reads; 200

	TotalBytes int64 // of all that requests hold at once, read or made; 256 MiB
}

// The defaults of Limits.
const (
	DefaultTargets = 1000
	DefaultSeries  = 100_000
	DefaultPoints  = 16 << 20
	DefaultBytes   = 256 << 20
	DefaultFetches = 200

	DefaultTotalBytes = 256 << 20
)

func (l Limits) withDefaults() Limits {
	set(&l.Targets, DefaultTargets)
	set(&l.Series, DefaultSeries)
	set(&l.Points, DefaultPoints)
	set(&l.Bytes, DefaultBytes)
	set(&l.Fetches, DefaultFetches)
	set(&l.TotalBytes, DefaultTotalBytes)
	return l
}

func set[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// overLimit is what Call.Make panics with, so that functions need not look at an error after each
// allocation; Evaluate makes an error of it.
type overLimit struct{ err error }

// budget is what a request may still use. Its methods may be called concurrently.
type budget struct {
	ctx   context.Context
	left  atomic.Int64 // bytes that it may make
	limit int64
	taken atomic.Int64 // bytes of used that are its
	used  *atomic.Int64
	total int64 // that used may be
}

// seriesCost is what a Series takes beside its own Values and Name, in values.
const seriesCost = 26

// alive ends the request if its context is done.
func (b *budget) alive() {
	if err := b.ctx.Err(); err != nil {
		panic(overLimit{err})
	}
}

// take takes n values that are made, or ends the request.
func (b *budget) take(n int) {
	b.alive()
	if n < 0 || int64(n) > b.limit/8 || b.left.Add(-8*int64(n)) < 0 {
		panic(overLimit{fmt.Errorf("%w: more than %d bytes of values", ErrLimit, b.limit)})
	}
	b.hold(n)
}

// hold takes n values of what all requests share.
func (b *budget) hold(n int) {
	bytes := 8 * int64(n)
	b.taken.Add(bytes)
	if b.used.Add(bytes) > b.total {
		panic(overLimit{b.full()})
	}
}

// full says why nothing is left of what all requests share: others use it, or there is not as much as this one needs.
func (b *budget) full() error {
	if taken := b.taken.Load(); taken <= b.total && taken < b.used.Load() {
		return ErrBusy
	}
	return fmt.Errorf("%w: more than the %d bytes that all queries share", ErrLimit, b.total)
}

// giveBack is for the end of the request.
func (b *budget) giveBack() { b.used.Add(-b.taken.Swap(0)) }
