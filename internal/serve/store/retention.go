package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// expire takes away the partitions that are older than their tier keeps. now is
// Unix seconds.
func (db *DB) expire(now int64) error {
	db.view.Lock()
	defer db.view.Unlock()
	for t, list := range db.spans {
		cut := uint32(0)
		for _, s := range list {
			_, end := schema.Tier{Step: int64(t.step), Keep: int64(t.keep)}.Partition(int64(s.start))
			end = max(end, int64(s.end(t)))
			if end+int64(t.keep) > now {
				break
			}
			cut = s.end(t)
		}
		if cut == 0 {
			continue
		}
		lower, upper := spanBounds(t, 0, cut)
		if err := db.engine.DeleteRange(lower, upper, pebble.Sync); err != nil {
			return fmt.Errorf("expire %d s before %d: %w", t.step, cut, err)
		}
		db.spans.replace(t, 0, cut)
		db.figures.expired.Add(1)
	}
	return nil
}

// forget deletes the series that hold nothing any more: their newest bucket is
// older than their longest tier keeps. now is Unix seconds.
func (db *DB) forget(now int64) error {
	for block := range uint32(db.blocks()) {
		for _, id := range db.idle(block, now) {
			err := db.Delete(db.names.index.Name(uint32(id)))
			if err != nil && !errors.Is(err, ErrNoSeries) {
				return err
			}
		}
	}
	return nil
}

// idle returns the series of a block that hold nothing.
func (db *DB) idle(block uint32, now int64) (ids []ID) {
	db.mu.Lock()
	defer db.mu.Unlock()
	b := db.head.blocks[block]
	for i := range b.series {
		s := &b.series[i]
		if s.flags&flagLive != 0 && int64(s.newest)+int64(longest(db.head.sets[s.set].all()))+idleGrace < now {
			ids = append(ids, ID(block*frameSeries)+ID(i))
		}
	}
	return ids
}

// idleGrace is how much longer than its data a series is known, in seconds.
const idleGrace = 86400
