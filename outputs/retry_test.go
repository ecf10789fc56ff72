package outputs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// flaky fails with each error in turn, then takes all.
type flaky struct {
	errs  []error
	calls int
}

func (f *flaky) Write(context.Context, *metric.Batch) error {
	f.calls++
	if len(f.errs) == 0 {
		return nil
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return err
}

func (f *flaky) Close() error { return nil }

var errDown = errors.New("down")

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{errs: []error{errDown, errDown, errDown}}
		start := time.Now()
		require.NoError(t, outputs.Retry(f, time.Second, time.Minute).Write(t.Context(), nil))
		assert.Equal(t, 4, f.calls)
		assert.Greater(t, time.Since(start), time.Second)
		assert.Less(t, time.Since(start), 10*time.Second)
	})
}

func TestRetryEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		f := &flaky{}
		for range 100_000 {
			f.errs = append(f.errs, errDown)
		}
		start := time.Now()
		err := outputs.Retry(f, time.Second, time.Minute).Write(ctx, nil)
		require.ErrorIs(t, err, errDown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(start))
		assert.Greater(t, f.calls, 30, "never waits much longer than a minute")
	})
}

func TestRetryNotPermanent(t *testing.T) {
	f := &flaky{errs: []error{fmt.Errorf("no: %w", outputs.ErrPermanent)}}
	require.EqualError(t, outputs.Retry(f, time.Second, time.Minute).Write(t.Context(), nil), "no: "+outputs.ErrPermanent.Error())
	assert.Equal(t, 1, f.calls)
}

// TestRetrySaysWhatWasWrong: the attempt that time cut short is not the reason.
func TestRetrySaysWhatWasWrong(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := outputs.Retry(&cutShort{cancel: cancel}, time.Microsecond, time.Microsecond)
	err := out.Write(ctx, nil)
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, err, context.Canceled)
}

// cutShort is down, and then its context ends during an attempt.
type cutShort struct {
	cancel context.CancelFunc
	calls  int
}

func (c *cutShort) Write(ctx context.Context, _ *metric.Batch) error {
	if c.calls++; c.calls == 1 {
		return errDown
	}
	c.cancel()
	return ctx.Err()
}

func (c *cutShort) Close() error { return nil }
