package store

import (
	"context"
	"slices"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// Reload takes new rules: from now on series have the tiers and methods that
// these say. What former tiers have can be read until it expires. It waits for a
// seal that is under way: what that took of a series is of the tiers it had.
func (db *DB) Reload(schemas schema.Schemas) error {
	db.keeping.Lock()
	defer db.keeping.Unlock()
	err := db.room()
	if err == nil {
		err = db.settle(schemas)
	}
	if err != nil {
		return err
	}
	db.names.mu.Lock()
	defer db.names.mu.Unlock()
	db.opt.Schemas = schemas
	db.applySchemas(schemas)
	return nil
}

// settle seals where late Puts wait for series that get another finest step: which
// value each of them replaces is told by the step that they came for.
func (db *DB) settle(schemas schema.Schemas) error {
	db.mu.Lock()
	steps := make(map[ID]uint32, len(db.head.late.of))
	for id := range db.head.late.of {
		steps[id] = db.head.sets[db.head.at(id).set].tiers[0].step
	}
	db.mu.Unlock()
	for id, step := range steps {
		if int64(step) != schemas.Tiers(db.names.index.Name(uint32(id)))[0].Step {
			return db.seal(context.Background())
		}
	}
	return nil
}

// applySchemas gives each series what the rules say. names.mu is held.
func (db *DB) applySchemas(schemas schema.Schemas) {
	for id, name := range db.names.index.All() {
		db.retier(ID(id), string(name), tiersOf(schemas.Tiers(string(name))), schemas.Method(string(name)))
	}
}

// retier changes one series, when there is anything to change.
func (db *DB) retier(id ID, name string, tiers []tier, rule metric.Method) {
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.head.find(id)
	if s == nil {
		return
	}
	method := methodOf(rule, s.hint)
	if method == s.method && slices.Equal(tiers, db.head.sets[s.set].tiers) {
		return
	}
	db.append(appendName(newRecord(nil), id, s.hint, method, tiers, name))
	db.head.retier(id, tiers, method)
	db.unsaved = append(db.unsaved, id)
	db.reach(tiers)
}

// retier changes a series' tiers. What the head has goes on in the new tier of
// the same step; where there is none it goes into the former one's frames.
func (h *head) retier(id ID, tiers []tier, method metric.Method) {
	b := h.block(id)
	b.dirty = true
	s := &b.series[id%frameSeries]
	s.method = method
	old := h.sets[s.set]
	if slices.Equal(tiers, old.tiers) {
		return
	}
	set := tierSet{tiers: tiers}
	for _, t := range old.all() {
		if !slices.Contains(tiers, t) && len(set.former) < maxTiers {
			set.former = append(set.former, t)
		}
	}
	h.move(id, s, old, set)
}

// place returns where in set.all() buckets of a tier go, -1: nowhere.
func (a tierSet) place(t tier) int {
	if i := slices.IndexFunc(a.tiers, func(o tier) bool { return o.step == t.step }); i >= 0 {
		return i
	}
	if i := slices.Index(a.former, t); i >= 0 {
		return len(a.tiers) + i
	}
	return -1
}

// move puts all that the head has of s where the new set has it.
func (h *head) move(id ID, s *series, old, set tierSet) {
	if old.tiers[0].step != set.tiers[0].step {
		h.closeFinest(s)
	}
	open := make([]coarse, len(old.tiers))
	for k := 1; k < len(old.tiers); k++ {
		c := h.coarseAt(s, k)
		if place := set.place(old.tiers[k]); place <= 0 || place >= len(set.tiers) {
			h.closeCoarse(s, k, c) // coarser ones have seen nothing of it yet
		}
		open[k] = *c
	}
	var closed []wide
	h.eachClosed(s, func(k int, start uint32, b metric.Bucket) {
		closed = append(closed, wide{bucket: b, start: start, tier: uint8(k)})
	})
	late := h.late.take(id)
	keep := *s
	h.takeClosed(s, 1<<32-1, func(int, uint32, metric.Bucket) {})
	for i := s.coarse; i != 0; {
		next := h.coarses.at(i).next
		h.coarses.put(i)
		i = next
	}
	*s = keep
	s.runs, s.wide, s.coarse = 0, 0, 0
	s.set = h.intern(set)
	h.makeCoarse(s)
	for i := len(closed) - 1; i >= 0; i-- {
		h.moveClosed(id, s, set, set.place(old.tiers[closed[i].tier]), closed[i].start, closed[i].bucket)
	}
	for k := 1; k < len(open); k++ {
		if open[k].start != 0 {
			o := h.coarseAt(s, set.place(old.tiers[k]))
			o.bucket, o.start, o.lastAt = open[k].bucket, open[k].start, open[k].lastAt
		}
	}
	h.beginBehind(s, old)
	for _, op := range late {
		k := 0
		if !op.put {
			k = set.place(old.all()[op.tier])
		}
		if k >= 0 {
			op.tier = uint8(k)
			h.late.add(id, op)
		}
	}
}

func (h *head) moveClosed(id ID, s *series, set tierSet, k int, start uint32, b metric.Bucket) {
	switch {
	case k < 0:
		return
	case k < len(set.tiers):
		h.keep(s, uint8(k), start, b)
		return
	}
	h.late.add(id, lateOp{start: start, tier: uint8(k), bucket: b})
}

// beginBehind opens the tiers that are new behind all that s ever had: what finer tiers
// handed on before is in the coarser ones already, so that what changes it changes those too.
func (h *head) beginBehind(s *series, old tierSet) {
	for k, t := range h.sets[s.set].tiers {
		had := func(o tier) bool { return o.step == t.step }
		if k > 0 && !slices.ContainsFunc(old.tiers[1:], had) {
			h.coarseAt(s, k).start = s.newest - s.newest%t.step + t.step
		}
	}
}
