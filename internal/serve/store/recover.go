package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// recovery builds the head again: from the last seal, then from the log behind it.
type recovery struct {
	*DB
	meta     meta
	marks    []uint64      // per block: the records that its checkpoint has
	names    []string      // per id; "": none
	dead     map[ID]uint32 // deleted, and when
	record   uint64        // the number of the one that is replayed
	damage   bool          // names may be missing
	metaLost bool          // the state of the whole could not be read
	lost     int           // samples of the log whose series is not known
}

func (db *DB) recover() error {
	r := &recovery{DB: db, dead: map[ID]uint32{}}
	if err := r.loadSeal(); err != nil {
		return err
	}
	if err := r.replayLog(); err != nil {
		return err
	}
	if err := r.index(); err != nil {
		return err
	}
	if err := db.countKept(); err != nil {
		return err
	}
	if !db.opt.KeepTiers {
		db.applySchemas(db.opt.Schemas)
	}
	return nil
}

// replayLog takes what came after the seal.
func (r *recovery) replayLog() error {
	report, err := r.log.Replay(r.meta.mark, func(payload []byte) error {
		return replay(payload, func(n uint64) { r.record = n }, r)
	})
	if err != nil {
		return err
	}
	r.records = max(r.records, r.record)
	for _, d := range report.Damages {
		r.figures.damaged.Add(1)
		r.opt.Log.Error("store: a part of the log is damaged; what it held is lost", "file", d.Name, "bytes", d.Bytes)
	}
	if r.lost > 0 {
		r.opt.Log.Error("store: samples of the log whose names were lost", "samples", r.lost)
	}
	return nil
}

// index makes the index of the names. Numbers are given to it in their order.
func (r *recovery) index() error {
	for id := range r.dead {
		if int(id) >= len(r.names) {
			r.setName(id, "")
		}
	}
	for i, name := range r.names {
		id := ID(i)
		if name != "" && r.head.find(id) != nil {
			if err := r.load(id, name); err != nil {
				return err
			}
			continue
		}
		if !r.free(id) {
			if err := r.reserve(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// load gives a series its name. Where another one has it the record is lost by which
// that was deleted, or renamed: the name is of the one that got it last.
func (r *recovery) load(id ID, name string) error {
	index := r.DB.names.index
	err := index.Load(uint32(id), []byte(name))
	if !errors.Is(err, ErrExists) {
		return err
	}
	number, _ := index.Get([]byte(name))
	other, last := ID(number), func(id ID) int { return lastIndex(r.unsaved, id) }
	r.figures.damaged.Add(1)
	r.opt.Log.Error("store: two series have one name, for a part of the log is lost; the older one is deleted", "series", name)
	if last(id) < last(other) {
		r.drop(id)
		return r.reserve(id)
	}
	r.drop(other)
	index.Remove(number)
	return index.Load(uint32(id), []byte(name))
}

func lastIndex(ids []ID, id ID) int {
	for i, other := range slices.Backward(ids) {
		if other == id {
			return i
		}
	}
	return -1
}

// free reports whether no frame can have rows of a series that is not there: those of
// when it was deleted are in a partition that may be kept longer than they are.
func (r *recovery) free(id ID) bool {
	deleted, dead := r.dead[id]
	if !dead {
		return !r.damage
	}
	for _, list := range r.spans {
		if len(list) > 0 && list[0].start <= deleted {
			return false
		}
	}
	r.reused[id] = struct{}{}
	return true
}

// reserve keeps the number of a deleted series from being given away: frames
// still have its rows.
func (r *recovery) reserve(id ID) error {
	name := fmt.Appendf(nil, "deleted.%d.%x", id, rand.Uint64())
	if err := r.DB.names.index.Load(uint32(id), name); err != nil {
		return err
	}
	r.DB.names.index.Remove(uint32(id))
	return nil
}

// The parts of records. What names and identities have from the seal is not
// taken again.

func (r *recovery) name(id ID, hint, method metric.Method, tiers []tier, name []byte) error {
	if len(tiers) == 0 || int(id) > 2*r.opt.MaxSeries+len(r.names) {
		return fmt.Errorf("series %d %q: %w", id, name, errRecord)
	}
	if r.record <= r.meta.records {
		return nil
	}
	r.unsaved = append(r.unsaved, id)
	if r.head.find(id) != nil {
		r.head.retier(id, tiers, method)
		r.reach(tiers)
		return nil
	}
	r.setName(id, string(name))
	r.head.begin(id, r.head.intern(tierSet{tiers: tiers}), method, hint)
	r.reach(tiers)
	return nil
}

// series returns the series that the record's sample is for, nil when it has that.
func (r *recovery) series(id ID) (*block, *series) {
	if r.head.find(id) == nil {
		if _, dead := r.dead[id]; !dead {
			r.lost++
		}
		return nil, nil
	}
	number := int(id / frameSeries)
	if number < len(r.marks) && r.record <= r.marks[number] {
		return nil, nil
	}
	b := r.head.block(id)
	b.dirty = true
	return b, &b.series[id%frameSeries]
}

func (r *recovery) put(id ID, second uint32, v float64) error {
	if b, s := r.series(id); s != nil {
		r.head.put(id, b, s, second, v)
	}
	return nil
}

func (r *recovery) add(id ID, second uint32, v float64) error {
	if b, s := r.series(id); s != nil {
		r.head.add(id, b, s, second, v)
	}
	return nil
}

func (r *recovery) merge(id ID, second uint32, m metric.Bucket) error {
	if b, s := r.series(id); s != nil {
		r.head.merge(id, b, s, second, m)
	}
	return nil
}

func (r *recovery) commit(id metric.BatchID, second uint32) error {
	if r.record > r.meta.records {
		r.identities[id.Job] = identity{id.Seq, second, true}
	}
	return nil
}

func (r *recovery) remove(id ID) error {
	if r.record <= r.meta.records || r.head.find(id) == nil {
		return nil
	}
	r.drop(id)
	return nil
}

// drop forgets a series.
func (r *recovery) drop(id ID) {
	r.head.remove(id)
	r.dead[id] = r.head.horizon
	r.unsaved = append(r.unsaved, id)
}

func (r *recovery) keep(key string, value []byte) error {
	if r.record > r.meta.records {
		r.kept[key] = bytes.Clone(value)
	}
	return nil
}

func (r *recovery) rename(id ID, name []byte) error {
	if r.record <= r.meta.records || r.head.find(id) == nil {
		return nil
	}
	r.setName(id, string(name))
	r.unsaved = append(r.unsaved, id)
	return nil
}
