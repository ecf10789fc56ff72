package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
	"github.com/logmetrics/logmetrics/metric"
)

// work is the frames of one block that a seal changes. They are read when they
// are there, made when not, and written together.
type work struct {
	db     *DB
	block  uint32
	until  func(tier) uint32 // where new spans end
	frames []*workFrame
	spare  []*workFrame
	enc    frame.Encoder
	dec    frame.Decoder
	key    []byte
	value  []byte // scratch
}

type workFrame struct {
	tier    tier
	span    span
	changed bool
	frame.Frame
	counts [frame.Rows][]uint64 // memory for the rows' Count, which is nil where there is no row
}

// at returns the frame that has the bucket of t at start, and its index there.
func (w *work) at(t tier, start uint32) (*workFrame, int) {
	for _, f := range w.frames {
		if f.tier == t && start >= f.span.start && start < f.span.end(t) {
			return f, int((start - f.span.start) / t.step)
		}
	}
	s, ok := w.db.spans.find(t, start)
	if !ok {
		// Beyond what is sealed only after the clock went back.
		until := max(w.until(t), start+t.step)
		s = w.db.spans.make(t, start, until)
		w.db.fresh[spanOf{t, s}] = true
	}
	f := w.open(t, s)
	return f, int((start - f.span.start) / t.step)
}

// open reads a frame, or makes it.
func (w *work) open(t tier, s span) *workFrame {
	f := w.get()
	f.tier, f.span, f.changed = t, s, false
	w.key = appendFrameKey(w.key[:0], t, s, w.block)
	there, err := w.db.readFrame(w.key, func(v []byte) error { return w.dec.Decode(&f.Frame, v) })
	if err == nil && there && (f.N != int(s.n) || f.Start != int64(s.start)) {
		err = frame.ErrCorrupt
	}
	if err != nil {
		w.db.damaged(w.key, err)
	}
	if err != nil || !there {
		f.Start, f.Step, f.N = int64(s.start), int64(t.step), int(s.n)
		for i := range f.Rows {
			f.Rows[i] = emptyRow(f.Rows[i])
		}
	}
	return f
}

func (w *work) get() *workFrame {
	var f *workFrame
	if n := len(w.spare); n > 0 {
		f, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		f = new(workFrame)
	}
	w.frames = append(w.frames, f)
	return f
}

// emptyRow says that a series is not there, and keeps the memory of its columns.
func emptyRow(r frame.Row) frame.Row {
	return frame.Row{Sum: r.Sum[:0], Min: r.Min[:0], Max: r.Max[:0], M2: r.M2[:0], Last: r.Last[:0]}
}

// row returns a row to write to.
func (f *workFrame) row(slot int) *frame.Row {
	f.changed = true
	r := &f.Rows[slot]
	if r.Count == nil {
		f.counts[slot] = zeroes(f.counts[slot], f.N)
		r.Count = f.counts[slot]
		r.Sum, r.Min, r.Max = zeroes(r.Sum, f.N), zeroes(r.Min, f.N), zeroes(r.Max, f.N)
		r.M2, r.Last = zeroes(r.M2, f.N), zeroes(r.Last, f.N)
	}
	return r
}

func zeroes[T uint64 | float64](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func rowBucket(r *frame.Row, i int) metric.Bucket {
	if r.Count == nil || r.Count[i] == 0 {
		return metric.Bucket{}
	}
	return metric.Bucket{Count: r.Count[i], Sum: r.Sum[i], Min: r.Min[i], Max: r.Max[i], M2: r.M2[i], Last: r.Last[i]}
}

func setBucket(r *frame.Row, i int, b metric.Bucket) {
	r.Count[i], r.Sum[i], r.Min[i], r.Max[i], r.M2[i], r.Last[i] = b.Count, b.Sum, b.Min, b.Max, b.M2, b.Last
}

// join adds a bucket to what the frame has.
func (w *work) join(t tier, slot int, start uint32, b metric.Bucket) {
	f, i := w.at(t, start)
	r := f.row(slot)
	if have := rowBucket(r, i); have.Count > 0 {
		have.Merge(b)
		b = have
	}
	setBucket(r, i, b)
}

// home returns which of tiers that are alike has a bucket, the first one when none has:
// what is sealed stays in the tier that it was sealed for.
func (w *work) home(alike []tier, slot int, start uint32) tier {
	for _, t := range alike[1:] {
		if w.has(t, slot, start) && !w.has(alike[0], slot, start) {
			return t
		}
	}
	return alike[0]
}

// framed reports whether there may be frames with the buckets at start.
func (w *work) framed(t tier, start uint32) bool {
	_, ok := w.db.spans.find(t, start)
	return ok
}

func (w *work) has(t tier, slot int, start uint32) bool {
	if !w.framed(t, start) {
		return false
	}
	f, i := w.at(t, start)
	return rowBucket(&f.Rows[slot], i).Count > 0
}

// apply does a late Put. It returns what was there, and what is.
func (w *work) apply(t tier, slot int, start uint32, op lateOp) (old, now metric.Bucket) {
	f, i := w.at(t, start)
	r := f.row(slot)
	old = rowBucket(r, i)
	now = op.after(old)
	setBucket(r, i, now)
	return old, now
}

// change corrects a bucket for a finer one that was old and is b.
func (w *work) change(t tier, slot int, start uint32, old, b metric.Bucket, newer bool) {
	f, i := w.at(t, start)
	r := f.row(slot)
	have := rowBucket(r, i)
	change(&have, old, b, newer)
	setBucket(r, i, have)
}

// finish encodes what has changed, and is ready for another block. A value is valid
// during the call.
func (w *work) finish(put func(key string, value []byte)) {
	for _, f := range w.frames {
		if f.changed {
			w.key = appendFrameKey(w.key[:0], f.tier, f.span, w.block)
			w.value = w.enc.Append(w.value[:0], &f.Frame)
			put(string(w.key), w.value)
		}
	}
	w.spare = append(w.spare, w.frames...)
	w.frames = w.frames[:0]
}

// readFrame calls f with the value of a frame's key, if there is one: what
// waits for the engine counts as there. db.view is held.
func (db *DB) readFrame(key []byte, f func([]byte) error) (there bool, err error) {
	if v, ok := db.sealed[string(key)]; ok {
		return true, f(v)
	}
	if db.broken.has(key) {
		return false, errBroken
	}
	v, closer, err := db.engine.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		db.broken.add(key)
		return false, fmt.Errorf("read frame: %w", err)
	}
	return true, errors.Join(f(v), closer.Close())
}

// errBroken is of a frame that could not be read before.
var errBroken = errors.New("it could not be read before")

// broken knows frames that the engine could not read: to try again takes seconds
// each time, for Pebble looks for the bit that was flipped.
type broken struct {
	n    atomic.Int32
	mu   sync.Mutex
	keys map[string]struct{}
}

// maxBroken bounds the keys that are known, 22 bytes each.
const maxBroken = 1 << 16

func (b *broken) has(key []byte) bool {
	if b.n.Load() == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.keys[string(key)]
	return ok
}

func (b *broken) add(key []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys == nil {
		b.keys = map[string]struct{}{}
	}
	if len(b.keys) < maxBroken {
		b.keys[string(key)] = struct{}{}
	}
	b.n.Store(int32(len(b.keys)))
}

// forget is for when files have been replaced.
func (b *broken) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = nil
	b.n.Store(0)
}
