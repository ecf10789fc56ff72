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
func (v View) Bucket(id ID) Bucket {
	c := &v.t.cells[id]
	c.settle()
	return c.Bucket
}

// Sum returns the sum of id's values.
func (v View) Sum(id ID) float64 { return v.Bucket(id).Sum }

// Dist returns a timer's values, nil when there are none. It must not be kept or changed.
func (v View) Dist(id ID) *Dist {
	v.t.cells[id].settle()
	return v.t.cells[id].dist
}

// Total returns the merged values of all series called name, whatever their
// tags and kind, and a set's count of members as a value; Last is that of the
// series recorded last. ok is false when there is no such series.
func (v View) Total(name string) (total Bucket, ok bool) {
	var newest *series
	var seq uint64
	for i := range v.r.series {
		s := &v.r.series[i]
		if s.name != name || s.derive != nil {
			continue
		}
		ok = true
		b, last := v.Bucket(ID(i)), total.Last
		if s.kind == Set {
			b.Sum = float64(v.t.cells[i].members.Estimate())
			b.Last = b.Sum
		}
		total.Merge(b)
		if b.Count == 0 {
			continue
		}
		// Series are in no fixed order here, so two of one block go by name.
		c := v.t.cells[i].seq
		if newest != nil && cmp.Or(cmp.Compare(c, seq), s.compare(newest)) < 0 {
			total.Last = last
			continue
		}
		newest, seq = s, c
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
