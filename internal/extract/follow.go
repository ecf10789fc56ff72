package extract

import (
	"context"
	"time"
)

// Follow runs the job until ctx is done: it reads the logs as they grow and
// makes a batch each Interval. When ctx is done it makes a last batch of what
// was read, offers it to the outputs for up to FlushTime, and returns nil.
//
// An error means that the job could not go on; what was not kept has not moved,
// and is read again by the next Follow or Run. It wraps the errors that Run's does.
func Follow(ctx context.Context, job Job) error {
	for ctx.Err() == nil {
		if _, err := Run(ctx, job); err != nil && ctx.Err() == nil {
			return err
		}
		job.Status.set(func(s *Snapshot) { s.Ready, s.Beat = true, time.Now() })
		select {
		case <-time.After(job.Interval):
		case <-ctx.Done():
		}
	}
	return nil
}
