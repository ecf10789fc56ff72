package store

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// Writer buffers samples of one goroutine and interns names: a known name costs
// no allocation. Not safe for concurrent use.
type Writer struct {
	db      *DB
	known   table
	samples []sample
	unnamed []unnamed          // samples whose series are to be made when the disk takes something
	merges  []metric.Bucket    // those of samples with isMerge, in order
	record  []byte             // scratch
	name    [names.MaxLen]byte // likewise
	oldest  int64              // bounds of believable times, as of the last Flush
	newest  int64
	seen    uint32 // see LookAhead
}

// sample is what is buffered of a Put or Merge.
type sample struct {
	id     ID
	second uint32
	value  float64 // of a Merge: its index in Writer.merges
}

// What the id of a sample is marked with.
const (
	isMerge = 1 << 31
	isAdd   = 1 << 30
	onlyID  = isAdd - 1
	noID    = onlyID // names.MaxID is below: the series is not made yet
)

// unnamed is a sample of a new name that came while the disk was full.
type unnamed struct {
	at   int // in Writer.samples
	name []byte
	hint metric.Method
}

// NewWriter returns a way into the store for one goroutine.
func (db *DB) NewWriter() *Writer {
	w := &Writer{db: db}
	w.known.seed = maphash.MakeSeed()
	w.look()
	return w
}

// maxAhead is how far in the future a sample may be, in seconds.
const maxAhead = 86400

// look takes the clock's time.
func (w *Writer) look() {
	now := w.db.now().Unix()
	w.oldest, w.newest = max(now-w.db.keep.Load(), minSecond), min(now+maxAhead, maxSecond)
}

// MaxName is the length in bytes beyond which a name is refused without a look at
// it; without what is not of its canonical form it may have names.MaxLen.
const MaxName = names.MaxRaw

// Put takes the value of a series at a second, which is kept until Flush or Reset.
// name is the series as it was sent,
// "a.b" or "a.b;k=v;k2=v2" with tags in any order; it may be changed after the
// call. A Put for the second of the bucket's newest Put replaces that.
// m counts when the series is new.
func (w *Writer) Put(name []byte, m metric.Method, unix int64, v float64) Refusal {
	if !(math.Abs(v) <= metric.MaxValue) { // also NaN
		return BadValue
	}
	id, r := w.id(name, m, unix)
	if r == Taken {
		w.samples = append(w.samples, sample{id, uint32(unix), v})
	}
	return r
}

// Add is Put for a part of a sum that more may come of: a second of the bucket's
// newest Put adds to the value that is there.
func (w *Writer) Add(name []byte, m metric.Method, unix int64, v float64) Refusal {
	n := len(w.samples)
	r := w.Put(name, m, unix, v)
	if r == Taken {
		w.samples[n].id |= isAdd
	}
	return r
}

// Merge is Put for a bucket: it is added to what is there.
func (w *Writer) Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) Refusal {
	if !sound(b) {
		return BadValue
	}
	id, r := w.id(name, m, unix)
	if r == Taken {
		w.samples = append(w.samples, sample{id | isMerge, uint32(unix), float64(len(w.merges))})
		w.merges = append(w.merges, b)
	}
	return r
}

// sound reports whether b can be a bucket.
func sound(b metric.Bucket) bool {
	if b.Count == 0 || !(b.M2 >= 0) || math.IsInf(b.M2, 1) {
		return false
	}
	for _, v := range [...]float64{b.Sum, b.Min, b.Max, b.Last} {
		if !(math.Abs(v) <= metric.MaxValue) {
			return false
		}
	}
	return true
}

