package store

import (
	"context"
	"time"
)

// sealRetry is when a seal that could not be made is tried again.
const sealRetry = time.Minute

// keeper seals, folds and expires until ctx is done.
func (db *DB) keeper(ctx context.Context) {
	timer := time.NewTimer(db.opt.SealEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-db.full:
		}
		next := db.opt.SealEvery
		if err := db.Seal(ctx); err != nil && ctx.Err() == nil {
			db.figures.sealErrors.Add(1)
			db.opt.Log.Error("store: cannot seal, trying again", "err", err)
			next = min(next, sealRetry)
		}
		timer.Reset(next)
	}
}

// damaged counts and says what cannot be read.
func (db *DB) damaged(key []byte, err error) {
	db.figures.damaged.Add(1)
	t, s, block, _ := parseFrameKey(key)
	db.opt.Log.Error("store: a block is damaged; what it held is lost", "step", t.step, "start", s.start, "series", block*frameSeries, "err", err)
}
