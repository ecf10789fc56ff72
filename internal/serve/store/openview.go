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
		if c := h.coarseAt(s, j); c.start != 0 {
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
