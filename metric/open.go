package metric

import (
	"cmp"
	"fmt"
	"slices"
)

// AppendOpen appends the open intervals as batches that [Recorder.Load] takes,
// and returns the extended list. It must be called on a merged recorder, which
// keeps what it has and may go on.
//
// The batches hold what was recorded, not what would be sent: series with
// values, hidden ones too, none that is derived, and not changed by Finish. Start
// and End are the interval's; both are 0 in the batch of what was recorded
// before the first stamp of all. They share nothing with the recorder. The last
// batch is of the interval in which the log stood, even if it is empty: lines without
// a stamp go on in it.
func (r *Recorder) AppendOpen(list []*Batch) []*Batch {
	starts := r.Intervals()
	if !r.before.empty() {
		list = append(list, r.raw(r.before, 0, 0))
	}
	stood := r.known && !r.backwards && r.at == r.stood()
	for _, start := range starts {
		if !stood || start != r.at {
			list = append(list, r.raw(r.tables[start], start, start+r.opt.Interval))
		}
	}
	if !stood {
		return list
	}
	t := r.tables[r.at]
	if t == nil {
		t = new(table)
	}
	return append(list, r.raw(t, r.at, r.at+r.opt.Interval))
}

// raw returns a copy of t, with the samples in the order of their last values.
func (r *Recorder) raw(t *table, start, end int64) *Batch {
	b := &Batch{Start: start, End: end, Stamp: start}
	var ids []ID
	for id := range t.each {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y ID) int {
		return cmp.Or(cmp.Compare(t.find(x).seq, t.find(y).seq), r.series[x].compare(&r.series[y]))
	})
	v := View{r: r, t: t}
	for _, id := range ids {
		s := v.sample(id)
		s.Dist, s.Members = s.Dist.clone(), s.Members.clone()
		b.Samples = append(b.Samples, s)
	}
	return b
}

// Load adds an open interval of an earlier recorder of the same parser, one of
// AppendOpen's batches, which are loaded in their order and before the first
// Block. All in it is older than what is recorded. Series go by name, kind and
// tags; none is refused for MaxSeries. b is not kept.
//
// When the Interval was another, a batch goes into the interval that holds its
// Start. The error wraps [ErrBadBatch]; then nothing was added.
func (r *Recorder) Load(b *Batch) error {
	if err := b.Check(); err != nil {
		return fmt.Errorf("load an open interval: %w", err)
	}
	t := r.before
	if b.Start != b.End || r.opt.Interval == 0 {
		start := int64(0)
		if r.opt.Interval > 0 {
			start = floorTo(b.Start, r.opt.Interval)
		}
		t, r.at, r.known = r.table(start), start, true
	}
	used := t.used
	for i := range b.Samples {
		s := &b.Samples[i]
		id := r.restore(s)
		r.loaded++
		c := cell{Bucket: s.Bucket, seq: r.loaded, dist: s.Dist.clone(), members: s.Members.clone()}
		c.form, c.hasForm = s.Form, s.Form != r.series[id].form
		t.at(id).merge(&c, false)
	}
	r.used += t.used - used
	r.leave()
	return nil
}

// restore returns the series of a sample, making it if need be.
func (r *Recorder) restore(s *Sample) ID {
	known := len(r.series)
	id := r.intern(s.Name, slices.Clone(s.Tags), s.Kind, Shortest)
	mine := &r.series[id]
	if int(id) == known && !mine.overflow() {
		r.fromLog++
	}
	if mine.unitSeq == 0 {
		mine.unit, mine.unitSeq = s.Unit, 1
	}
	return id
}

func (d *Dist) clone() *Dist {
	if d == nil {
		return nil
	}
	c := *d
	c.exact = slices.Clone(d.exact)
	c.pos.counts, c.neg.counts = slices.Clone(d.pos.counts), slices.Clone(d.neg.counts)
	return &c
}
