package extract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/state"
)

// persist makes the batches and positions durable. What the disk does not take
// now is tried again, and until then nothing is read.
func (f *follower) persist(ctx context.Context, batches []*metric.Batch) error {
	next := *f.st
	for pause := pauseFirst; ; pause = min(2*pause, pauseLongest) {
		err := f.keep(batches)
		f.trouble(err)
		if err == nil || errors.Is(err, state.ErrUncertain) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		f.mu.Lock() // a Commit that fails puts the state back
		f.st.Logs, f.st.Open, f.st.End = next.Logs, next.Open, next.End
		f.mu.Unlock()
	}
}

// trouble says once what keeps the job from going on, and when it is over.
func (f *follower) trouble(err error) {
	said := f.stuck != nil
	f.stuck = err
	switch {
	case err != nil && !said:
		f.job.Log.Error("nothing can be kept now, so nothing is read; it is tried again", "err", err)
	case err == nil && said:
		f.job.Log.Info("it can be kept again")
	}
	now, trouble := f.job.Now(), f.hindrance()
	f.job.Status.set(func(s *Snapshot) { s.Trouble, s.Beat = trouble, now })
}

// hindrance is what keeps the job from keeping, or else from reading the first
// of the logs that cannot be read.
func (f *follower) hindrance() error {
	if f.stuck != nil || len(f.troubles) == 0 {
		return f.stuck
	}
	path := slices.Min(slices.Collect(maps.Keys(f.troubles)))
	if more := len(f.troubles) - 1; more > 0 {
		return fmt.Errorf("%s; and %d more logs cannot be read", f.troubles[path], more)
	}
	return errors.New(f.troubles[path])
}

// hand tells those that deliver that there is something in the queue, and
// removes from it what all have taken. Who is behind waits for them when the
// queue is crowded; lines that have just been written are never held up, or they
// would be counted in a later interval.
func (f *follower) hand(ctx context.Context) {
	for _, c := range f.more {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	for f.tidy(); f.behind && f.crowded() && ctx.Err() == nil; f.tidy() {
		f.job.Status.beat(f.job.Now)
		select {
		case <-f.delivered:
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
}

// tidy removes from the queue what all outputs took, and what is too much.
func (f *follower) tidy() {
	if err := f.clear(); err != nil {
		f.job.Log.Warn("the queue is not tidied", "err", err)
	}
}

// crowded reports whether the queue is half full while some output that works
// still takes from it, or none works: then history that is on disk anyway can wait.
func (f *follower) crowded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept.SpoolBytes() <= f.job.SpoolSize/2 {
		return false
	}
	working := 0
	for _, d := range f.job.Outputs {
		if f.res.Failed[d.Name] == nil {
			working++
			if f.st.Taken[d.Name] < f.st.Seq {
				return true
			}
		}
	}
	return working == 0
}

// rest gives the outputs that work time to take what is in the queue.
func (f *follower) rest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, FlushTime)
	defer cancel()
	for f.waiting() && ctx.Err() == nil {
		select {
		case <-f.delivered:
		case <-ctx.Done():
		}
	}
	f.tidy()
}

func (f *follower) waiting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.job.Outputs {
		if f.res.Failed[d.Name] == nil && f.st.Taken[d.Name] < f.st.Seq {
			return true
		}
	}
	return false
}
