package metric

import (
	"cmp"
	"math"
	"slices"
)

// Flush moves the one interval into b.Samples and empties the recorder; b's
// Start and End must be set, they give the length for rates. Declared and
// derived series come first, in order of declaration, then names from the
// log, sorted.
func (r *Recorder) Flush(b *Batch) {
	r.FlushInterval(0, b)
	r.reset()
}

// FlushInterval is Flush for the interval that starts at start, one of
// Intervals, and leaves the others: recording goes on with the next Block.
//
// Of an interval whose batch was made before, b.Late is set: then b gets what
// was recorded alone, no series without values and none that is derived, for these
// would be wrong beside those that were sent.
func (r *Recorder) FlushInterval(start int64, b *Batch) {
	t := r.table(start)
	v := View{r: r, t: t, seconds: b.Seconds()}
	emit := func(s Sample) {
		if s.check() != nil { // of Finish or Derive: one bad sample must not cost the batch
			r.droppedValues++
			return
		}
		b.Samples = append(b.Samples, s)
	}
	var rest []ID
	for i := range r.series {
		switch s := &r.series[i]; {
		case b.Late && (s.derive != nil || t.idle(ID(i))):
		case s.derive != nil:
			if sample, ok := s.derived(v); ok {
				emit(sample)
			}
		case s.declared:
			r.emit(ID(i), v, emit)
		default:
			if !t.idle(ID(i)) {
				rest = append(rest, ID(i))
			}
		}
	}
	slices.SortFunc(rest, func(x, y ID) int { return r.series[x].compare(&r.series[y]) })
	for _, id := range rest {
		r.emit(id, v, emit)
	}
	delete(r.tables, start)
	r.used -= t.used
	r.leave()
}

// compare orders names from the log by name, then tags, then kind.
func (s *series) compare(o *series) int {
	return cmp.Or(cmp.Compare(s.key[1:], o.key[1:]), cmp.Compare(s.kind, o.kind))
}

func (r *Recorder) emit(id ID, v View, emit func(Sample)) {
	if r.series[id].hidden {
		return
	}
	s := v.sample(id)
	if r.finish != nil {
		r.finish(s, v.seconds, emit)
		return
	}
	emit(s)
}

// sample hands over what the cell points to.
func (v View) sample(id ID) Sample {
	s, c := &v.r.series[id], v.cell(id)
	form := s.form
	if c.hasForm {
		form = c.form
	}
	bucket := c.Bucket
	if s.kind == Counter { // the rest would depend on how the log was cut
		bucket = Bucket{Count: c.Count, Sum: c.Sum}
	}
	return Sample{Name: s.name, Tags: s.tags, Kind: s.kind, Form: form, Unit: s.unit, Bucket: bucket, Dist: c.dist, Members: c.members}
}

func (s *series) derived(v View) (Sample, bool) {
	value, ok := s.derive(v)
	form := s.form
	if !ok || math.IsNaN(value) || math.IsInf(value, 0) {
		if !s.sendZero {
			return Sample{}, false
		}
		value, form = 0, s.absent
	}
	return NewGauge(s.name, value, form, s.unit), !s.hidden
}
