package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// index returns the names as they are now.
func (db *DB) index() *names.Index {
	x := names.New()
	db.names.mu.Lock()
	defer db.names.mu.Unlock()
	for name := range db.names.byName {
		if _, _, err := x.Add([]byte(name)); err != nil {
			panic("BUG: fewer names than an index holds: " + err.Error())
		}
	}
	return x
}

// Names yields the names of all series: plain ones, then those with tags, each in
// the order of their parts.
func (db *DB) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range db.index().All() {
			if !yield(string(name)) {
				return
			}
		}
	}
}

// Expand returns the series that match a pattern of Graphite, or the one with
// that name; see names.Index. limit 0 means none.
func (db *DB) Expand(ctx context.Context, pattern string, limit int) (list []string, err error) {
	found, err := db.index().Expand(ctx, pattern, limit)
	for _, m := range found {
		list = append(list, m.Path)
	}
	return list, err
}

// Tiers returns the tiers of a series, the finest first. The error wraps ErrNoSeries.
func (db *DB) Tiers(name string) (schema.Tiers, error) {
	db.names.mu.Lock()
	id, ok := db.names.byName[name]
	db.names.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("tiers of %q: %w", name, ErrNoSeries)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	var list schema.Tiers
	for _, t := range db.head.sets[db.head.at(id).set].tiers {
		list = append(list, schema.Tier{Step: int64(t.step), Keep: int64(t.keep)})
	}
	return list, nil
}
