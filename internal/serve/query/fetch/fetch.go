// Package fetch is the query.Source over the store.
//
// It promises whisper's rules: the finest tier whose retention reaches back to where the request begins, seen from the
// request's now; values after from and up to until; nothing of the future and nothing older than the longest
// retention. What is too much is refused before it is read. Names are found in the store's index, without
// a lock; values are read in the order of the series' numbers, for neighbours share frames, on all cores.
// It changes nothing. Start from New.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// Source reads from a store. It is safe for concurrent use.
type Source struct{ db *store.DB }

// New returns the Source of a store.
func New(db *store.DB) *Source { return &Source{db: db} }

// Fetch implements query.Source.
func (s *Source) Fetch(ctx context.Context, q query.Fetch) ([][]*query.Series, error) {
	found, err := s.findAll(ctx, q)
	if err != nil {
		return nil, err
	}
	reads, err := s.plan(found, q)
	if err != nil {
		return nil, err
	}
	if err := s.readAll(ctx, reads); err != nil {
		return nil, err
	}
	out := make([][]*query.Series, len(found))
	for i, list := range found {
		for _, m := range list {
			if r := reads[store.ID(m.ID)]; r != nil && r.values != nil {
				out[i] = append(out[i], r.series(m.Path))
			}
		}
	}
	return out, nil
}

// findAll returns what each pattern matches, sorted by name.
func (s *Source) findAll(ctx context.Context, q query.Fetch) ([][]names.Match, error) {
	out := make([][]names.Match, len(q.Patterns))
	left := q.MaxSeries
	for i, p := range q.Patterns {
		list, err := s.find(ctx, p, left+1)
		if left -= len(list); left < 0 || errors.Is(err, names.ErrTooMany) {
			return nil, fmt.Errorf("%w: more than %d series", query.ErrLimit, q.MaxSeries)
		}
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b names.Match) int { return strings.Compare(a.Path, b.Path) })
		out[i] = slices.CompactFunc(list, func(a, b names.Match) bool { return a.ID == b.ID })
	}
	return out, nil
}

func (s *Source) find(ctx context.Context, p query.Pattern, limit int) ([]names.Match, error) {
	if p.Exprs == nil {
		return s.db.Names().Expand(ctx, p.Text, limit)
	}
	exprs, err := names.ParseExprs(p.Exprs)
	if err != nil {
		return nil, err
	}
	return s.db.Names().Tagged(ctx, exprs, limit)
}

// read is one series to be read.
type read struct {
	id               store.ID
	start, end, step int64
	values           []float64 // nil: nothing was kept for that time, or the series is gone
}

// plan says what of which series is to be read, each once.
func (s *Source) plan(found [][]names.Match, q query.Fetch) (map[store.ID]*read, error) {
	ids := make([]store.ID, 0, len(found))
	for _, list := range found {
		for _, m := range list {
			ids = append(ids, store.ID(m.ID))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	reads := make([]read, len(ids))
	byID := make(map[store.ID]*read, len(ids))
	points := int64(0)
	for i, reach := range s.db.Reach(ids, q.From, q.Now) {
		r := &reads[i]
		if !r.bounds(reach, q) {
			continue
		}
		r.id, byID[ids[i]] = ids[i], r
		if points += (r.end - r.start) / r.step; points > int64(q.MaxPoints) {
			return nil, fmt.Errorf("%w: more than %d points", query.ErrLimit, q.MaxPoints)
		}
	}
	return byID, nil
}

// bounds sets what is to be read, and reports whether that is anything.
func (r *read) bounds(reach store.Reach, q query.Fetch) bool {
	if reach.Step == 0 {
		return false
	}
	oldest := q.Now - reach.Longest
	if q.From > q.Now || q.Until < oldest {
		return false
	}
	r.step = reach.Step
	r.start, r.end = query.Whisper(max(q.From, oldest, 0), min(q.Until, q.Now), reach.Step)
	return r.end > r.start
}

// readAll reads, with one goroutine a core.
func (s *Source) readAll(ctx context.Context, byID map[store.ID]*read) error {
	reads := make([]*read, 0, len(byID))
	for _, r := range byID {
		reads = append(reads, r)
	}
	slices.SortFunc(reads, func(a, b *read) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.start, b.start), cmp.Compare(a.id, b.id))
	})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, part := range parts(reads, runtime.GOMAXPROCS(0)) {
		g.Go(func() error { return s.readPart(ctx, part) })
	}
	return g.Wait()
}

// neighbours is how many series share a frame, and alone the least that is worth a goroutine.
const neighbours = 64

// parts cuts a list into pieces of one step and range, at least n where it is long, and between frames.
func parts(reads []*read, n int) (list [][]*read) {
	size := max(neighbours, (len(reads)+n-1)/n)
	for len(reads) > 0 {
		k := 1
		for k < len(reads) && reads[k].step == reads[0].step && reads[k].start == reads[0].start && reads[k].end == reads[0].end &&
			(k < size || reads[k].id/neighbours == reads[k-1].id/neighbours) {
			k++
		}
		list = append(list, reads[:k])
		reads = reads[k:]
	}
	return list
}

func (s *Source) readPart(ctx context.Context, part []*read) error {
	ids := make([]store.ID, len(part))
	for i, r := range part {
		ids[i] = r.id
	}
	first := part[0]
	columns, err := s.db.FetchAll(ctx, ids, store.FetchOptions{From: first.start, Until: first.end, Step: first.step, ValueOnly: true})
	if err != nil {
		return err
	}
	for i, c := range columns {
		if c != nil {
			part[i].values = c.Value
		}
	}
	return nil
}

// series makes a series of what was read. Patterns that find the same share the values.
func (r *read) series(name string) *query.Series {
	s := query.NewSeries(name, r.start, r.end, r.step, r.values)
	s.Share()
	return s
}
