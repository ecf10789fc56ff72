package metric

import "slices"

// span is what log time needs to know of one block: the interval of its last
// stamped line, and what it recorded before its first stamped line, which
// belongs to the interval that the block before it ended with.
type span struct {
	last  int64
	timed bool
	carry *table
}

// Block says that what follows comes from the block seq; it is called before
// each Parse. "Last" means last by (seq, order within the block), whoever read it.
func (r *Recorder) Block(seq uint64) {
	r.seq = seq + 1
	r.span = nil
	if r.opt.Interval > 0 {
		// Until the block's first stamp its time is that of a block which
		// another worker may hold.
		r.span = &span{carry: new(table)}
		r.spans[seq] = r.span
		r.enter(r.span.carry)
	}
}

// At says that what follows in the block belongs to the Unix second unix. It is
// called before the values of the line are recorded.
func (r *Recorder) At(unix int64) {
	if !r.timed {
		r.first, r.last, r.timed = unix, unix, true
	}
	r.first = min(r.first, unix)
	r.last = max(r.last, unix)
	if r.opt.Interval == 0 {
		return
	}
	start := floorTo(unix, r.opt.Interval)
	if r.span != nil {
		if r.span.timed && r.span.last == start {
			return
		}
		r.span.last, r.span.timed = start, true
	}
	r.enter(r.table(start))
}

func floorTo(t, step int64) int64 {
	m := t % step
	if m < 0 {
		m += step
	}
	return t - m
}

// Span returns the earliest and the latest second given to At; ok is false
// when there was none.
func (r *Recorder) Span() (first, last int64, ok bool) { return r.first, r.last, r.timed }

// Intervals returns the starts of the intervals that hold values, ascending;
// with Interval 0 it is [0]. It must be called on a merged recorder.
func (r *Recorder) Intervals() []int64 {
	if r.opt.Interval == 0 {
		return []int64{0}
	}
	r.settleSpans()
	starts := make([]int64, 0, len(r.tables))
	for start, t := range r.tables {
		switch {
		case !t.empty():
			starts = append(starts, start)
		case t != r.now:
			delete(r.tables, start) // stamps without values: nobody would flush it
		}
	}
	slices.Sort(starts)
	return starts
}

func (t *table) empty() bool {
	for i := range t.cells {
		if t.cells[i].Count > 0 || len(t.cells[i].pending) > 0 {
			return false
		}
	}
	return true
}

// settleSpans gives what blocks recorded before their first stamp to the
// interval with which the blocks before them ended.
func (r *Recorder) settleSpans() {
	seqs := make([]uint64, 0, len(r.spans))
	for seq := range r.spans {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		s := r.spans[seq]
		if !s.carry.empty() {
			if !r.known {
				r.at, r.known = r.firstStart(), true
			}
			r.table(r.at).take(s.carry, len(r.series))
		}
		if s.timed {
			r.at, r.known = s.last, true
		}
		delete(r.spans, seq)
	}
}

// take adds what stands before all that t has of the same block.
func (t *table) take(carry *table, n int) {
	t.pad(n)
	for i := range carry.cells {
		t.cells[i].merge(&carry.cells[i], true)
	}
}

// firstStart is where lines go that stand before the first stamp of all.
func (r *Recorder) firstStart() int64 {
	if !r.timed {
		return 0
	}
	return floorTo(r.first, r.opt.Interval)
}
