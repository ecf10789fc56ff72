package cluster

import (
	"context"
	"slices"
	"sync"
)

// Report tells which nodes had no part in an answer. Its methods may be called
// concurrently.
type Report struct {
	mu      sync.Mutex
	missing []string // hosts
}

// Missing returns the hosts of nodes that gave no answer, sorted.
func (r *Report) Missing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.missing)
}

func (r *Report) miss(host string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := slices.BinarySearch(r.missing, host); !ok {
		r.missing = slices.Insert(r.missing, at, host)
	}
}

type contextKey int

const (
	reportKey contextKey = iota
	aloneKey
)

// WithReport returns a context whose questions are reported on.
func WithReport(ctx context.Context) (context.Context, *Report) {
	r := &Report{}
	return context.WithValue(ctx, reportKey, r), r
}

func reportOf(ctx context.Context) *Report {
	r, _ := ctx.Value(reportKey).(*Report)
	return r
}

// Alone returns a context in which no other node is asked.
func Alone(ctx context.Context) context.Context { return context.WithValue(ctx, aloneKey, true) }

func alone(ctx context.Context) bool { return ctx.Value(aloneKey) != nil }
