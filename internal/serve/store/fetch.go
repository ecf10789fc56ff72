package store

import (
	"context"
	"fmt"
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

// maxPoints bounds a Columns.
const maxPoints = 4 << 20

func (db *DB) fetch(ctx context.Context, name string, opt FetchOptions) (*Columns, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	db.names.mu.Lock()
	id, ok := db.names.byName[name]
	db.names.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("fetch %q: %w", name, ErrNoSeries)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.head.at(id)
	tiers := db.head.sets[s.set].tiers
	k, err := tierFor(tiers, opt, db.now().Unix())
	if err != nil {
		return nil, fmt.Errorf("fetch %q: %w", name, err)
	}
	c, err := newColumns(opt, int64(tiers[k].step))
	if err != nil {
		return nil, fmt.Errorf("fetch %q: %w", name, err)
	}
	db.head.read(s, k, func(start uint32, b metric.Bucket) { c.set(start, b) })
	c.finish(s, k, int(tiers[k].step/tiers[0].step))
	return c, nil
}

// tierFor returns the tier to read: the one asked for, else the finest whose
// retention reaches From, else the one that reaches back furthest.
func tierFor(tiers []tier, opt FetchOptions, now int64) (int, error) {
	for k, t := range tiers {
		if opt.Step == int64(t.step) || opt.Step == 0 && opt.From >= now-int64(t.keep) {
			return k, nil
		}
	}
	if opt.Step != 0 {
		return 0, fmt.Errorf("no tier of %d s", opt.Step)
	}
	return len(tiers) - 1, nil
}

func newColumns(opt FetchOptions, step int64) (*Columns, error) {
	from := max(opt.From, 0) / step * step
	n := (max(opt.Until, from) - from + step - 1) / step
	if n > maxPoints {
		return nil, fmt.Errorf("%d points are more than %d", n, maxPoints)
	}
	f := make([]float64, 6*n)
	return &Columns{Start: from, Step: step, Count: make([]uint64, n),
		Sum: f[:n:n], Min: f[n : 2*n : 2*n], Max: f[2*n : 3*n : 3*n], M2: f[3*n : 4*n : 4*n], Last: f[4*n : 5*n : 5*n], Value: f[5*n:]}, nil
}

// index returns where the bucket at start is.
func (c *Columns) index(start uint32) (int, bool) {
	i := (int64(start) - c.Start) / c.Step
	return int(i), int64(start) >= c.Start && i < int64(len(c.Count))
}

func (c *Columns) bucket(i int) metric.Bucket {
	return metric.Bucket{Count: c.Count[i], Sum: c.Sum[i], Min: c.Min[i], Max: c.Max[i], M2: c.M2[i], Last: c.Last[i]}
}

func (c *Columns) set(start uint32, b metric.Bucket) {
	if i, ok := c.index(start); ok {
		c.put(i, b)
	}
}

func (c *Columns) put(i int, b metric.Bucket) {
	c.Count[i], c.Sum[i], c.Min[i], c.Max[i], c.M2[i], c.Last[i] = b.Count, b.Sum, b.Min, b.Max, b.M2, b.Last
}

// finish computes Value. slots is how many finest buckets one of these has.
func (c *Columns) finish(s *series, k, slots int) {
	c.Method = s.method
	if k == 0 && s.flags&flagMerged == 0 {
		c.Method = metric.Last
	}
	for i := range c.Value {
		c.Value[i] = show(c.bucket(i), c.Method, slots)
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

// read calls yield with each bucket of tier k that the head holds of s, the open
// one as it would be if it closed now.
func (h *head) read(s *series, k int, yield func(start uint32, b metric.Bucket)) {
	step := h.sets[s.set].tiers[0].step
	for i := s.runs; i != 0 && k == 0; {
		r := h.runs.at(i)
		for n := range uint32(runValues) {
			if r.mask>>n&1 == 1 {
				yield(r.start+n*step, valueBucket(r.values[n]))
			}
		}
		i = r.next
	}
	open := h.openView(s, k)
	for i := s.wide; i != 0; {
		w := h.wides.at(i)
		if int(w.tier) == k {
			b := w.bucket
			open.join(w.start, &b)
			yield(w.start, b)
		}
		i = w.next
	}
	open.rest(yield)
}
