package store

import (
	"math"
	"runtime"
	"unsafe"

	"github.com/logmetrics/logmetrics/metric"
)

// The head is what is not in frames yet: for each series the open bucket of each
// tier, and the closed ones since the last seal. It has no lock of its own; DB.mu
// is held around all calls.
//
// What it holds depends only on the order of the calls, never on a clock: a replay
// of the log gives the same head.

// frameSeries is how many neighbouring ids share a block of the head, and a frame.
const frameSeries = 64

// block is 64 neighbouring series, what a seal takes at once.
type block struct {
	series  [frameSeries]series
	horizon uint32 // buckets that end here or before are sealed: changing them is for late
	dirty   bool   // changed since its last checkpoint
}

// series is one series in the head: 48 bytes, and 64 a coarser tier.
type series struct {
	value  float64 // of the newest Put into the open finest bucket
	putAt  uint32  // its second; 0: the open bucket has no Put
	open   uint32  // start of the open finest bucket; 0: none is open
	newest uint32  // start of the newest bucket that it ever had; at first the horizon
	base   uint32  // index of what the open bucket has beside the newest Put; 0: nothing
	coarse uint32  // first of the list of open coarser buckets
	runs   uint32  // list of closed finest buckets of one value, newest first
	wide   uint32  // list of closed buckets of any tier with more than a value
	set    uint16  // its tiers, in head.sets
	method metric.Method
	hint   metric.Method // what the writer knew when it was made
	flags  uint8
}

const (
	flagLive   = 1 << iota // not free, not deleted
	flagMerged             // has taken a Merge
)

// coarse is the open bucket of a coarser tier, without what finer tiers still
// have open.
type coarse struct {
	bucket metric.Bucket
	start  uint32 // what is before is closed; 0: none is open
	lastAt uint32 // start of the finest bucket that bucket.Last is from
	next   uint32
}

// runValues are as many as fill two cache lines.
const runValues = 14

// run is up to 14 closed finest buckets of one value each, beginning at start.
type run struct {
	values [runValues]float64
	start  uint32
	next   uint32
	mask   uint16 // bit i: values[i] is there
}

// wide is a closed bucket.
type wide struct {
	bucket metric.Bucket
	start  uint32
	next   uint32
	tier   uint8 // index into the series' tiers
}

type head struct {
	blocks  []*block
	room    []block // for more, of memory as slabs have
	sets    []tierSet
	bases   slab[metric.Bucket]
	coarses slab[coarse]
	runs    slab[run]
	wides   slab[wide]
	horizon uint32 // of blocks to come
	late    lateOps
	seen    uint32 // see lookAhead
}

// memory gives the slabs theirs, which goes when db has.
func (h *head) memory(db *DB) {
	m := new(memory)
	h.bases.memory, h.coarses.memory, h.runs.memory, h.wides.memory = m, m, m, m
	h.late.cells.memory, h.late.buckets.memory = m, m
	runtime.AddCleanup(db, (*memory).release, m)
}

func (h *head) block(id ID) *block { return h.blocks[id/frameSeries] }

func (h *head) at(id ID) *series { return &h.blocks[id/frameSeries].series[id%frameSeries] }

// find returns a series, nil when there is none.
func (h *head) find(id ID) *series {
	if int(id/frameSeries) >= len(h.blocks) {
		return nil
	}
	if s := h.at(id); s.flags&flagLive != 0 {
		return s
	}
	return nil
}

// begin makes room for a series and sets it up.
func (h *head) begin(id ID, set uint16, method, hint metric.Method) {
	for int(id/frameSeries) >= len(h.blocks) {
		h.blocks = append(h.blocks, h.newBlock())
	}
	b := h.block(id)
	b.dirty = true
	s := &b.series[id%frameSeries]
	*s = series{set: set, method: method, hint: hint, flags: flagLive, newest: h.horizon}
	h.makeCoarse(s)
}

