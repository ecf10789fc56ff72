package store

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/cockroachdb/pebble/v2"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
)

// foldAt is how many spans of about one length become one: twelve seals are a
// partition of the finest usual tier.
const foldAt = 12

// fold makes longer frames of short ones: of all of a partition when it has
// ended, before that of each foldAt of about the same length, so that a coarse
// tier's partition, which lasts a month, is not read in thousands of pieces.
func (db *DB) fold(ctx context.Context) error {
	db.view.RLock()
	groups := db.spans.foldable(db.sealedUntil)
	db.view.RUnlock()
	for _, g := range groups {
		if err := db.foldGroup(ctx, g); err != nil {
			return fmt.Errorf("fold frames of %d s from %d: %w", g.tier.step, g.spans[0].start, err)
		}
		db.figures.folds.Add(1)
	}
	return nil
}

// group is neighbouring spans of one tier that become one.
type group struct {
	tier  tier
	spans []span
}

// span returns what the group becomes.
func (g group) span() span {
	start := g.spans[0].start
	return span{start, (g.spans[len(g.spans)-1].end(g.tier) - start) / g.tier.step}
}

// foldable returns what is to be folded; horizon is until where all is sealed.
func (s spans) foldable(horizon uint32) (out []group) {
	for t, list := range s {
		for len(list) > 0 {
			_, end := schema.Tier{Step: int64(t.step), Keep: int64(t.keep)}.Partition(int64(list[0].start))
			n := 1
			for n < len(list) && int64(list[n].start) < end {
				n++
			}
			if end <= int64(horizon) {
				out = appendWhole(out, t, list[:n])
			} else {
				out = appendAlike(out, t, list[:n])
			}
			list = list[n:]
		}
	}
	return out
}

// appendWhole adds groups that are as long as frames may be.
func appendWhole(out []group, t tier, list []span) []group {
	for len(list) > 0 {
		n := 1
		for n < len(list) && (group{t, list[:n+1]}).span().n <= maxFrame {
			n++
		}
		if n > 1 {
			out = append(out, group{t, append([]span(nil), list[:n]...)})
		}
		list = list[n:]
	}
	return out
}

// appendAlike adds the last spans when foldAt of them are in one class of length
// or below.
func appendAlike(out []group, t tier, list []span) []group {
	for class := 0; class < 4; class++ {
		n := 0
		for n < len(list) && (bits.Len32(list[len(list)-1-n].n)-1)/3 <= class {
			n++
		}
		for n >= foldAt && (group{t, list[len(list)-n:]}).span().n > maxFrame {
			n--
		}
		if n >= foldAt {
			return append(out, group{t, append([]span(nil), list[len(list)-n:]...)})
		}
	}
	return out
}

// foldGroup writes the frames of a group as one span, and exchanges them in one
// step. It runs beside ingest and Fetch, but for that step.
func (db *DB) foldGroup(ctx context.Context, g group) error {
	m := &maker{e: db.engine}
	if err := m.begin(); err != nil {
		return err
	}
	f := &folder{db: db, group: g, into: g.span()}
	any := false
	for block := range uint32(db.blocks()) {
		if err := ctx.Err(); err != nil {
			m.abandon()
			return err
		}
		value := f.block(block)
		if value == nil {
			continue
		}
		any = true
		if err := m.set(appendFrameKey(nil, g.tier, f.into, block), value); err != nil {
			m.abandon()
			return err
		}
	}
	if err := m.end(); err != nil {
		m.abandon()
		return err
	}
	return db.exchange(ctx, m, g, any)
}

// exchange puts the folded frames in the place of the others.
func (db *DB) exchange(ctx context.Context, m *maker, g group, any bool) error {
	db.view.Lock()
	defer db.view.Unlock()
	into := g.span()
	lower, upper := spanBounds(g.tier, into.start, into.end(g.tier))
	if !any {
		m.abandon()
		if err := db.engine.DeleteRange(lower, upper, pebble.Sync); err != nil {
			return err
		}
		db.spans.replace(g.tier, into.start, into.end(g.tier))
		return nil
	}
	_, err := db.engine.IngestAndExcise(ctx, m.paths, nil, nil, pebble.KeyRange{Start: lower, End: upper})
	if err != nil {
		m.abandon()
		return err
	}
	db.spans.replace(g.tier, into.start, into.end(g.tier), into)
	return nil
}

func (db *DB) blocks() int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return len(db.head.blocks)
}

// folder joins the frames of a group, block by block.
type folder struct {
	db    *DB
	group group
	into  span
	enc   frame.Encoder
	dec   frame.Decoder
	from  frame.Frame
	to    workFrame
	key   []byte
}

// block returns the frame of one block, nil when there is nothing in it. Rows of
// deleted series are left out.
func (f *folder) block(number uint32) []byte {
	t := f.group.tier
	f.to.Start, f.to.Step, f.to.N = int64(f.into.start), int64(t.step), int(f.into.n)
	f.to.changed = false
	for i := range f.to.Rows {
		f.to.Rows[i] = emptyRow(f.to.Rows[i])
	}
	live := f.db.liveSlots(number)
	for _, s := range f.group.spans {
		f.key = appendFrameKey(f.key[:0], t, s, number)
		f.db.view.RLock()
		there, err := f.db.readFrame(f.key, func(v []byte) error { return f.dec.Decode(&f.from, v) })
		f.db.view.RUnlock()
		if err != nil {
			f.db.damaged(f.key, err)
		}
		if err != nil || !there || f.from.N != int(s.n) {
			continue
		}
		f.add(int((s.start-f.into.start)/t.step), live)
	}
	if !f.to.changed {
		return nil
	}
	return f.enc.Append(nil, &f.to.Frame)
}

// add copies the rows of what was read behind index at.
func (f *folder) add(at int, live uint64) {
	for i := range f.from.Rows {
		from := &f.from.Rows[i]
		if from.Count == nil || live>>i&1 == 0 {
			continue
		}
		to := f.to.row(i)
		copy(to.Count[at:], from.Count)
		copy(to.Sum[at:], from.Sum)
		copy(to.Min[at:], from.Min)
		copy(to.Max[at:], from.Max)
		copy(to.M2[at:], from.M2)
		copy(to.Last[at:], from.Last)
	}
}

// liveSlots returns which series of a block are there, a bit each.
func (db *DB) liveSlots(number uint32) (live uint64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for i := range frameSeries {
		if db.head.blocks[number].series[i].flags&flagLive != 0 {
			live |= 1 << i
		}
	}
	return live
}
