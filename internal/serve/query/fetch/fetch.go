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
	"math"
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
			if r := reads[wanted{store.ID(m.ID), columnOf(q.Patterns[i])}]; r != nil && (r.outline || r.values != nil) {
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
	if strings.HasPrefix(p.Text, names.Folder+".") {
		return s.findFiles(ctx, p.Text, limit)
	}
	if p.Exprs == nil {
		return s.db.Names().Expand(ctx, p.Text, limit)
	}
	exprs, err := names.ParseExprs(p.Exprs)
	if err != nil {
		return nil, err
	}
	return s.db.Names().Tagged(ctx, exprs, limit)
}

// findFiles is find for a pattern that names Graphite's folder of series with tags. Wildcards do not lead there: what they stand for
// would grow by series whose values are there for seriesByTag.
func (s *Source) findFiles(ctx context.Context, pattern string, limit int) ([]names.Match, error) {
	found, err := s.db.Names().FindFiles(ctx, pattern, limit)
	return slices.DeleteFunc(found, func(m names.Match) bool { return !m.Leaf }), err
}

// wanted is a column of a series.
type wanted struct {
	id store.ID
	column
}

// column is what of a series is wanted.
type column struct {
	statistic string // "": what a plain read shows
	outline   bool   // no values
}

func columnOf(p query.Pattern) column { return column{p.Statistic, p.Outline} }

// read is one series to be read.
type read struct {
	wanted
	start, end, step int64
	values           []float64 // nil: nothing was kept for that time, or the series is gone
	first            *query.Series
}

// plan says what of which series is to be read, each once.
func (s *Source) plan(found [][]names.Match, q query.Fetch) (map[wanted]*read, error) {
	byColumn := map[column][]store.ID{}
	for i, list := range found {
		ids := byColumn[columnOf(q.Patterns[i])]
		for _, m := range list {
			ids = append(ids, store.ID(m.ID))
		}
		byColumn[columnOf(q.Patterns[i])] = ids
	}
	all := map[wanted]*read{}
	points := int64(0)
	for col, ids := range byColumn {
		slices.Sort(ids)
		ids = slices.Compact(ids)
		reads := make([]read, len(ids))
		for i, reach := range s.db.Reach(ids, q.From, q.Now, stepsOf(col.statistic, q)) {
			r := &reads[i]
			if !r.bounds(reach, q) {
				continue
			}
			r.wanted = wanted{ids[i], col}
			all[r.wanted] = r
			if col.outline {
				continue
			}
			if points += (r.end - r.start) / r.step; points > int64(q.MaxPoints) {
				return nil, fmt.Errorf("%w: more than %d points", query.ErrLimit, q.MaxPoints)
			}
		}
	}
	return all, nil
}

// stepsOf says which tiers a read may have. A plain read has the finest always; buckets that keep their extremes lose nothing when
// they are wider than what is drawn needs. Means and deviations of several buckets make none of all, so that theirs must be as wide.
func stepsOf(statistic string, q query.Fetch) (steps store.Steps) {
	if statistic == "" || q.Want <= 0 {
		return steps
	}
	long, want := q.Until-q.From, int64(q.Want)
	steps.Most = long / want
	if statistic == "average" || statistic == "stddev" {
		steps.Least = (long + want - 1) / want
	}
	return steps
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
func (s *Source) readAll(ctx context.Context, all map[wanted]*read) error {
	reads := make([]*read, 0, len(all))
	for _, r := range all {
		if !r.outline {
			reads = append(reads, r)
		}
	}
	slices.SortFunc(reads, func(a, b *read) int {
		return cmp.Or(cmp.Compare(a.statistic, b.statistic), cmp.Compare(a.step, b.step), cmp.Compare(a.start, b.start), cmp.Compare(a.id, b.id))
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
		for k < len(reads) && reads[k].statistic == reads[0].statistic && reads[k].step == reads[0].step && reads[k].start == reads[0].start && reads[k].end == reads[0].end &&
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
	columns, err := s.db.FetchAll(ctx, ids, store.FetchOptions{From: first.start, Until: first.end, Step: first.step, ValueOnly: first.statistic == ""})
	if err != nil {
		return err
	}
	for i, c := range columns {
		if c != nil {
			part[i].values = valuesOf(c, first.statistic)
		}
	}
	return nil
}

// valuesOf returns what is wanted of each bucket. The other columns are not kept alive by it.
func valuesOf(c *store.Columns, statistic string) []float64 {
	if statistic == "" {
		return c.Value
	}
	out := make([]float64, len(c.Count))
	for i, n := range c.Count {
		out[i] = query.Null()
		if n == 0 {
			continue
		}
		switch statistic {
		case "min":
			out[i] = c.Min[i]
		case "max":
			out[i] = c.Max[i]
		case "sum":
			out[i] = c.Sum[i]
		case "count":
			out[i] = float64(n)
		case "average":
			out[i] = c.Sum[i] / float64(n)
		case "stddev":
			out[i] = math.Sqrt(c.M2[i] / float64(n))
		}
	}
	return out
}

// series makes a series of what was read. Patterns that find the same share the values.
func (r *read) series(name string) *query.Series {
	if r.first != nil {
		return r.first.Copy()
	}
	r.first = query.NewSeries(name, r.start, r.end, r.step, r.values)
	return r.first
}
