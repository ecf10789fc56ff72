package store

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// sealGrace is how long a bucket stays in the head after its end, in seconds:
// what comes until then costs no reading of a frame.
const sealGrace = 60

// seal writes closed buckets into frames, and a checkpoint of those that are
// open, and then removes the log before it. db.keeping is held.
//
// Ingest and Fetch go on meanwhile: they wait while one block is taken.
func (db *DB) seal(ctx context.Context) error {
	mark, err := db.log.Rotate()
	if err != nil {
		return err
	}
	s := &sealing{db: db, horizon: db.nextHorizon(), now: db.now().Unix()}
	s.work = work{db: db, until: s.until}
	for i := uint32(0); s.block(i); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.rest(mark)
	if err := db.ingestSealed(ctx, s.horizon); err != nil {
		return err
	}
	db.figures.seals.Add(1)
	return db.log.RemoveBefore(mark)
}

// nextHorizon moves the horizon on, and back when the clock was ahead for a
// while: what is behind the horizon is dear to change.
func (db *DB) nextHorizon() uint32 {
	now := clampSecond(db.now().Unix() - sealGrace)
	db.mu.Lock()
	defer db.mu.Unlock()
	if now > db.head.horizon || now+maxAhead < db.head.horizon {
		db.head.horizon = now
	}
	return db.head.horizon
}

// sealing is one seal.
type sealing struct {
	db      *DB
	horizon uint32
	now     int64 // Unix seconds
	work    work

	checkpoint []byte // scratch
}

// until returns where what is sealed of a tier ends.
func (s *sealing) until(t tier) uint32 { return s.horizon / t.step * t.step }

// block takes what has closed in a block. It reports whether there is one of that number.
func (s *sealing) block(number uint32) bool {
	db := s.db
	db.view.Lock()
	defer db.view.Unlock()
	s.work.block = number
	checkpoint, there := s.takeBlock(number)
	if checkpoint != nil {
		db.sealed[string(numberKey(keyBlock, number))] = db.arena.keep(checkpoint)
	}
	s.work.finish(func(key string, value []byte) {
		db.sealed[key] = db.arena.keep(value)
		db.figures.frameBytes.Add(int64(len(value)))
		db.figures.frames.Add(1)
	})
	return there
}

func (s *sealing) takeBlock(number uint32) (checkpoint []byte, there bool) {
	db := s.db
	db.mu.Lock()
	defer db.mu.Unlock()
	h := &db.head
	if int(number) >= len(h.blocks) {
		return nil, false
	}
	b := h.blocks[number]
	b.horizon = s.horizon
	for i := range b.series {
		if sr := &b.series[i]; sr.flags&flagLive != 0 {
			b.dirty = s.series(ID(number*frameSeries)+ID(i), i, sr) || b.dirty
		}
	}
	if !b.dirty {
		return nil, true
	}
	b.dirty = false
	s.checkpoint = appendCheckpoint(s.checkpoint[:0], h, number, db.records)
	return s.checkpoint, true
}

// series takes what has closed of one series, and what came late. It reports
// whether there was anything.
func (s *sealing) series(id ID, slot int, sr *series) (any bool) {
	h := &s.db.head
	tiers := h.sets[sr.set].tiers
	if sr.open != 0 && sr.open+tiers[0].step <= s.horizon {
		h.closeFinest(sr)
	}
	for k := 1; k < len(tiers); k++ {
		if c := h.coarseAt(sr, k); c.start != 0 && c.start+tiers[k].step <= s.horizon {
			h.closeCoarse(sr, k, c)
		}
	}
	any = h.takeClosed(sr, s.horizon, func(k int, start uint32, b metric.Bucket) {
		s.work.join(tiers[k], slot, start, b)
	})
	for _, op := range h.late.take(id) {
		any = true
		if !op.put && op.start+h.sets[sr.set].all()[op.tier].step > s.horizon {
			h.late.add(id, op) // left of a former tier: its time comes
			continue
		}
		s.late(slot, sr, op)
	}
	return any
}

