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
		if !t.empty() {
			r.table(start).merge(t, ids)
		}
	}
	for seq, s := range from.spans {
		carry := new(table)
		carry.merge(s.carry, ids)
		r.spans[seq] = &span{first: s.first, last: s.last, timed: s.timed, late: s.late, further: s.further, carry: carry}
	}
	if from.timed {
		if !r.timed {
			r.first, r.last, r.timed = from.first, from.last, true
		}
		r.first, r.last = min(r.first, from.first), max(r.last, from.last)
	}
	r.late += from.late
	r.further += from.further
	r.unbelieved += from.unbelieved
	r.droppedSeries += from.droppedSeries
	r.droppedValues += from.droppedValues
	r.leave()
	from.late, from.further, from.unbelieved, from.droppedSeries, from.droppedValues = 0, 0, 0, 0, 0
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
	r.void, r.used = new(table), 0
	r.timed = false
	r.first, r.last = 0, 0
	r.leave()
}
