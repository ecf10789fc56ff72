package store

import (
	"context"
	"sync"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
	"github.com/logmetrics/logmetrics/metric"
)

// reader reads one series for Fetch. db.view is shared meanwhile, so that a
// bucket is either in the head or in a frame.
type reader struct {
	db     *DB
	id     ID
	out    *Columns
	from   uint32 // [from,until), whole buckets
	until  uint32
	k      int // the tier that is read, of set.tiers; len(set.tiers) and more: of set.former
	set    tierSet
	merged bool
	head   []placed // what the head has of the tier, within the bounds
	late   []lateOp
	key    []byte
	cache  *frameCache // nil: rows are read alone
	spare  *Columns    // to be used for out; nil: new ones
}

// fetch reads the series.
func (r *reader) fetch(ctx context.Context, opt FetchOptions) (*Columns, error) {
	if err := r.begin(opt); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	r.show()
	return r.out, nil
}

// placed is a bucket and its start.
type placed struct {
	start  uint32
	bucket metric.Bucket
}

// begin finds the tier, and copies what the head has.
func (r *reader) begin(opt FetchOptions) error {
	db := r.db
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.head.find(r.id)
	if s == nil {
		return ErrNoSeries
	}
	r.set = db.head.sets[s.set]
	r.merged = s.flags&flagMerged != 0
	k, err := tierFor(r.set.all(), len(r.set.tiers), opt, db.now().Unix())
	if err != nil {
		return err
	}
	t := r.set.all()[k]
	r.k = k
	if r.out, err = newColumns(opt, int64(t.step), r.spare); err != nil {
		return err
	}
	r.out.Method = s.method
	r.from = uint32(min(r.out.Start, maxSecond))
	r.until = uint32(min(r.out.Start+int64(len(r.out.Count))*r.out.Step, 1<<32-1))
	r.late = db.head.late.list(r.late, r.id)
	if k < len(r.set.tiers) {
		db.head.read(s, k, func(start uint32, b metric.Bucket) {
			if start >= r.from && start < r.until {
				r.head = append(r.head, placed{start, b})
			}
		})
	}
	return nil
}

// read fills the columns: frames, late changes, the head, and what former tiers
// have where all of these have nothing.
func (r *reader) read(ctx context.Context) error {
	if r.from >= r.until {
		return nil
	}
	t := r.set.all()[r.k]
	err := r.eachRow(ctx, t, r.from, r.until, func(s span, row *frame.Row) { r.copy(t, s, row) })
	if err != nil {
		return err
	}
	for _, p := range r.head {
		r.join(p.start, p.bucket) // both have some only after the clock went back
	}
	if r.k >= len(r.set.tiers) {
		return r.applyLate(ctx)
	}
	if err := r.formers(ctx, func(f tier) bool { return f.step == t.step }); err != nil {
		return err
	}
	if err := r.applyLate(ctx); err != nil { // to what these have, too
		return err
	}
	return r.formers(ctx, func(f tier) bool { return f.step != t.step })
}

// formers does former with some of the tiers.
func (r *reader) formers(ctx context.Context, which func(tier) bool) error {
	for i, f := range r.set.former {
		if !which(f) {
			continue
		}
		if err := r.former(ctx, i, f); err != nil {
			return err
		}
	}
	return nil
}

// copy takes a row into the columns, which have nothing there: frames do not overlap.
func (r *reader) copy(t tier, s span, row *frame.Row) {
	i, j := uint32(0), s.n
	if r.from > s.start {
		i = (r.from - s.start + t.step - 1) / t.step
	}
	if r.until < s.end(t) {
		j = (r.until - s.start + t.step - 1) / t.step
	}
	at, ok := r.out.index(s.start + i*t.step)
	if i >= j || !ok {
		return
	}
	o := r.out
	copy(o.Count[at:], row.Count[i:j])
	copy(o.Sum[at:], row.Sum[i:j])
	copy(o.Min[at:], row.Min[i:j])
	copy(o.Max[at:], row.Max[i:j])
	copy(o.M2[at:], row.M2[i:j])
	copy(o.Last[at:], row.Last[i:j])
}

// framesIn yields what the frames of a tier have in [from,until).
func (r *reader) framesIn(ctx context.Context, t tier, from, until uint32, yield func(start uint32, b metric.Bucket)) error {
	return r.eachRow(ctx, t, from, until, func(s span, row *frame.Row) {
		for i := range row.Count {
			start := s.start + uint32(i)*t.step
			if row.Count[i] > 0 && start >= from && start < until {
				yield(start, rowBucket(row, i))
			}
		}
	})
}

// eachRow yields the series' rows of the frames that have a part of [from,until).
func (r *reader) eachRow(ctx context.Context, t tier, from, until uint32, yield func(s span, row *frame.Row)) error {
	d := rowReaders.Get().(*rowReader)
	defer rowReaders.Put(d)
	for _, s := range r.db.spans.between(t, from, until) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.key = appendFrameKey(r.key[:0], t, s, uint32(r.id/frameSeries))
		if row := r.row(d); row != nil && len(row.Count) == int(s.n) {
			yield(s, row)
		}
	}
	return nil
}

// row returns the series' row of the frame under r.key, nil when there is none.
func (r *reader) row(d *rowReader) *frame.Row {
	if r.cache != nil {
		if f := r.cache.get(r.db, r.key); f != nil {
			return &f.Rows[r.id%frameSeries]
		}
		return nil
	}
	there, err := r.db.readFrame(r.key, func(v []byte) error {
		_, _, err := d.dec.DecodeRow(&d.row, v, int(r.id%frameSeries))
		return err
	})
	if err != nil {
		r.db.damaged(r.key, err)
	}
	if err != nil || !there {
		return nil
	}
	return &d.row
}

