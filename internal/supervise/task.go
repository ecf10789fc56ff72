package supervise

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// State is how a job is at one moment.
type State struct {
	Name    string
	Running bool      // false: it has not begun, waits to be started again, or has ended
	Ended   bool      // by itself and without an error: it is not started again
	Since   time.Time // when that began
	Starts  int       // how often it was started
	Err     error     // why it ended last; nil if it never did. Stays while it runs again
}

// task is a job that runs.
type task struct {
	job    Job
	opt    *Options
	cancel context.CancelFunc
	done   chan struct{} // closed at its end

	mu    sync.Mutex // protects state
	state State

	said   string // what was said last; owned by keepGoing
	saidAt time.Time
}

// silence is for how long the same error of the same job is not said again.
const silence = time.Minute

// keepGoing runs the job until ctx is done.
func (t *task) keepGoing(ctx context.Context) {
	pauses := t.pauses()
	for ctx.Err() == nil {
		began := time.Now()
		t.set(func(s *State) { s.Running, s.Since, s.Starts = true, began, s.Starts+1 })
		err := t.once(ctx)
		if ctx.Err() != nil {
			t.sayEnd(err)
			return
		}
		if err == nil {
			t.set(func(s *State) { s.Running, s.Ended, s.Since = false, true, time.Now() })
			return
		}
		if time.Since(began) > t.opt.LongestPause {
			pauses.Reset()
		}
		pause := pauses.NextBackOff()
		t.set(func(s *State) { s.Running, s.Since, s.Err = false, time.Now(), err })
		t.say(err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (t *task) pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = t.opt.FirstPause, t.opt.LongestPause, 2, 0
	b.Reset()
	return b
}

// once runs the job one time. A panic is its error: what it had in memory is
// gone, what it kept is as it was.
func (t *task) once(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
			t.opt.Log.Debug("a job panicked", "job", t.job.Name, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	return t.job.Run(ctx)
}

// say tells of an error, but not of the same one at each start.
func (t *task) say(err error, pause time.Duration) {
	if text := err.Error(); text != t.said || time.Since(t.saidAt) >= silence {
		t.said, t.saidAt = text, time.Now()
		t.opt.Log.Error("a job failed; it is started again, the others go on", "job", t.job.Name, "pause", pause, "err", err)
	}
}

// sayEnd tells of an error of a job that was to end.
func (t *task) sayEnd(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		t.set(func(s *State) { s.Err = err })
		t.opt.Log.Error("a job ended with an error", "job", t.job.Name, "err", err)
	}
}

func (t *task) hasEnded() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

func (t *task) set(change func(*State)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.state)
}

func (t *task) snapshot() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}
