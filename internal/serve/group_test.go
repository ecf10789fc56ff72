package serve

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inTurn are parts that write down when they end.
func inTurn(ended *[]string, names ...string) (parts []part) {
	for _, name := range names {
		parts = append(parts, part{name, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second) // of the bubble's clock: those behind must wait for it
			*ended = append(*ended, name)
			return nil
		}})
	}
	return parts
}

func TestPartsEndInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.NoError(t, runParts(ctx, inTurn(&ended, "listeners", "statsd", "http"), 5*time.Second))
		assert.Equal(t, []string{"listeners", "statsd", "http"}, ended)
		assert.Equal(t, time.Minute+3*time.Second, time.Since(began))
	})
}

// TestTheFirstFailureEndsAll: with an error, or without one.
func TestTheFirstFailureEndsAll(t *testing.T) {
	broken := errors.New("broken")
	for _, err := range []error{broken, nil} {
		synctest.Test(t, func(t *testing.T) {
			var ended []string
			parts := append(inTurn(&ended, "a", "b"), part{"c", func(context.Context) error {
				time.Sleep(time.Minute)
				return err
			}})
			got := runParts(t.Context(), parts, 5*time.Second)
			assert.Equal(t, []string{"a", "b"}, ended)
			if err != nil {
				require.ErrorIs(t, got, broken)
				require.EqualError(t, got, "c: broken")
			} else {
				require.EqualError(t, got, "c: it ended by itself")
			}
		})
	}
}

func TestErrorsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		parts := append([]part{{"a", func(ctx context.Context) error { <-ctx.Done(); return errors.New("lost") }}}, inTurn(&ended, "b")...)
		require.EqualError(t, runParts(ctx, parts, 5*time.Second), "a: lost")
		assert.Equal(t, []string{"b"}, ended, "what is behind it ends, too")
	})
}

// TestAPartThatHangs: the process ends without it, and what is behind it is not
// taken away from it.
func TestAPartThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []string
		release := make(chan struct{})
		untouched := false
		parts := append(inTurn(&ended, "a"), part{"disk", func(context.Context) error { <-release; return nil }})
		parts = append(parts, part{"store", func(ctx context.Context) error { <-release; untouched = ctx.Err() == nil; return nil }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := runParts(ctx, parts, 5*time.Second)
		require.ErrorIs(t, err, errHangs)
		require.ErrorContains(t, err, "disk")
		assert.Equal(t, time.Minute+5*time.Second, time.Since(began))
		assert.Equal(t, []string{"a"}, ended)
		close(release)
		synctest.Wait()
		assert.True(t, untouched)
	})
}
