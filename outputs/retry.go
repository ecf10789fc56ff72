package outputs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/logmetrics/logmetrics/metric"
)

// Retry returns an output that writes to out until it takes the batch, ctx is
// done, or the error wraps ErrPermanent. It waits first before the second
// attempt, then longer, with some chance in it, up to longest, or as long as the
// destination asks for (see Patience). The error is
// out's last one, and wraps ctx's when that ended it.
func Retry(out Output, first, longest time.Duration) Output {
	return &retry{out, first, longest}
}

type retry struct {
	Output
	first, longest time.Duration
}

// Unwrap returns the output that is written to; see As.
func (r *retry) Unwrap() Output { return r.Output }

// Write implements Output.
func (r *retry) Write(ctx context.Context, b *metric.Batch) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = r.first, r.longest
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := r.Output.Write(ctx, b)
		if last == nil || ctx.Err() == nil { // that time ran out says less than what was wrong before
			last = err
		}
		if errors.Is(err, ErrPermanent) {
			return struct{}{}, backoff.Permanent(err)
		}
		if asked := Patience(err); asked > 0 {
			return struct{}{}, &backoff.RetryAfterError{Duration: asked}
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case errors.Is(last, err):
		return last
	}
	return fmt.Errorf("%w (gave up: %w)", last, err)
}
