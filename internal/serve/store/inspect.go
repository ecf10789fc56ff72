package store

import (
	"fmt"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// Tiers returns the tiers of a series, the finest first, without those that it
// had before a change of the schemas. The error wraps ErrNoSeries.
func (db *DB) Tiers(name string) (schema.Tiers, error) {
	id, _, err := db.canonical(name)
	if err != nil {
		return nil, fmt.Errorf("tiers: %w", err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	var list schema.Tiers
	for _, t := range db.head.sets[db.head.at(id).set].tiers {
		list = append(list, schema.Tier{Step: int64(t.step), Keep: int64(t.keep)})
	}
	return list, nil
}
