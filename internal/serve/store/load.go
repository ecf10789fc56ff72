package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// loadSeal reads what the last seal left.
func (r *recovery) loadSeal() error {
	if err := r.loadMeta(); err != nil {
		return err
	}
	r.head.horizon = r.meta.horizon
	r.records, r.sealedUntil = r.meta.records, r.meta.horizon
	for _, step := range []struct {
		kind byte
		load func(key, value []byte) error
	}{{keySeries, r.loadSeries}, {keyDead, r.loadDead}, {keyIdentity, r.loadIdentity}, {keyBlock, r.loadBlock}} {
		if err := r.each(step.kind, step.load); err != nil {
			return err
		}
	}
	err := r.loadSpans()
	if r.metaLost {
		r.guessMeta()
	}
	return err
}

// loadMeta reads the state of the whole, or makes that of a new store.
func (r *recovery) loadMeta() error {
	err := r.readMeta(keyMeta)
	if errors.Is(err, pebble.ErrNotFound) {
		r.meta.horizon = clampSecond(r.now().Unix() - sealGrace)
		b := r.engine.NewBatch()
		v := r.meta.append(nil)
		err = errors.Join(b.Set([]byte{keyMeta}, v, nil), b.Set([]byte{keyMetaCopy}, v, nil))
		return errors.Join(err, b.Commit(pebble.Sync))
	}
	if err == nil || errors.Is(err, ErrVersion) {
		return err
	}
	r.damaged([]byte{keyMeta}, err)
	switch err = r.readMeta(keyMetaCopy); {
	case err == nil, errors.Is(err, ErrVersion):
		return err
	}
	r.damaged([]byte{keyMetaCopy}, err)
	r.meta = meta{}
	r.metaLost = true
	return nil
}

// guessMeta makes the state of the whole of what it tells about. All that is still
// in the log is replayed: what the blocks have of it they tell themselves, and names,
// identities and values come out the same when their records are taken twice, in order.
func (r *recovery) guessMeta() {
	for t, list := range r.spans {
		if len(list) > 0 {
			r.meta.horizon = max(r.meta.horizon, list[len(list)-1].end(t))
		}
	}
	if r.meta.horizon == 0 {
		r.meta.horizon = clampSecond(r.now().Unix() - sealGrace)
	}
	r.head.horizon, r.sealedUntil = r.meta.horizon, r.meta.horizon
	for _, b := range r.head.blocks {
		b.horizon = r.meta.horizon
		for i := range b.series {
			s := &b.series[i]
			s.newest = max(s.newest, r.meta.horizon)
		}
	}
}

func (r *recovery) readMeta(key byte) error {
	v, closer, err := r.engine.Get([]byte{key})
	if err != nil {
		return err
	}
	return errors.Join(r.meta.load(v), closer.Close())
}

// each calls load with the keys of a kind, in order, but for identities those of
// numbers. What the engine cannot read is counted and left out.
func (r *recovery) each(kind byte, load func(key, value []byte) error) error {
	from := uint32(0)
	for {
		next, err := r.readOn(kind, &from, load)
		if err == nil || errors.Is(err, errLoad) {
			return err
		}
		r.damaged([]byte{kind}, err)
		r.damage = true
		if kind == keyIdentity {
			return nil
		}
		if from, err = r.skip(kind, next); err != nil || from == 0 {
			return err
		}
	}
}

// errLoad tells an error of what was read from one of reading.
var errLoad = errors.New("read state")

// readOn reads keys from a number on. After an error of the engine next is the
// number that it stopped at.
func (r *recovery) readOn(kind byte, from *uint32, load func(key, value []byte) error) (next uint32, err error) {
	lower := []byte{kind}
	if *from > 0 {
		lower = numberKey(kind, *from)
	}
	it, err := r.engine.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: []byte{kind + 1}})
	if err != nil {
		return *from, err
	}
	next = *from
	for ok := it.First(); ok; ok = it.Next() {
		if err := load(it.Key()[1:], it.Value()); err != nil {
			return 0, errors.Join(fmt.Errorf("%w %x: %w", errLoad, it.Key(), err), it.Close())
		}
		next = number(it.Key()[1:]) + 1
	}
	return next, it.Close()
}