// frameCache has frames of one block, decoded.
type frameCache struct {
	frames map[string]*frame.Frame // nil: there is none
	spare  []*frame.Frame
	dec    frame.Decoder

	columns *Columns // of the last series, when only its values were wanted
}

// frameCaches keep frames for the next to read: decoding into one that has room is much cheaper.
var frameCaches = sync.Pool{New: func() any { return new(frameCache) }}

// maxCached bounds what a cache holds: 64 rows of 1024 buckets are 3 MiB.
const maxCached = 64

func (c *frameCache) clear() {
	for _, f := range c.frames {
		if f != nil && len(c.spare) < maxCached {
			c.spare = append(c.spare, f)
		}
	}
	clear(c.frames)
}

func (c *frameCache) get(db *DB, key []byte) *frame.Frame {
	if f, ok := c.frames[string(key)]; ok {
		return f
	}
	if len(c.frames) >= maxCached {
		c.clear()
	}
	f := new(frame.Frame)
	if n := len(c.spare); n > 0 {
		f, c.spare = c.spare[n-1], c.spare[:n-1]
	}
	there, err := db.readFrame(key, func(v []byte) error { return c.dec.Decode(f, v) })
	if err != nil {
		db.damaged(key, err)
	}
	if err != nil || !there {
		f = nil
	}
	if c.frames == nil {
		c.frames = map[string]*frame.Frame{}
	}
	c.frames[string(key)] = f
	return f
}

// rowReader is what reading a row needs; it keeps its memory.
type rowReader struct {
	dec frame.Decoder
	row frame.Row
	all frame.Frame
}

var rowReaders = sync.Pool{New: func() any { return new(rowReader) }}

// applyLate shows the changes that wait for the next seal.
func (r *reader) applyLate(ctx context.Context) error {
	var puts []lateOp
	for _, op := range r.late {
		switch {
		case op.put && r.k < len(r.set.tiers):
			puts = append(puts, op)
		case !op.put && int(op.tier) == r.k:
			r.join(op.start, op.bucket)
		}
	}
	if len(puts) == 0 {
		return nil
	}
	if r.k == 0 {
		for _, op := range puts {
			if i, ok := r.out.index(op.start - op.start%r.set.tiers[0].step); ok {
				r.out.put(i, op.after(r.out.bucket(i)))
			}
		}
		return nil
	}
	return r.correct(ctx, puts)
}

// join adds a bucket, of this step or a finer one.
func (r *reader) join(start uint32, b metric.Bucket) {
	if i, ok := r.out.index(start); ok {
		have := r.out.bucket(i)
		have.Merge(b)
		r.out.put(i, have)
	}
}

// correct does in a coarser tier what a seal will do for late Puts: it needs
// what the finest tier has there.
func (r *reader) correct(ctx context.Context, puts []lateOp) error {
	fine := r.set.tiers[0]
	step := r.set.tiers[r.k].step
	as := map[uint32]metric.Bucket{} // what a bucket became
	for _, op := range puts {
		start := op.start - op.start%fine.step
		i, ok := r.out.index(start)
		if !ok {
			continue
		}
		old, ok := as[start]
		if !ok {
			var err error
			if old, err = r.sealed(ctx, start); err != nil {
				return err
			}
		}
		now := op.after(old)
		as[start] = now
		have := r.out.bucket(i)
		change(&have, old, now, (start+fine.step)%step == 0)
		r.out.put(i, have)
	}
	return nil
}

// sealed returns the finest bucket at start as frames have it.
func (r *reader) sealed(ctx context.Context, start uint32) (b metric.Bucket, err error) {
	for _, t := range r.set.alike(0) {
		if b.Count > 0 || err != nil {
			continue
		}
		err = r.framesIn(ctx, t, start, start+1, func(_ uint32, found metric.Bucket) { b = found })
	}
	return b, err
}

// former fills buckets that hold nothing from a tier that the series had before:
// a finer one is summed up, a coarser one stands in the first of its buckets.
func (r *reader) former(ctx context.Context, i int, t tier) error {
	step := uint32(r.out.Step)
	if t.step%step != 0 && step%t.step != 0 {
		return nil
	}
	empty := make([]bool, len(r.out.Count))
	for i, n := range r.out.Count {
		empty[i] = n == 0
	}
	fill := func(start uint32, b metric.Bucket) {
		at, ok := r.out.index(start)
		if !ok {
			return
		}
		for n := range int(max(1, t.step/step)) {
			if at+n < len(empty) && !empty[at+n] {
				return
			}
		}
		r.join(start, b)
	}
	from := r.from - r.from%max(t.step, 1)
	if err := r.framesIn(ctx, t, from, r.until, fill); err != nil {
		return err
	}
	for _, op := range r.late {
		if !op.put && int(op.tier) == len(r.set.tiers)+i {
			fill(op.start, op.bucket)
		}
	}
	return nil
}

// show computes what a plain read shows. A late Merge into the finest tier makes
// a series one of Merges.
func (r *reader) show() {
	all := r.set.all()
	if r.k == 0 && !r.merged {
		r.out.Method = metric.Last
	}
	r.out.show(int(max(1, all[r.k].step/r.set.tiers[0].step)))
}