func (w *Writer) id(name []byte, m metric.Method, unix int64) (ID, Refusal) {
	if unix < w.oldest || unix > w.newest {
		w.look() // it may have been quiet for long
		if unix < w.oldest || unix > w.newest {
			return 0, BadTime
		}
	}
	if g := w.db.renamed.Load(); g != w.known.generation {
		w.known.forget()
		w.known.generation = g
	}
	if id, ok := w.known.guess(name); ok {
		return id, Taken
	}
	hash := w.known.hash(name)
	if id, ok := w.known.find(hash, name); ok {
		return id, Taken
	}
	id, r := w.db.intern(name, m, &w.name)
	switch r {
	case Taken:
		w.known.bound(w.db.names.index.Len())
		w.known.insert(hash, name, id)
	case full:
		w.unnamed = append(w.unnamed, unnamed{len(w.samples), bytes.Clone(name), m})
		return noID, Taken
	}
	return id, r
}

// makeUnnamed makes the series of names that came while the disk was full. Samples
// of those that are refused are dropped, and counted.
func (w *Writer) makeUnnamed() error {
	if len(w.unnamed) == 0 {
		return nil
	}
	for len(w.unnamed) > 0 {
		u := w.unnamed[0]
		id, r := w.db.intern(u.name, u.hint, &w.name)
		switch r {
		case full:
			return w.db.room()
		case Taken:
			s := &w.samples[u.at]
			s.id = s.id&^onlyID | id
		default:
			w.db.figures.unnamed.Add(1)
		}
		w.unnamed = w.unnamed[1:]
	}
	w.unnamed = nil
	w.samples = slices.DeleteFunc(w.samples, func(s sample) bool { return s.id&onlyID == noID })
	return nil
}

// flushSamples is how many samples go into head and log under one hold of the
// lock: about 200 microseconds.
const flushSamples = 2048

// Flush hands on what was put. After nil it can be read, and is durable within a
// second. An error wraps ErrFull: nothing was handed on, and Flush can be called
// again. It comes also when nothing was put: to who asks whether there is room.
func (w *Writer) Flush() error {
	defer w.look()
	if err := w.ready(); err != nil {
		return err
	}
	for rest := w.samples; len(rest) > 0; {
		part := rest[:min(len(rest), flushSamples)]
		rest = rest[len(part):]
		w.record = w.encode(newRecord(w.record), part)
		w.db.take(w.record, part, w.merges)
	}
	w.Reset()
	return nil
}

// Commit is Flush for a batch, in one atomic record with id; after nil it is
// durable. When the identity's last sequence is not below id's, it was here
// before: what was put is dropped, and repeated is true.
func (w *Writer) Commit(id metric.BatchID) (repeated bool, err error) {
	defer w.look()
	if err := w.ready(); err != nil {
		return false, err
	}
	now := uint32(w.db.now().Unix())
	w.record = appendCommit(newRecord(w.record), id, now)
	w.record = w.encode(w.record, w.samples)
	if len(w.record) > wal.MaxPayload {
		return false, fmt.Errorf("commit batch: a record of %d bytes is longer than %d", len(w.record), wal.MaxPayload)
	}
	repeated, err = w.db.takeBatch(id, now, w)
	if err != nil {
		return false, fmt.Errorf("commit batch: %w", err)
	}
	w.Reset()
	if err := w.db.Sync(); err != nil {
		return false, fmt.Errorf("commit batch: %w", err)
	}
	return repeated, nil
}

// ready reports ErrFull, or has all series made.
func (w *Writer) ready() error {
	if err := w.db.room(); err != nil {
		w.db.figures.full.Add(1)
		return err
	}
	return w.makeUnnamed()
}

// Reset drops what was put since the last Flush or Commit.
func (w *Writer) Reset() { w.samples, w.merges, w.unnamed = w.samples[:0], w.merges[:0], nil }

// encode appends the parts of samples to a record.
func (w *Writer) encode(dst []byte, samples []sample) []byte {
	for len(samples) > 0 {
		verb := samples[0].id &^ onlyID
		if s := samples[0]; verb == isMerge {
			dst = appendMerge(dst, s.id&onlyID, s.second, w.merges[int(s.value)])
			samples = samples[1:]
			continue
		}
		n := 1
		for n < len(samples) && samples[n].id&^onlyID == verb {
			n++
		}
		dst = appendPuts(dst, samples[:n])
		samples = samples[n:]
	}
	return dst
}
