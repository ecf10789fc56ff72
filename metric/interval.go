package metric

import (
	"math"
	"slices"
)

// DefaultMaxIntervals bounds the intervals that one recorder keeps open.
const DefaultMaxIntervals = 10000

// maxPages bounds the memory of all open intervals of one recorder: 100 MB of
// cells. A line that costs a page has about a hundred bytes of log, so a
// recorder that is merged each few MiB of log never comes near it.
const maxPages = 64 << 10

// span is what log time needs to know of one block: where its stamps start and
// end, and what it recorded before its first stamped line, which belongs to
// the time that the block before it ended with.
type span struct {
	first, last int64 // intervals of the first and the last stamped line that was taken
	timed       bool  // there is one
	late        bool  // the block ended with a line that was not
	further     bool  // the last stamped line that was taken is of an interval that was flushed
	carry       *table
}

// noSecond is no time that a parser reads.
const noSecond = math.MinInt64

// Block says that what follows comes from the block seq; it is called before
// each Parse, and again after Merge, Intervals, AppendOpen or a flush. "Last"
// means last by (seq, order within the block), whoever read it. seq goes on
// growing for as long as the recorder is used.
func (r *Recorder) Block(seq uint64) {
	r.seq = seq + recorded
	r.blockTimed = false
	if r.opt.Interval > 0 {
		// Until the block's first stamp its time is that of a block which
		// another worker may hold.
		r.second = noSecond
		r.span = &span{carry: new(table)}
		r.spans[seq] = r.span
		r.enter(r.span.carry)
	}
}

// At says that what follows in the block belongs to the Unix second unix. It is
// called for each line that has a stamp, before its values are recorded.
//
// With an Interval, stamps that Bound refuses, and those that would open more
// than MaxIntervals, are counted instead: see Late and Unbelieved.
func (r *Recorder) At(unix int64) {
	if unix != r.second {
		r.move(unix)
	}
}

// move is At for a second that is not the one before.
func (r *Recorder) move(unix int64) {
	if r.opt.Interval == 0 {
		r.note(unix)
		r.second = unix
		return
	}
	switch {
	case unix >= r.until:
		r.unbelieved++
		return
	case unix < r.from && !r.follows(unix):
		r.lose()
		return
	}
	r.note(unix)
	start := floorTo(unix, r.opt.Interval)
	if t := r.tables[start]; t == nil || t != r.now {
		if !r.room(t) {
			r.lose()
			return
		}
		r.enter(r.table(start))
	}
	r.second = unix
	further := unix < r.from
	if further {
		r.further++
		r.second = noSecond // each such line counts
	}
	if s := r.span; s != nil {
		if !s.timed {
			s.first, s.timed = start, true
		}
		s.last, s.late, s.further = start, false, further
	}
}

// follows reports whether a stamp before the bound is of an interval that lies
// before it as a whole, and that what is recorded may be added to.
func (r *Recorder) follows(unix int64) bool {
	return unix >= r.back && floorTo(unix, r.opt.Interval)+r.opt.Interval <= r.from
}

// note widens the spans of time seen.
func (r *Recorder) note(unix int64) {
	if !r.timed {
		r.first, r.last, r.timed = unix, unix, true
	}
	r.first, r.last = min(r.first, unix), max(r.last, unix)
	if !r.blockTimed {
		r.blockFirst, r.blockLast, r.blockTimed = unix, unix, true
	}
	r.blockFirst, r.blockLast = min(r.blockFirst, unix), max(r.blockLast, unix)
}

// lose has what follows go nowhere, until the next stamp that is taken.
func (r *Recorder) lose() {
	r.late++
	r.second = noSecond
	if r.span != nil {
		r.span.late = true
	}
	r.enter(r.void)
}

func floorTo(t, step int64) int64 {
	m := t % step
	if m < 0 {
		m += step
	}
	return t - m
}

// Bound sets which stamps are taken: those in [from,until), in Unix seconds;
// without a call all are. A line before from is late: it is recorded nowhere,
// nor are lines without a stamp that follow it. A stamp at or after until is
// not believed: its line keeps the time of the line before it. Neither bound may
// go back; from is set after the intervals before it were flushed, and lines without
// a stamp whose time lies before it by then go to the interval that holds from.
// It is for recorders with an Interval.
func (r *Recorder) Bound(from, until int64) {
	if from < r.from || until < r.until && r.until != math.MaxInt64 {
		panic("BUG: a bound of log time goes back")
	}
	r.from, r.until = from, until
}