// skip returns the least number behind damage from which keys can be read, 0: none.
// It goes twice as far each time, and then back by halves: to read damage again is
// dear, for Pebble looks for the bit that was flipped.
func (r *recovery) skip(kind byte, from uint32) (uint32, error) {
	bad, good := from, uint32(0)
	for step := uint32(1); good == 0; step *= 2 {
		n := from + step
		if n < from || step == 0 {
			return 0, nil
		}
		ok, err := r.readable(kind, n)
		if err != nil {
			return 0, err
		}
		if ok {
			good = n
		} else {
			bad = n
		}
	}
	for good-bad > 1 {
		mid := bad + (good-bad)/2
		ok, err := r.readable(kind, mid)
		if err != nil {
			return 0, err
		}
		if ok {
			good = mid
		} else {
			bad = mid
		}
	}
	return good, nil
}

// readable reports whether the first key from a number on can be read, or there is none.
func (r *recovery) readable(kind byte, from uint32) (bool, error) {
	it, err := r.engine.NewIter(&pebble.IterOptions{LowerBound: numberKey(kind, from), UpperBound: []byte{kind + 1}})
	if err != nil {
		return false, err
	}
	it.First()
	return it.Close() == nil, nil
}

func number(key []byte) uint32 {
	if len(key) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(key)
}

func (r *recovery) loadSeries(key, value []byte) error {
	var s seriesInfo
	if err := s.load(value); err != nil {
		return err
	}
	id := ID(number(key))
	r.setName(id, s.name)
	r.head.begin(id, r.head.intern(s.set), s.method, s.hint)
	r.reach(s.set.tiers)
	return nil
}

func (r *recovery) setName(id ID, name string) {
	for int(id) >= len(r.names) {
		r.names = append(r.names, make([]string, max(1024, len(r.names)))...)
	}
	r.names[id] = name
}

func (r *recovery) loadDead(key, value []byte) error {
	d := decoder{buf: value}
	if v := d.byte(); v != seriesVersion {
		return fmt.Errorf("deleted series of version %d: %w", v, ErrVersion)
	}
	id := ID(number(key))
	r.dead[id] = d.uint32()
	if int(id) >= len(r.names) {
		r.setName(id, "") // the next number may be the one behind it
	}
	if d.bad {
		return errRecord
	}
	return nil
}

func (r *recovery) loadIdentity(key, value []byte) error {
	d := decoder{buf: value}
	i := identity{seq: d.uvarint(), seen: d.uint32()}
	var job [16]byte
	if copy(job[:], key) != len(job) || d.bad {
		return errRecord
	}
	r.identities[job] = i
	return nil
}

func (r *recovery) loadBlock(key, value []byte) error {
	block := number(key)
	upto, err := r.head.loadCheckpoint(block, value)
	if err != nil {
		return err
	}
	r.mark(block, upto)
	r.records = max(r.records, upto)
	return nil
}

func (r *recovery) mark(block uint32, upto uint64) {
	for int(block) >= len(r.marks) {
		r.marks = append(r.marks, 0)
	}
	r.marks[block] = upto
}

// loadSpans finds which frames there are, without reading them. Behind damage it
// comes from the other end: a span is seen by its first frame or by its last.
func (r *recovery) loadSpans() error {
	it, err := r.engine.NewIter(&pebble.IterOptions{LowerBound: []byte{keyFrame}, UpperBound: []byte{keyFrame + 1}})
	if err != nil {
		return fmt.Errorf("read frames: %w", err)
	}
	for ok := it.First(); ok; {
		t, s, _, isFrame := parseFrameKey(it.Key())
		if !isFrame {
			return errors.Join(fmt.Errorf("key %x: %w", it.Key(), errRecord), it.Close())
		}
		r.spans[t] = append(r.spans[t], s)
		ok = it.SeekGE(append(appendFrameKey(nil, t, s, 1<<32-1), 0))
	}
	if err := it.Close(); err != nil {
		r.damaged([]byte{keyFrame}, err)
		return r.loadSpansBack()
	}
	return nil
}

func (r *recovery) loadSpansBack() error {
	it, err := r.engine.NewIter(&pebble.IterOptions{LowerBound: []byte{keyFrame}, UpperBound: []byte{keyFrame + 1}})
	if err != nil {
		return fmt.Errorf("read frames: %w", err)
	}
	for ok := it.Last(); ok; {
		t, s, _, isFrame := parseFrameKey(it.Key())
		if _, known := r.spans.find(t, s.start); known || !isFrame {
			break
		}
		list := r.spans[t]
		r.spans[t] = slices.Insert(list, r.spans.search(t, s.start), s)
		ok = it.SeekLT(appendFrameKey(nil, t, s, 0))
	}
	if err := it.Close(); err != nil {
		r.damaged([]byte{keyFrame}, err)
	}
	return nil
}
