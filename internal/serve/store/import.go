package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/logmetrics/logmetrics/metric"
)

// Imported is the past of a series.
type Imported struct {
	Name   []byte        // as it would be sent
	Method metric.Method // counts when the series is new and no rule names one
	Points iter.Seq2[int64, float64]
}

// Import takes the points of a series, Unix seconds in rising order, into all
// tiers that reach back so far. A point takes the place of what the finest
// tier has at its time, and coarser ones are corrected: importing the same once
// more changes nothing. After nil it is durable; after an error some points are
// there. It returns how many points were taken and how many refused, by reason.
func (db *DB) Import(ctx context.Context, s Imported) (counts [RefusalCount]int, err error) {
	w := db.NewWriter()
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.Flush()
	}
	n := 0
	for unix, v := range s.Points {
		counts[w.Put(s.Name, s.Method, unix, v)]++
		if n++; n%flushSamples == 0 {
			if err := flush(); err != nil {
				return counts, fmt.Errorf("import %q: %w", s.Name, err)
			}
		}
	}
	if err := flush(); err != nil {
		return counts, fmt.Errorf("import %q: %w", s.Name, err)
	}
	if err := db.Sync(); err != nil {
		return counts, fmt.Errorf("import %q: %w", s.Name, err)
	}
	return counts, nil
}