// newBlock returns a block without series.
func (h *head) newBlock() *block {
	if len(h.room) == 0 {
		p := h.bases.memory.get(blocksAtOnce * int(unsafe.Sizeof(block{})))
		h.room = unsafe.Slice((*block)(p), blocksAtOnce)
	}
	b := &h.room[0]
	h.room = h.room[1:]
	b.horizon = h.horizon
	return b
}

// blocksAtOnce is how many get their memory together: 200 KiB.
const blocksAtOnce = 64

// makeCoarse gives s an open bucket for each coarser tier of its set.
func (h *head) makeCoarse(s *series) {
	link := &s.coarse
	for range len(h.sets[s.set].tiers) - 1 {
		*link = h.coarses.get()
		link = &h.coarses.at(*link).next
	}
}

// remove forgets a series.
func (h *head) remove(id ID) {
	s := h.at(id)
	h.late.take(id)
	h.takeClosed(s, math.MaxUint32, func(int, uint32, metric.Bucket) {})
	if s.base != 0 {
		h.bases.put(s.base)
	}
	for i := s.coarse; i != 0; {
		next := h.coarses.at(i).next
		h.coarses.put(i)
		i = next
	}
	*s = series{}
	h.block(id).dirty = true
}

// put takes a value; see Writer.Put.
func (h *head) put(id ID, b *block, s *series, second uint32, v float64) {
	step := h.sets[s.set].tiers[0].step
	start := second - second%step
	switch {
	case start > s.open && start+step > b.horizon:
		h.closeFinest(s)
		s.open, s.putAt, s.value = start, second, v
		s.newest = max(s.newest, start)
	case start == s.open:
		h.putOpen(s, second, v)
	default:
		h.putLate(id, b, s, lateOp{start: second, put: true, bucket: valueBucket(v)})
	}
}

// putOpen takes a value into the open bucket. The newest Put stands apart from
// the rest, so that replacing it needs nothing undone.
func (h *head) putOpen(s *series, second uint32, v float64) {
	switch {
	case s.putAt == 0 || second == s.putAt:
		s.value, s.putAt = v, second
	case second > s.putAt:
		h.baseOf(s).Observe(s.value)
		s.value, s.putAt = v, second
	default:
		h.baseOf(s).Observe(v)
	}
}

// add takes a part of a sum; see Writer.Add.
func (h *head) add(id ID, b *block, s *series, second uint32, v float64) {
	step := h.sets[s.set].tiers[0].step
	start := second - second%step
	switch {
	case s.putAt == second:
		s.value += v
	case start == s.open || start > s.open && start+step > b.horizon:
		h.put(id, b, s, second, v)
	default:
		h.putLate(id, b, s, lateOp{start: second, put: true, add: true, bucket: valueBucket(v)})
	}
}

func (h *head) baseOf(s *series) *metric.Bucket {
	if s.base == 0 {
		s.base = h.bases.get()
	}
	return h.bases.at(s.base)
}

// merge takes a bucket; see Writer.Merge.
func (h *head) merge(id ID, b *block, s *series, second uint32, m metric.Bucket) {
	s.flags |= flagMerged
	step := h.sets[s.set].tiers[0].step
	start := second - second%step
	switch {
	case start > s.open && start+step > b.horizon:
		h.closeFinest(s)
		s.open = start
		s.newest = max(s.newest, start)
		*h.baseOf(s) = m
	case start == s.open:
		h.baseOf(s).Merge(m)
	default:
		h.mergeLate(id, b, s, second, m)
	}
}

// openBucket returns what the open finest bucket holds.
func (h *head) openBucket(s *series) (b metric.Bucket) {
	if s.base != 0 {
		b = *h.bases.at(s.base)
	}
	if s.putAt != 0 {
		b.Observe(s.value)
	}
	return b
}

