package metric

import "slices"

// Merge adds all that from has recorded, by name, and empties from, which
// stays usable. Counts, Count, Min, Max, Last and sets do not depend on how
// the log was cut between the two; Sum does to 1e-12 and M2 to 1e-9, relative.
func (r *Recorder) Merge(from *Recorder) {
	ids := make([]ID, len(from.series))
	for i := range from.series {
		ids[i] = r.adopt(&from.series[i])
	}
	for start, t := range from.tables {
		r.table(start).merge(t, ids, len(r.series))
	}
	for seq, s := range from.spans {
		carry := new(table)
		carry.merge(s.carry, ids, len(r.series))
		r.spans[seq] = &span{last: s.last, timed: s.timed, carry: carry}
	}
	if from.timed {
		if !r.timed {
			r.first, r.last, r.timed = from.first, from.last, true
		}
		r.first, r.last = min(r.first, from.first), max(r.last, from.last)
	}
	r.droppedSeries += from.droppedSeries
	r.droppedValues += from.droppedValues
	r.grow()
	from.reset()
}

// adopt returns this recorder's series for one of another's.
func (r *Recorder) adopt(s *series) ID {
	if s.derive != nil {
		return 0 // derived series have no cells of their own
	}
	if id, ok := r.byKey[s.key]; ok {
		if mine := &r.series[id]; s.unitSeq > 0 && (mine.unitSeq == 0 || s.unitSeq < mine.unitSeq) {
			mine.unit, mine.unitSeq = s.unit, s.unitSeq
		}
		return id
	}
	if !s.declared && !s.overflow() && !r.admit() {
		tags := slices.Clone(s.tags)
		for i := range tags {
			tags[i].Value = Overflow
		}
		name := s.name
		if len(tags) == 0 {
			name = Overflow
		}
		return r.intern(name, tags, s.kind, s.form)
	}
	id := r.intern(s.name, s.tags, s.kind, s.form)
	mine := &r.series[id]
	mine.unit, mine.unitSeq, mine.hidden, mine.declared = s.unit, s.unitSeq, s.hidden, s.declared
	if len(s.tags) == 0 && !s.declared {
		r.names[s.key] = id
	}
	return id
}

// overflow reports whether s gathers what is beyond the bound.
func (s *series) overflow() bool {
	if len(s.tags) == 0 {
		return s.name == Overflow
	}
	return !slices.ContainsFunc(s.tags, func(t Tag) bool { return t.Value != Overflow })
}

func (r *Recorder) reset() {
	clear(r.tables)
	clear(r.spans)
	r.span, r.timed = nil, false
	r.first, r.last = 0, 0
	r.droppedSeries, r.droppedValues = 0, 0
	r.enter(r.table(0))
}

func (t *table) merge(from *table, ids []ID, n int) {
	t.pad(n)
	for i := range from.cells {
		t.cells[ids[i]].merge(&from.cells[i], false)
	}
}

// merge adds o and takes over what o points to. Of the same block, o counts as
// the later one, unless earlier is set.
func (c *cell) merge(o *cell, earlier bool) {
	o.settle()
	if o.Count == 0 {
		return
	}
	c.settle()
	last, seq, form, hasForm := o.Last, o.seq, o.form, o.hasForm
	if c.Count > 0 && (c.seq > o.seq || earlier && c.seq == o.seq) {
		last, seq, form, hasForm = c.Last, c.seq, c.form, c.hasForm
	}
	c.Bucket.Merge(o.Bucket)
	c.Last, c.seq, c.form, c.hasForm = last, seq, form, hasForm
	switch {
	case c.dist == nil:
		c.dist = o.dist
	default:
		c.dist.Merge(o.dist)
	}
	switch {
	case c.members == nil:
		c.members = o.members
	default:
		c.members.Merge(o.members)
	}
}
