package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// part is something that runs beside others until it is told to end.
type part struct {
	name string
	// run does the part until ctx is done, then hands on what it holds, and
	// returns. To return before that is to fail, with an error or without.
	run func(ctx context.Context) error
}

// errHangs is wrapped when a part did not come to its end in time.
var errHangs = errors.New("it does not come to its end")

// runParts runs parts, which stand in the order in which data goes through them,
// until ctx is done or one of them fails. Then it ends one after the other, each
// when those before it have handed on what they held, and none later than limit
// after the first was told to. The error tells of the first that failed, and of
// what was wrong at the ends.
func runParts(ctx context.Context, parts []part, limit time.Duration) error {
	failed := make(chan error, len(parts))
	running := make([]*runningPart, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &runningPart{part: p, cancel: cancel, ended: make(chan struct{})}
		running[i] = r
		all.Go(func() {
			defer close(r.ended)
			defer cancel()
			r.err = p.run(own)
			if own.Err() == nil {
				failed <- r.failure()
				r.err = nil // it was told
			}
		})
	}
	var errs []error
	select {
	case <-ctx.Done():
	case err := <-failed:
		errs = append(errs, err)
	}
	if errs = append(errs, endParts(running, limit)...); errors.Is(errors.Join(errs...), errHangs) {
		return errors.Join(errs...) // who hangs is not waited for: the process ends
	}
	all.Wait()
	return errors.Join(errs...)
}

type runningPart struct {
	part
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // may be read when ended is closed
}

// failure is the error of a part that ended though nobody had told it to.
func (r *runningPart) failure() error {
	if r.err == nil {
		return fmt.Errorf("%s: it ended by itself", r.name)
	}
	return fmt.Errorf("%s: %w", r.name, r.err)
}

// endParts ends parts in their order. It gives up at the first that hangs: what
// is behind it must not be closed while that may still use it.
func endParts(running []*runningPart, limit time.Duration) (errs []error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for _, r := range running {
		r.cancel()
		select {
		case <-r.ended:
		case <-timer.C:
			return append(errs, fmt.Errorf("%s: %w", r.name, errHangs))
		}
		if r.err != nil {
			errs = append(errs, r.failure())
		}
	}
	return errs
}
