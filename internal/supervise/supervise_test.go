package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/supervise"
)

// probe is a job that tells when it runs.
type probe struct {
	name           string
	started, ended atomic.Int32
	running, most  atomic.Int32 // at a time
	fail           func(start int) error
	linger         time.Duration // it takes to come to its end
}

func (p *probe) job(key string) supervise.Job {
	return supervise.Job{Name: p.name, Key: key, Run: func(ctx context.Context) error {
		start := p.started.Add(1)
		p.most.Store(max(p.most.Load(), p.running.Add(1)))
		defer func() { p.running.Add(-1); p.ended.Add(1) }()
		if p.fail != nil {
			if err := p.fail(int(start)); err != nil {
				return err
			}
		}
		<-ctx.Done()
		time.Sleep(p.linger) // in a synctest bubble: takes no time
		return nil
	}}
}

// newGroup returns a group that is closed at the test's end, and what it says.
func newGroup(t *testing.T, opt supervise.Options) (*supervise.Group, *bytes.Buffer) {
	said := new(bytes.Buffer)
	opt.Log = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g := supervise.New(opt)
	t.Cleanup(g.Close)
	return g, said
}

func TestAJobThatFailsIsStartedAgainAfterGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, said := newGroup(t, supervise.Options{})
		var at []time.Duration
		began := time.Now()
		broken := &probe{name: "broken", fail: func(int) error {
			at = append(at, time.Since(began))
			return errors.New("no such log")
		}}
		good := &probe{name: "good"}
		g.Set(t.Context(), []supervise.Job{broken.job("1"), good.job("1")})
		time.Sleep(100 * time.Second)
		synctest.Wait()
		sec := time.Second
		assert.Equal(t, []time.Duration{0, 1 * sec, 3 * sec, 7 * sec, 15 * sec, 31 * sec, 61 * sec, 91 * sec}, at)
		assert.EqualValues(t, 1, good.started.Load(), "the other goes on")
		assert.Equal(t, 2, strings.Count(said.String(), "no such log"), "the same error is said once a minute")

		states := g.States()
		require.Len(t, states, 2)
		assert.Equal(t, "broken", states[0].Name)
		assert.False(t, states[0].Running)
		assert.EqualError(t, states[0].Err, "no such log")
		assert.Equal(t, len(at), states[0].Starts)
		assert.True(t, states[1].Running)
		assert.NoError(t, states[1].Err)
	})
}

func TestPausesBeginAnewAfterAJobRanForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, supervise.Options{})
		var starts []time.Time
		p := &probe{name: "p", fail: func(start int) error {
			starts = append(starts, time.Now())
			if start == 5 {
				time.Sleep(31 * time.Second)
			}
			return errors.New("x")
		}}
		g.Set(t.Context(), []supervise.Job{p.job("1")})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Greater(t, len(starts), 6)
		assert.Equal(t, 8*time.Second, starts[4].Sub(starts[3]))
		assert.Equal(t, 32*time.Second, starts[5].Sub(starts[4]))
	})
}

func TestAPanicCostsARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, said := newGroup(t, supervise.Options{})
		p := &probe{name: "p", fail: func(start int) error {
			if start == 1 {
				panic("BUG: of a test")
			}
			return nil
		}}
		g.Set(t.Context(), []supervise.Job{p.job("1")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, p.started.Load())
		assert.True(t, g.States()[0].Running)
		assert.Contains(t, said.String(), "level=DEBUG msg=\"a job panicked\"")
		assert.Contains(t, said.String(), "supervise_test.go")
		assert.Contains(t, said.String(), "panic: BUG: of a test")
	})
}

func TestAJobThatIsDoneIsNotStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, supervise.Options{})
		starts := 0
		g.Set(t.Context(), []supervise.Job{{Name: "short", Run: func(context.Context) error { starts++; return nil }}})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		assert.Equal(t, 1, starts)
		st := g.States()[0]
		assert.True(t, st.Ended && !st.Running && st.Err == nil)
		assert.Equal(t, supervise.Changes{Kept: 1}, g.Set(t.Context(), []supervise.Job{{Name: "short"}}))
		assert.Equal(t, supervise.Changes{Ended: 1}, g.Set(t.Context(), nil))
	})
}

func TestSetEndsStartsAndLeavesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, supervise.Options{})
		kept, changed, removed, added := &probe{name: "kept"}, &probe{name: "changed", linger: time.Second}, &probe{name: "removed", linger: 3 * time.Second}, &probe{name: "added"}
		added.fail = func(int) error {
			assert.EqualValues(t, 1, removed.ended.Load(), "it was started before what it may take over had ended")
			assert.EqualValues(t, 1, changed.ended.Load())
			return nil
		}
		got := g.Set(t.Context(), []supervise.Job{kept.job("1"), changed.job("1"), removed.job("1")})
		assert.Equal(t, supervise.Changes{Started: 3}, got)
		synctest.Wait()
		got = g.Set(t.Context(), []supervise.Job{added.job("1"), changed.job("2"), kept.job("1")})
		assert.Equal(t, supervise.Changes{Kept: 1, Ended: 2, Started: 2}, got)
		synctest.Wait()
		for i, p := range []*probe{kept, changed, removed, added} {
			assert.EqualValues(t, []int{1, 2, 1, 1}[i], p.started.Load(), p.name)
			assert.EqualValues(t, []int{0, 1, 1, 0}[i], p.ended.Load(), p.name)
		}
		assert.EqualValues(t, 1, changed.most.Load())
	})
}

func TestAJobThatDoesNotEndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, said := newGroup(t, supervise.Options{EndTime: 5 * time.Second})
		stuck, other := &probe{name: "stuck", linger: time.Minute}, &probe{name: "other"}
		g.Set(t.Context(), []supervise.Job{stuck.job("1")})
		synctest.Wait()
		began := time.Now()
		g.Set(t.Context(), []supervise.Job{other.job("1")})
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Contains(t, said.String(), "does not come to its end")
		g.Set(t.Context(), []supervise.Job{other.job("1"), stuck.job("2")})
		synctest.Wait()
		assert.EqualValues(t, 1, other.started.Load())
		assert.EqualValues(t, 1, stuck.started.Load(), "its like waits for it")
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.EqualValues(t, 2, stuck.started.Load())
		assert.EqualValues(t, 1, stuck.most.Load())
	})
}

func TestAllEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g, said := newGroup(t, supervise.Options{})
		a, b := &probe{name: "a", linger: time.Second}, &probe{name: "b", fail: func(int) error { return errors.New("x") }}
		g.Set(ctx, []supervise.Job{a.job("1"), b.job("1"), {Name: "c", Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("could not keep it")
		}}})
		synctest.Wait()
		began := time.Now()
		cancel()
		g.Close()
		assert.Equal(t, time.Second, time.Since(began))
		assert.EqualValues(t, 1, a.ended.Load())
		assert.Contains(t, said.String(), "could not keep it")
		assert.EqualError(t, g.States()[2].Err, "could not keep it")
	})
}
