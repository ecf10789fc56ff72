package store

import (
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
