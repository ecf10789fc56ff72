package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// sealRetry is when a seal that could not be made is tried again.
const sealRetry = time.Minute

// keeper seals, folds and expires until ctx is done.
func (db *DB) keeper(ctx context.Context) {
	timer := time.NewTimer(db.opt.SealEvery)
	defer timer.Stop()
	trust := newTrust(db.now())
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-db.full:
		}
		next := db.opt.SealEvery
		if err := db.tend(ctx, trust.steady(db.now())); err != nil && ctx.Err() == nil {
			db.opt.Log.Error("store: cannot seal, trying again", "err", err)
			next = min(next, sealRetry)
		}
		debug.FreeOSMemory() // a seal leaves as much garbage as all else in its interval
		timer.Reset(next)
	}
}

// Tend does what the keeper does every Options.SealEvery: it seals what has
// closed, folds short frames, and takes away what has expired, series too. After an error
// nothing is lost, and the next one does the rest.
func (db *DB) Tend(ctx context.Context) error { return db.tend(ctx, true) }

func (db *DB) tend(ctx context.Context, expire bool) error {
	db.keeping.Lock()
	defer db.keeping.Unlock()
	err := db.spare(sealReserve, 20)
	if err == nil {
		err = db.seal(ctx)
	}
	if err == nil {
		err = db.fold(ctx)
	}
	if now := db.now().Unix(); err == nil && expire {
		if err = db.expire(now); err == nil {
			err = db.forget(now)
		}
	}
	if err != nil {
		db.figures.sealErrors.Add(1)
		return fmt.Errorf("store %q: %w", db.opt.Dir, err)
	}
	return nil
}

// trust tells whether the clock is to be believed: a clock that jumps must not
// expire what is young. It is asked every few minutes.
type trust struct {
	wall, since time.Time
	steadyFrom  time.Time // by the monotonic clock
}

// trustAfter is how long the clock must have gone on steadily; a jump is what
// differs by more than trustJump from the time that has passed.
const (
	trustAfter = time.Hour
	trustJump  = time.Minute
)

func newTrust(now time.Time) *trust {
	t := time.Now()
	return &trust{wall: now, since: t, steadyFrom: t}
}

func (t *trust) steady(now time.Time) bool {
	mono := time.Now()
	if jump := now.Round(0).Sub(t.wall.Round(0)) - mono.Sub(t.since); jump.Abs() > trustJump {
		t.steadyFrom = mono
	}
	t.wall, t.since = now, mono
	return mono.Sub(t.steadyFrom) >= trustAfter
}

// damaged counts and says what cannot be read.
func (db *DB) damaged(key []byte, err error) {
	db.figures.damaged.Add(1)
	t, s, block, _ := parseFrameKey(key)
	db.opt.Log.Error("store: a block is damaged; what it held is lost", "step", t.step, "start", s.start, "series", block*frameSeries, "err", err)
}
