package store

import "github.com/logmetrics/logmetrics/metric"

// openView is what a series has open, as buckets of one tier: what finer tiers
// have not handed on yet counts. Zero starts are empty.
type openView struct {
	parts [maxTiers]openPart
	n     int
}

type openPart struct {
	start  uint32
	lastAt uint32
	bucket metric.Bucket
}

// openView returns what would be in tier k if all open buckets closed now.
func (h *head) openView(s *series, k int) (v openView) {
	step := h.sets[s.set].tiers[k].step
	for j := k; j > 0; j-- {
		if c := h.coarseAt(s, j); c.bucket.Count > 0 {
			v.add(c.start-c.start%step, c.lastAt, c.bucket)
		}
	}
	if s.open != 0 {
		v.add(s.open-s.open%step, s.open, h.openBucket(s))
	}
	return v
}

func (v *openView) add(start, lastAt uint32, b metric.Bucket) {
	for i := range v.parts[:v.n] {
		if p := &v.parts[i]; p.start == start {
			join(&p.bucket, b, lastAt >= p.lastAt)
			p.lastAt = max(p.lastAt, lastAt)
			return
		}
	}
	v.parts[v.n] = openPart{start, lastAt, b}
	v.n++
}

// join adds to a closed bucket what is open of it, which is then done.
func (v *openView) join(start uint32, b *metric.Bucket) {
	for i := range v.parts[:v.n] {
		if p := &v.parts[i]; p.start == start {
			join(b, p.bucket, p.lastAt >= start)
			p.start = 0
		}
	}
}

// rest yields what was not joined.
func (v *openView) rest(yield func(start uint32, b metric.Bucket)) {
	for _, p := range v.parts[:v.n] {
		if p.start != 0 {
			yield(p.start, p.bucket)
		}
	}
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
