package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// maxPoints bounds a Columns.
const maxPoints = 4 << 20

func (db *DB) fetch(ctx context.Context, name string, opt FetchOptions) (*Columns, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	db.view.RLock()
	defer db.view.RUnlock()
	id, _, err := db.canonical(name)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	r := reader{db: db, id: id}
	c, err := r.fetch(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("fetch %q: %w", name, err)
	}
	return c, nil
}

// FetchAll is Fetch for many series by their ids, as Names has them. It is much
// faster where ids are neighbours, for these share frames. The order is theirs; nil stands
// for a series that is not there any more.
func (db *DB) FetchAll(ctx context.Context, ids []ID, opt FetchOptions) ([]*Columns, error) {
	out := make([]*Columns, len(ids))
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ids[a], ids[b]) })
	cache := frameCaches.Get().(*frameCache)
	defer frameCaches.Put(cache)
	for len(order) > 0 {
		n := 1
		for n < len(order) && ids[order[n]]/frameSeries == ids[order[0]]/frameSeries {
			n++
		}
		if err := db.fetchBlock(ctx, ids, order[:n], opt, cache, out); err != nil {
			return nil, fmt.Errorf("fetch %d series: %w", len(ids), err)
		}
		order = order[n:]
	}
	return out, nil
}

// shareFrom is how many series of a block are read from whole frames: decoding
// one is as dear as decoding some rows.
const shareFrom = 4

// Reach is the tier that a read takes.
type Reach struct {
	Step, Keep int64 // the tier; Step 0: the series is not there
	Longest    int64 // the retention of the series' longest tier
}

// Steps are the steps, in seconds, that a read may do with.
type Steps struct {
	Least int64 // tiers with a smaller one are left out, as long as there are coarser ones
	Most  int64 // the coarsest tier with no greater one is taken; 0: the finest
}

// Reach returns, for each series, the tier to be read for what is from a time on, seen from now: one of those whose retention reaches it,
// the finest unless steps say otherwise. It is what FetchOptions.Step is to say for an answer as of then.
func (db *DB) Reach(ids []ID, from, now int64, steps Steps) []Reach {
	out := make([]Reach, len(ids))
	db.mu.Lock()
	defer db.mu.Unlock()
	for i, id := range ids {
		s := db.head.find(id)
		if s == nil {
			continue
		}
		tiers := db.head.sets[s.set].tiers
		k, err := tierFor(tiers, len(tiers), FetchOptions{From: from}, now)
		for err == nil && k+1 < len(tiers) && (int64(tiers[k+1].step) <= steps.Most || int64(tiers[k].step) < steps.Least) {
			k++
		}
		if err == nil {
			out[i] = Reach{int64(tiers[k].step), int64(tiers[k].keep), int64(longest(tiers))}
		}
	}
	return out
}

// fetchBlock reads the series of one block.
func (db *DB) fetchBlock(ctx context.Context, ids []ID, which []int, opt FetchOptions, cache *frameCache, out []*Columns) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.view.RLock()
	defer db.view.RUnlock()
	cache.clear()
	for _, i := range which {
		r := reader{db: db, id: ids[i]}
		if len(which) >= shareFrom {
			r.cache = cache
		}
		if opt.ValueOnly {
			r.spare = cache.columns
		}
		c, err := r.fetch(ctx, opt)
		if err != nil && !errors.Is(err, ErrNoSeries) {
			return err
		}
		if c != nil && opt.ValueOnly {
			cache.columns, c = c, c.valueOnly()
		}
		out[i] = c
	}
	return nil
}

// tierFor returns the tier to read: the one asked for, also a former one; else
// the finest whose retention reaches From, else the one that reaches back
// furthest. The first n are the series' own.
func tierFor(tiers []tier, n int, opt FetchOptions, now int64) (int, error) {
	for k, t := range tiers {
		if opt.Step == int64(t.step) || opt.Step == 0 && k < n && opt.From >= now-int64(t.keep) {
			return k, nil
		}
	}
	if opt.Step != 0 {
		return 0, fmt.Errorf("no tier of %d s", opt.Step)
	}
	return n - 1, nil
}