// closeFinest closes the open finest bucket, and feeds the next tier with it.
func (h *head) closeFinest(s *series) {
	if s.open == 0 {
		return
	}
	if s.base == 0 {
		h.keepValue(s, s.open, s.value)
		h.feedValue(s, s.open, s.value)
	} else {
		b := h.openBucket(s)
		*h.bases.at(s.base) = metric.Bucket{}
		h.bases.put(s.base)
		h.keepWide(s, 0, s.open, b)
		h.feed(s, 1, s.open, s.open, b)
	}
	s.open, s.putAt, s.base = 0, 0, 0
}

// keepValue keeps a closed finest bucket of one value.
func (h *head) keepValue(s *series, start uint32, v float64) {
	step := h.sets[s.set].tiers[0].step
	if s.runs != 0 {
		r := h.runs.at(s.runs)
		if i := (start - r.start) / step; start >= r.start && i < runValues {
			r.values[i] = v
			r.mask |= 1 << i
			return
		}
	}
	i := h.runs.get()
	*h.runs.at(i) = run{values: [runValues]float64{v}, start: start, next: s.runs, mask: 1}
	s.runs = i
}

// keepWide keeps a closed bucket.
func (h *head) keepWide(s *series, tier uint8, start uint32, b metric.Bucket) {
	i := h.wides.get()
	*h.wides.at(i) = wide{bucket: b, start: start, next: s.wide, tier: tier}
	s.wide = i
}

// feedValue is feed for tier 1 and a bucket of one value: nearly all calls.
func (h *head) feedValue(s *series, start uint32, v float64) {
	if s.coarse == 0 {
		return
	}
	c := h.coarses.at(s.coarse)
	if step := h.sets[s.set].tiers[1].step; c.start == 0 || start-start%step != c.start {
		h.feed(s, 1, start, start, valueBucket(v))
		return
	}
	c.bucket.Observe(v)
	c.lastAt = start
}

func valueBucket(v float64) metric.Bucket {
	return metric.Bucket{Count: 1, Sum: v, Min: v, Max: v, Last: v}
}

// coarseAt returns the open bucket of tier k >= 1, nil when the series has no such tier.
func (h *head) coarseAt(s *series, k int) *coarse {
	i := s.coarse
	for ; k > 1 && i != 0; k-- {
		i = h.coarses.at(i).next
	}
	if i == 0 {
		return nil
	}
	return h.coarses.at(i)
}

// feed takes a closed bucket of a finer tier into tier k. A bucket of tier k that
// ends with it goes on into tier k+1. lastAt is the start of the finest bucket
// that b.Last is from.
func (h *head) feed(s *series, k int, start, lastAt uint32, b metric.Bucket) {
	c := h.coarseAt(s, k)
	if c == nil || b.Count == 0 {
		return
	}
	step := h.sets[s.set].tiers[k].step
	start -= start % step
	if start > c.start {
		h.closeCoarse(s, k, c)
		c.bucket, c.start, c.lastAt = b, start, lastAt
		return
	}
	if start == c.start {
		join(&c.bucket, b, lastAt >= c.lastAt)
		c.lastAt = max(c.lastAt, lastAt)
		return
	}
	h.amend(s, k, start, lastAt, metric.Bucket{}, b)
}

// closeCoarse closes the open bucket of tier k, and feeds tier k+1 with it.
func (h *head) closeCoarse(s *series, k int, c *coarse) {
	if c.bucket.Count > 0 {
		h.keepWide(s, uint8(k), c.start, c.bucket)
		h.feed(s, k+1, c.start, c.lastAt, c.bucket)
	}
	c.bucket, c.start, c.lastAt = metric.Bucket{}, 0, 0
}

// join merges b into dst; Last is b's only when b is the newer one.
func join(dst *metric.Bucket, b metric.Bucket, newer bool) {
	last, had := dst.Last, dst.Count > 0
	dst.Merge(b)
	if had && !newer {
		dst.Last = last
	}
}
