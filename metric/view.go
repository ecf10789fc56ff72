package metric

import "cmp"

// View is a merged interval as derived values see it.
type View struct {
	r       *Recorder
	t       *table
	seconds float64
}

// Seconds returns the interval's length; 0 when it is not known.
func (v View) Seconds() float64 { return v.seconds }

// Bucket returns what id recorded.
func (v View) Bucket(id ID) Bucket { return v.cell(id).Bucket }

// cell returns the settled cell of id.
func (v View) cell(id ID) *cell {
	c := v.t.find(id)
	if c == nil {
		return new(cell)
	}
	c.settle()
	return c
}

// Sum returns the sum of id's values.
func (v View) Sum(id ID) float64 { return v.Bucket(id).Sum }

// Dist returns a timer's values, nil when there are none. It must not be kept or changed.
func (v View) Dist(id ID) *Dist { return v.cell(id).dist }

// Total returns the merged values of all series called name, whatever their
// tags and kind, and a set's count of members as a value; Last is that of the
// series recorded last. ok is false when there is no such series: one whose name
// is from the log is there when it has values.
func (v View) Total(name string) (total Bucket, ok bool) {
	var newest *series
	var seq uint64
	for i := range v.r.series {
		s := &v.r.series[i]
		if s.name != name || s.derive != nil {
			continue
		}
		cell := v.cell(ID(i))
		if !s.declared && cell.Count == 0 {
			continue
		}
		ok = true
		b, last := cell.Bucket, total.Last
		if s.kind == Set {
			b.Sum = float64(cell.members.Estimate())
			b.Last = b.Sum
		}
		total.Merge(b)
		if b.Count == 0 {
			continue
		}
		// Series are in no fixed order here, so two of one block go by name.
		if newest != nil && cmp.Or(cmp.Compare(cell.seq, seq), s.compare(newest)) < 0 {
			total.Last = last
			continue
		}
		newest, seq = s, cell.seq
	}
	return total, ok
}

// TotalDist returns the merged values of all timers called name, whatever
// their tags; nil when there are none. It is the caller's.
func (v View) TotalDist(name string) *Dist {
	var total *Dist
	for i := range v.r.series {
		s := &v.r.series[i]
		if s.name != name || s.kind != Timer || s.derive != nil {
			continue
		}
		if d := v.Dist(ID(i)); d != nil {
			if total == nil {
				total = new(Dist)
			}
			total.Merge(d)
		}
	}
	return total
}

// Rate returns a function for Derive: id's sum per second, without a value
// when the interval's length is not known.
func Rate(id ID) func(View) (float64, bool) {
	return func(v View) (float64, bool) {
		if v.seconds <= 0 {
			return 0, false
		}
		return v.Sum(id) / v.seconds, true
	}
}

// Percent returns a function for Derive: part's share in the sum of all, times
// 100; without a value when all are 0.
func Percent(part ID, all ...ID) func(View) (float64, bool) {
	return func(v View) (float64, bool) {
		total := 0.0
		for _, id := range all {
			total += v.Sum(id)
		}
		if total == 0 {
			return 0, false
		}
		return v.Sum(part) / total * 100, true
	}
}
