package store

import (
	"github.com/logmetrics/logmetrics/metric"
)

// putLate takes a Put whose bucket is closed: the value replaces what the finest
// tier has there, and the coarser ones are corrected by the difference.
func (h *head) putLate(id ID, b *block, s *series, op lateOp) {
	step := h.sets[s.set].tiers[0].step
	start := op.start - op.start%step
	if start+step <= b.horizon {
		h.late.add(id, op)
		return
	}
	old, _ := h.closed(s, 0, start)
	now := op.after(old)
	h.replaceClosed(s, start, now)
	h.amend(s, 1, start, start, old, now)
}

// replaceClosed sets a closed finest bucket that is not sealed, and returns what
// it was.
func (h *head) replaceClosed(s *series, start uint32, b metric.Bucket) (old metric.Bucket) {
	old, place := h.closed(s, 0, start)
	switch {
	case place.wide != nil:
		place.wide.bucket = b
	case place.value != nil && b.Count == 1:
		*place.value = b.Last
	case place.value != nil:
		place.run.mask &^= 1 << place.index
		h.keepWide(s, 0, start, b)
	case b.Count == 1:
		h.keepValue(s, start, b.Last)
	default:
		h.keepWide(s, 0, start, b)
	}
	return old
}

// place is where a closed bucket lies: in a run, or a cell of its own.
type place struct {
	wide  *wide
	run   *run
	index uint32
	value *float64
}

// closed finds a closed bucket of tier k that is not sealed. Its place is empty
// when there is none.
func (h *head) closed(s *series, k int, start uint32) (metric.Bucket, place) {
	step := h.sets[s.set].tiers[0].step
	for i := s.runs; i != 0 && k == 0; {
		r := h.runs.at(i)
		if n := (start - r.start) / step; start >= r.start && n < runValues && r.mask>>n&1 == 1 {
			return valueBucket(r.values[n]), place{run: r, index: n, value: &r.values[n]}
		}
		i = r.next
	}
	for i := s.wide; i != 0; {
		w := h.wides.at(i)
		if int(w.tier) == k && w.start == start {
			return w.bucket, place{wide: w}
		}
		i = w.next
	}
	return metric.Bucket{}, place{}
}

// amend corrects tier k and those above it for a bucket, of a finer tier, that
// was old and is now b. Where a tier has its bucket still open the ones above it
// have seen nothing of it yet.
func (h *head) amend(s *series, k int, start, lastAt uint32, old, b metric.Bucket) {
	for ; ; k++ {
		c := h.coarseAt(s, k)
		if c == nil {
			return
		}
		step := h.sets[s.set].tiers[k].step
		at := start - start%step
		switch {
		case at > c.start:
			h.closeCoarse(s, k, c)
			c.start, c.bucket, c.lastAt = at, b, lastAt
			return
		case at == c.start:
			change(&c.bucket, old, b, lastAt >= c.lastAt)
			c.lastAt = max(c.lastAt, lastAt)
			return
		}
		if _, p := h.closed(s, k, at); p.wide != nil {
			change(&p.wide.bucket, old, b, lastAt+h.sets[s.set].tiers[k-1].step >= at+step)
			continue
		}
		h.keepWide(s, uint8(k), at, b)
	}
}

// mergeLate takes a Merge whose finest bucket is closed, into every tier.
func (h *head) mergeLate(id ID, b *block, s *series, second uint32, m metric.Bucket) {
	for k, t := range h.sets[s.set].tiers {
		start := second - second%t.step
		if start+t.step <= b.horizon {
			h.late.add(id, lateOp{start: start, tier: uint8(k), bucket: m})
			continue
		}
		if k == 0 {
			old, _ := h.closed(s, 0, start)
			old.Merge(m)
			h.replaceClosed(s, start, old)
			continue
		}
		if h.mergeCoarse(s, k, start, second, m) {
			return
		}
	}
}

// mergeCoarse takes a late Merge into tier k. It reports whether that bucket was
// open, and so feeds the coarser tiers itself when it closes.
func (h *head) mergeCoarse(s *series, k int, start, second uint32, m metric.Bucket) (open bool) {
	c := h.coarseAt(s, k)
	if start >= c.start {
		fine := h.sets[s.set].tiers[0].step
		h.feed(s, k, start, second-second%fine, m)
		return true
	}
	if _, p := h.closed(s, k, start); p.wide != nil {
		p.wide.bucket.Merge(m)
	} else {
		h.keepWide(s, uint8(k), start, m)
	}
	return false
}

