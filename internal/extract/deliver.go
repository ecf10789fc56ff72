package extract

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/state"
)

// deliver offers each output, on its own, the batches that it has not taken,
// oldest first. An output that failed in this run is not tried again.
func (r *run) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.job.Patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, d := range r.job.Outputs {
		if !r.failed(d) {
			wg.Go(func() { r.deliverTo(ctx, d) })
		}
	}
	wg.Wait()
}

// failed reports whether the output did not take what it was offered last.
func (r *run) failed(d Destination) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.res.Failed[d.Name] != nil
}

// deliverTo offers the output what it has not taken, up to the first batch that
// it does not take: then it returns the error, which is kept in Result.Failed until
// it takes one. That the others were dropped or damaged meanwhile does not end it.
func (r *run) deliverTo(ctx context.Context, d Destination) error {
	before := r.takenBy(d)
	err := r.offer(ctx, d)
	defer func() {
		select {
		case r.delivered <- struct{}{}:
		default:
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.failures++
		r.res.Failed[d.Name] = err
	case r.st.Taken[d.Name] > before:
		delete(r.res.Failed, d.Name)
	default:
		err = r.res.Failed[d.Name]
	}
	r.job.Status.set(func(s *Snapshot) { s.Failed = maps.Clone(r.res.Failed) })
	return err
}

func (r *run) offer(ctx context.Context, d Destination) error {
	r.mu.Lock()
	queue, taken := r.kept.Queue(), r.st.Taken[d.Name]
	r.mu.Unlock()
	for _, seq := range queue {
		if seq <= taken {
			continue
		}
		if err := r.offerFile(ctx, d, seq, taken); err != nil {
			return err
		}
	}
	return nil
}

// offerFile offers what one commit put into the queue, and keeps how far the
// output took it. Late batches are passed over by one that does not merge.
func (r *run) offerFile(ctx context.Context, d Destination, seq, taken uint64) error {
	r.mu.Lock()
	batches, err := r.kept.Batches(seq)
	r.mu.Unlock()
	if errors.Is(err, state.ErrCorrupt) || errors.Is(err, state.ErrNotQueued) {
		return nil // kept aside, or dropped since: counted and said by state
	}
	if err != nil {
		return err
	}
	before := taken
	for _, b := range batches {
		if b.ID.Seq <= taken {
			continue
		}
		if d.takes(b) {
			if err = r.write(ctx, d, b); err != nil {
				break
			}
		}
		taken = b.ID.Seq
	}
	if taken == before {
		return err
	}
	return errors.Join(err, r.took(d, taken))
}

// takes reports whether the batch is for this output.
func (d Destination) takes(b *metric.Batch) bool { return !b.Late || d.Merges }

// write delivers one batch. One that the output can never take is dropped, and
// said. Where the job is followed the output may take Patience for each: what
// waited through a long outage may take much longer.
func (r *run) write(ctx context.Context, d Destination, b *metric.Batch) error {
	if r.woken != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.job.Patience)
		defer cancel()
	}
	err := guarded(ctx, d, b)
	if errors.Is(err, outputs.ErrPermanent) {
		r.job.Log.Error("a batch is dropped: the output cannot take it", "output", d.Name, "batch", b.ID.Seq, "err", err)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failures++
		return nil
	}
	return err
}

// guarded makes a panic of an output its failure alone.
func guarded(ctx context.Context, d Destination, b *metric.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("BUG: the output %s panicked: %v", d.Name, r)
		}
	}()
	return d.Output.Write(ctx, b)
}

// took keeps that the output took the batch seq and all before it.
func (r *run) took(d Destination, seq uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if out, ok := outputs.As[outputs.Stateful](d.Output); ok {
		if err := r.kept.Remember(d.Name, out.Memo()); err != nil {
			return err
		}
	}
	if out, ok := outputs.As[outputs.Publisher](d.Output); ok {
		out.Publish()
	}
	return r.kept.Took(d.Name, seq)
}

// How long an output that did not take a batch is left alone in follow mode: at
// first, and at most, unless it asks for more.
const (
	pauseFirst   = time.Second
	pauseLongest = 30 * time.Second
)

// keepDelivering offers the output what comes into the queue until ctx is
// done; each value from more says that there is something new.
func (r *run) keepDelivering(ctx context.Context, d Destination, more <-chan struct{}) {
	pause := time.Duration(0)
	for {
		before := r.takenBy(d)
		err := r.deliverTo(ctx, d)
		if pause = r.judge(d, err, pause); err != nil && r.takenBy(d) > before {
			pause = max(pauseFirst, outputs.Patience(err)) // it works, now and then
		}
		var again <-chan time.Time
		wake := more
		if err != nil {
			again, wake = time.After(pause), nil
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-again:
		}
	}
}

// takenBy returns the number of the last batch that the output took.
func (r *run) takenBy(d Destination) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.st.Taken[d.Name]
}

// judge says when an output begins to fail and when it takes batches again,
// and returns how long to leave it alone.
func (r *run) judge(d Destination, err error, pause time.Duration) time.Duration {
	switch {
	case err == nil && pause > 0:
		r.job.Log.Info("the output takes batches again", "output", d.Name)
		return 0
	case err == nil:
		return 0
	case pause == 0:
		r.job.Log.Warn("the output does not take batches; they are kept and sent later", "output", d.Name, "err", err)
		return max(pauseFirst, outputs.Patience(err))
	}
	return max(min(2*pause, pauseLongest), outputs.Patience(err))
}