// late applies a late change to the frames, and to what the head has of coarser
// tiers. Where the finest tier has no frames that far back a Put has nothing to
// replace, and is added to the others. That its time is over is not enough: the Put
// may have come before, and waited for a disk or a new start.
func (s *sealing) late(slot int, sr *series, op lateOp) {
	h := &s.db.head
	set := h.sets[sr.set]
	if !op.put {
		t := set.all()[op.tier]
		if int(op.tier) < len(set.tiers) {
			t = s.work.home(set.alike(int(op.tier)), slot, op.start)
		}
		if !t.expired(op.start, s.now) {
			s.work.join(t, slot, op.start, op.bucket)
		}
		return
	}
	fine := op.start - op.start%set.tiers[0].step
	var old metric.Bucket
	now := op.bucket
	if t := s.work.home(set.alike(0), slot, fine); !t.expired(fine, s.now) || s.work.framed(t, fine) {
		old, now = s.work.apply(t, slot, fine, op)
	}
	for k, t := range set.tiers[1:] {
		start := fine - fine%t.step
		if start+t.step > s.horizon {
			h.amend(sr, k+1, fine, fine, old, now)
			return
		}
		if t = s.work.home(set.alike(k+1), slot, start); !t.expired(start, s.now) {
			s.work.change(t, slot, start, old, now, fine+set.tiers[0].step == start+t.step)
		}
	}
}

// takeClosed takes the closed buckets that end at the horizon or before.
func (h *head) takeClosed(s *series, horizon uint32, yield func(k int, start uint32, b metric.Bucket)) (any bool) {
	tiers := h.sets[s.set].tiers
	for link := &s.runs; *link != 0; {
		r := h.runs.at(*link)
		for n := range uint32(runValues) {
			start := r.start + n*tiers[0].step
			if r.mask>>n&1 == 1 && start+tiers[0].step <= horizon {
				yield(0, start, valueBucket(r.values[n]))
				r.mask &^= 1 << n
				any = true
			}
		}
		if r.mask == 0 {
			i := *link
			*link = r.next
			h.runs.put(i)
			continue
		}
		link = &r.next
	}
	for link := &s.wide; *link != 0; {
		w := h.wides.at(*link)
		if w.start+tiers[w.tier].step > horizon {
			link = &w.next
			continue
		}
		yield(int(w.tier), w.start, w.bucket)
		any = true
		i := *link
		*link = w.next
		h.wides.put(i)
	}
	return any
}

// rest adds what is not of blocks: series that are new or changed, identities, and
// the state of the whole, which says that they are as of a record of the log. That
// some are newer does not matter: their records change nothing a second time.
func (s *sealing) rest(mark wal.Mark) {
	db := s.db
	db.view.Lock()
	defer db.view.Unlock()
	db.mu.Lock()
	changed := db.unsaved // a million at the first seal: not to be walked through here
	db.unsaved = nil
	m := meta{mark: mark, records: db.records, horizon: s.horizon}
	s.identities()
	db.saveKept()
	db.mu.Unlock()
	slices.Sort(changed)
	for ids := range slices.Chunk(slices.Compact(changed), 512) {
		db.mu.Lock()
		for _, id := range ids {
			db.saveSeries(id)
		}
		db.mu.Unlock()
	}
	db.sealed[string(rune(keyMeta))] = m.append(nil)
	db.sealed[string(rune(keyMetaCopy))] = m.append(nil)
}

func (s *sealing) identities() {
	db := s.db
	for job, i := range db.identities {
		if i.unsaved {
			i.unsaved = false
			db.identities[job] = i
			v := binary.AppendUvarint(nil, i.seq)
			db.sealed[string(identityKey(job))] = binary.AppendUvarint(v, uint64(i.seen))
		}
	}
}

// ingestSealed hands to the engine what waits for it.
func (db *DB) ingestSealed(ctx context.Context, horizon uint32) error {
	m := &maker{e: db.engine}
	if err := db.writeSealed(m); err != nil {
		m.abandon()
		return err
	}
	db.view.Lock()
	defer db.view.Unlock()
	if err := m.ingest(ctx); err != nil {
		m.abandon()
		return err
	}
	db.sealed, db.fresh = map[string][]byte{}, map[spanOf]bool{} // anew, for a map keeps the room that it had
	db.arena.release()
	db.broken.forget()
	db.sealedUntil = horizon
	return nil
}

// writeSealed writes what waits into files: of the frames one where a tier
// begins, or frames that are new meet those that are not, so that files of new
// frames lie behind all others; one of what is before the frames and behind them.
func (db *DB) writeSealed(m *maker) error {
	keys := slices.AppendSeq(make([]string, 0, len(db.sealed)), maps.Keys(db.sealed))
	slices.Sort(keys)
	var now tier
	var fresh bool
	for i, key := range keys {
		t, s, _, _ := parseFrameKey([]byte(key))
		isFresh := db.fresh[spanOf{t, s}]
		if i == 0 || t != now || isFresh != fresh {
			if err := m.begin(); err != nil {
				return err
			}
		}
		now, fresh = t, isFresh
		if err := m.set([]byte(key), db.sealed[key]); err != nil {
			return err
		}
	}
	return nil
}

// spanOf is a span of a tier.
type spanOf struct {
	tier tier
	span span
}
