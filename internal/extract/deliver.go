package extract

import (
	"context"
	"errors"
	"sync"

	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/state"
)

// deliver offers each output, on its own, the batches that it has not taken,
// oldest first. An output that failed in this run is not tried again.
func (r *run) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.job.Patience)
	defer cancel()
	var (
		mu sync.Mutex // protects r.kept and r.res
		wg sync.WaitGroup
	)
	for _, d := range r.job.Outputs {
		if r.res.Failed[d.Name] != nil {
			continue
		}
		wg.Go(func() {
			if err := r.deliverTo(ctx, d, &mu); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if r.res.Failed == nil {
					r.res.Failed = make(map[string]error)
				}
				r.res.Failed[d.Name] = err
			}
		})
	}
	wg.Wait()
}

// deliverTo stops at the first batch that the output does not take.
func (r *run) deliverTo(ctx context.Context, d Destination, mu *sync.Mutex) error {
	mu.Lock()
	defer mu.Unlock()
	for _, seq := range r.kept.Queue() {
		if seq <= r.st.Taken[d.Name] {
			continue
		}
		b, err := r.kept.Batch(seq)
		if errors.Is(err, state.ErrCorrupt) {
			continue // kept aside, counted and said by state
		}
		if err != nil {
			return err
		}
		mu.Unlock()
		err = d.Output.Write(ctx, b)
		mu.Lock()
		if errors.Is(err, outputs.ErrPermanent) {
			r.job.Log.Error("a batch is dropped: the output cannot take it", "output", d.Name, "batch", seq, "err", err)
			err = nil
		}
		if err == nil {
			err = r.kept.Took(d.Name, seq)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