// Extend has lines of intervals before the bound recorded, too, from the second
// back on: in their intervals, which are flushed again, as late ones. Without a call
// they are late. Lines without a stamp that follow such a line go with it.
func (r *Recorder) Extend(back int64) { r.back = back }

// Further returns how many stamped lines were recorded since the recorder was
// made although they were before the bound; see Extend.
func (r *Recorder) Further() uint64 { return r.further }

// Late returns how many stamped lines were recorded nowhere since the recorder
// was made, for they were before the bound or there was no room for their interval.
func (r *Recorder) Late() uint64 { return r.late }

// Unbelieved returns how many lines had a stamp beyond the bound since the
// recorder was made; they were recorded with the time of the line before them.
func (r *Recorder) Unbelieved() uint64 { return r.unbelieved }

// Span returns the earliest and the latest second given to At, without those
// that Bound refuses; ok is false when there was none.
func (r *Recorder) Span() (first, last int64, ok bool) { return r.first, r.last, r.timed }

// BlockSpan is Span for the current block.
func (r *Recorder) BlockSpan() (first, last int64, ok bool) {
	return r.blockFirst, r.blockLast, r.blockTimed
}

// Assume gives a time to what was recorded before the first stamp of all,
// which otherwise waits for that stamp. It does nothing once there was one. It
// must be called on a merged recorder.
func (r *Recorder) Assume(unix int64) {
	if r.opt.Interval == 0 {
		return
	}
	r.settleSpans()
	if !r.known {
		r.stand(floorTo(unix, r.opt.Interval))
	}
}

// Intervals returns the starts of the intervals that hold values, ascending;
// with Interval 0 it is [0]. It must be called on a merged recorder.
//
// What was recorded before the first stamp of all is in none of them until
// there is a stamp, or Assume.
func (r *Recorder) Intervals() []int64 {
	if r.opt.Interval == 0 {
		return []int64{0}
	}
	r.settleSpans()
	starts := make([]int64, 0, len(r.tables))
	for start := range r.tables {
		starts = append(starts, start)
	}
	slices.Sort(starts)
	return starts
}

// settleSpans gives what blocks recorded before their first stamp to the
// interval with which the blocks before them ended, and forgets what holds
// nothing.
func (r *Recorder) settleSpans() {
	r.leave()
	seqs := make([]uint64, 0, len(r.spans))
	for seq := range r.spans {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		r.settle(r.spans[seq])
	}
	clear(r.spans)
	r.void, r.used = new(table), 0
	for start, t := range r.tables {
		if t.empty() {
			delete(r.tables, start) // stamps without values: nobody would flush it
			continue
		}
		r.used += t.used
	}
}

func (r *Recorder) settle(s *span) {
	switch {
	case r.behind: // the line before was late, and so are these
	case r.known:
		r.table(r.stood()).take(s.carry)
	default:
		s.carry.take(r.before)
		r.before = s.carry
	}
	if s.timed {
		if !r.known {
			r.stand(s.first)
		}
		r.at = s.last
		r.backwards = s.further
	}
	if s.timed || s.late {
		r.behind = s.late
	}
}

// stand says for the first time where the log stands.
func (r *Recorder) stand(start int64) {
	r.at, r.known = start, true
	r.table(r.stood()).take(r.before)
	r.before = new(table)
}

// stood is the interval in which lines without a stamp are.
func (r *Recorder) stood() int64 {
	if r.from == math.MinInt64 || r.backwards {
		return r.at
	}
	return max(r.at, floorTo(r.from, r.opt.Interval))
}

// room reports whether an interval other than the current one may take more; t
// is nil when it is not open.
func (r *Recorder) room(t *table) bool {
	return r.used < maxPages && (t != nil || len(r.tables) < r.opt.MaxIntervals)
}

// Crowded reports whether more than half of the room for open intervals is
// taken: time to merge and flush. Without that, lines of further intervals are
// late.
func (r *Recorder) Crowded() bool {
	return len(r.tables) > r.opt.MaxIntervals/2 || r.used > maxPages/2
}

func (r *Recorder) table(start int64) *table {
	t := r.tables[start]
	if t == nil {
		t = new(table)
		r.tables[start] = t
	}
	return t
}

func (r *Recorder) enter(t *table) { r.now, r.pages = t, t.pages }

// leave is what happens to the current block when the intervals are no longer
// what they were: Block is called before anything is recorded again.
func (r *Recorder) leave() {
	r.second, r.span = noSecond, nil
	if r.opt.Interval > 0 {
		r.now, r.pages = nil, nil
		return
	}
	r.enter(r.table(0))
}