// newColumns returns empty columns, in the place of spare's if that is not nil.
func newColumns(opt FetchOptions, step int64, spare *Columns) (*Columns, error) {
	from := max(opt.From, 0) / step * step
	n := (max(opt.Until, from) - from + step - 1) / step
	if n > maxPoints {
		return nil, fmt.Errorf("%d points are more than %d", n, maxPoints)
	}
	if spare != nil && int64(cap(spare.Count)) >= n {
		spare.reset(from, step, n)
		return spare, nil
	}
	f := make([]float64, 6*n)
	return &Columns{Start: from, Step: step, Count: make([]uint64, n),
		Sum: f[:n:n], Min: f[n : 2*n : 2*n], Max: f[2*n : 3*n : 3*n], M2: f[3*n : 4*n : 4*n], Last: f[4*n : 5*n : 5*n], Value: f[5*n:]}, nil
}

// reset makes c n empty buckets. A bucket is empty by its Count: the rest may say anything.
func (c *Columns) reset(from, step, n int64) {
	*c = Columns{Start: from, Step: step, Count: c.Count[:n], Sum: c.Sum[:n], Min: c.Min[:n], Max: c.Max[:n], M2: c.M2[:n], Last: c.Last[:n], Value: c.Value[:n]}
	clear(c.Count)
}

// valueOnly returns a copy with nothing but Value.
func (c *Columns) valueOnly() *Columns {
	return &Columns{Start: c.Start, Step: c.Step, Value: slices.Clone(c.Value), Method: c.Method}
}

// index returns where the bucket at start is.
func (c *Columns) index(start uint32) (int, bool) {
	i := (int64(start) - c.Start) / c.Step
	return int(i), int64(start) >= c.Start && i < int64(len(c.Count))
}

func (c *Columns) bucket(i int) metric.Bucket {
	return metric.Bucket{Count: c.Count[i], Sum: c.Sum[i], Min: c.Min[i], Max: c.Max[i], M2: c.M2[i], Last: c.Last[i]}
}

func (c *Columns) put(i int, b metric.Bucket) {
	c.Count[i], c.Sum[i], c.Min[i], c.Max[i], c.M2[i], c.Last[i] = b.Count, b.Sum, b.Min, b.Max, b.M2, b.Last
}

// show sets Value to what Method shows; a bucket could have as many as slots of the
// finest tier's.
func (c *Columns) show(slots int) {
	switch c.Method {
	case metric.Last:
		c.showColumn(c.Last)
	case metric.Sum:
		c.showColumn(c.Sum)
	case metric.Min:
		c.showColumn(c.Min)
	case metric.Max:
		c.showColumn(c.Max)
	default:
		for i := range c.Value {
			c.Value[i] = show(c.bucket(i), c.Method, slots)
		}
	}
}

func (c *Columns) showColumn(column []float64) {
	nan := math.NaN()
	for i, n := range c.Count {
		if c.Value[i] = column[i]; n == 0 {
			c.Value[i] = nan
		}
	}
}

// show returns what a method shows of a bucket.
func show(b metric.Bucket, m metric.Method, slots int) float64 {
	if b.Count == 0 {
		return math.NaN()
	}
	switch m {
	case metric.Sum:
		return b.Sum
	case metric.Min:
		return b.Min
	case metric.Max:
		return b.Max
	case metric.Last:
		return b.Last
	case metric.AvgZero:
		return b.Sum / float64(slots)
	case metric.AbsMax:
		if math.Abs(b.Min) > math.Abs(b.Max) {
			return b.Min
		}
		return b.Max
	case metric.AbsMin:
		if math.Abs(b.Min) < math.Abs(b.Max) {
			return b.Min
		}
		return b.Max
	}
	return b.Mean()
}