// change takes old out of dst and b in. What taking out cannot tell, the least
// and the greatest of what is left, stays as it was.
func change(dst *metric.Bucket, old, b metric.Bucket, newer bool) {
	remove(dst, old)
	join(dst, b, newer)
}

// remove undoes Merge(old) but for Min and Max.
func remove(dst *metric.Bucket, old metric.Bucket) {
	switch {
	case old.Count == 0:
		return
	case old.Count >= dst.Count:
		*dst = metric.Bucket{}
		return
	}
	n, o := float64(dst.Count-old.Count), float64(old.Count)
	sum := dst.Sum - old.Sum
	d := old.Sum/o - sum/n
	dst.M2 = max(0, dst.M2-old.M2-d*d*n*o/(n+o))
	dst.Count -= old.Count
	dst.Sum = sum
}

// lateOp is a change of a bucket that is sealed: it waits in RAM, is shown by
// Fetch, and goes into the frame at the next seal.
type lateOp struct {
	start  uint32 // of the bucket; for a Put the second
	tier   uint8  // index into the series' tiers
	put    bool
	add    bool // of a Put
	bucket metric.Bucket
}

// after returns what a Put makes of a bucket. Of which second the bucket's newest
// Put was is not known any more: an Add takes its only value for one of its own.
func (op lateOp) after(old metric.Bucket) metric.Bucket {
	switch {
	case !op.add || old.Count == 0:
		return op.bucket
	case old.Count == 1:
		return valueBucket(old.Last + op.bucket.Last)
	}
	old.Merge(op.bucket)
	return old
}

// In the byte of a late change's kind.
const (
	latePut = 1 << 7
	lateAdd = 1 << 6 // a Put that adds
)

// kind is all but the times and values in a byte.
func (op lateOp) kind() uint8 {
	kind := op.tier
	if op.put {
		kind |= latePut
	}
	if op.add {
		kind |= lateAdd
	}
	return kind
}

func lateOf(kind uint8, start uint32, b metric.Bucket) lateOp {
	return lateOp{start: start, tier: kind &^ (latePut | lateAdd), put: kind&latePut != 0, add: kind&lateAdd != 0, bucket: b}
}

// lateOps are the late changes of each series in the order they came.
type lateOps struct {
	of      map[ID]lateList
	cells   slab[lateCell]
	buckets slab[metric.Bucket] // of what is more than a value
	n       int
	scratch []lateOp
}

// lateList has the changes of one series.
type lateList struct{ first, last, n uint32 }

// lateCell is a change as it waits: 24 bytes, for a log of hours ago brings millions.
type lateCell struct {
	value  float64
	start  uint32
	bucket uint32 // its place; 0: it is of value alone
	next   uint32
	kind   uint8
}

func (l *lateOps) add(id ID, op lateOp) {
	if l.of == nil {
		l.of = make(map[ID]lateList)
	}
	i := l.cells.get()
	c := l.cells.at(i)
	*c = lateCell{start: op.start, kind: op.kind(), value: op.bucket.Last}
	if !isValue(op.bucket) {
		c.bucket = l.buckets.get()
		*l.buckets.at(c.bucket) = op.bucket
	}
	list := l.of[id]
	if list.n == 0 {
		list.first = i
	} else {
		l.cells.at(list.last).next = i
	}
	list.last = i
	list.n++
	l.of[id] = list
	l.n++
}

// list appends the changes of a series.
func (l *lateOps) list(dst []lateOp, id ID) []lateOp {
	for i := l.of[id].first; i != 0; {
		c := l.cells.at(i)
		b := valueBucket(c.value)
		if c.bucket != 0 {
			b = *l.buckets.at(c.bucket)
		}
		dst = append(dst, lateOf(c.kind, c.start, b))
		i = c.next
	}
	return dst
}

// take returns and forgets the changes of a series. The slice is valid until the
// next take.
func (l *lateOps) take(id ID) []lateOp {
	list := l.of[id]
	if list.n == 0 {
		return nil
	}
	l.scratch = l.list(l.scratch[:0], id)
	for i := list.first; i != 0; {
		c := *l.cells.at(i)
		if c.bucket != 0 {
			l.buckets.put(c.bucket)
		}
		l.cells.put(i)
		i = c.next
	}
	delete(l.of, id)
	if l.n -= int(list.n); l.n == 0 {
		l.of = nil // a map keeps the room that it had
	}
	return l.scratch
}
