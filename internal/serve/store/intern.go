package store

import (
	"fmt"
	"sync"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/metric"
)

// catalogue knows the series by name.
type catalogue struct {
	index *names.Index

	// mu is held by what adds, renames and removes names; taken before DB.mu.
	mu     sync.Mutex
	second int64 // as of which budget is
	budget int   // names that may be made
}

// newBurst is for how many seconds MaxNewSeries is saved up: a flush of StatsD
// makes at once what came in its interval, and a timer is a dozen series.
const newBurst = 10

// Names returns the index of the names, to search in. Its numbers are IDs. Only
// the store changes it.
func (db *DB) Names() *names.Index { return db.names.index }

// intern returns the series of a raw name, which it makes when it is new.
func (db *DB) intern(raw []byte, hint metric.Method, scratch *[names.MaxLen]byte) (ID, Refusal) {
	name, ok := names.AppendCanonical(scratch[:0], raw)
	if !ok {
		return 0, BadName
	}
	c := &db.names
	if id, ok := c.index.Get(name); ok {
		return ID(id), Taken
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := db.mayMake(); r != Taken {
		if id, ok := c.index.Get(name); ok { // another writer was faster
			return ID(id), Taken
		}
		return 0, r
	}
	return db.makeSeries(name, hint)
}

// full is what intern returns of a new name while the disk takes nothing.
const full = RefusalCount

// mayMake says whether one more series may be made.
func (db *DB) mayMake() Refusal {
	c := &db.names
	if c.index.Len() >= db.opt.MaxSeries {
		return TooManySeries
	}
	if db.room() != nil {
		return full
	}
	if now := db.now().Unix(); now != c.second {
		each, passed := min(db.opt.MaxNewSeries, names.MaxID), min(max(now-c.second, 1), newBurst)
		c.second, c.budget = now, min(c.budget+int(passed)*each, newBurst*each)
	}
	if c.budget == 0 {
		return TooManyNew
	}
	c.budget--
	return Taken
}

// makeSeries puts a new series into index, log and head, unless another writer did.
func (db *DB) makeSeries(name []byte, hint metric.Method) (ID, Refusal) {
	text := string(name)
	tiers := tiersOf(db.opt.Schemas.Tiers(text))
	method := methodOf(db.opt.Schemas.Method(text), hint)
	db.mu.Lock()
	defer db.mu.Unlock()
	number, added, err := db.names.index.Add(name)
	if err != nil {
		return 0, TooManySeries
	}
	id := ID(number)
	if !added {
		return id, Taken
	}
	db.record = appendName(newRecord(db.record), id, hint, method, tiers, text)
	db.append(db.record)
	db.head.begin(id, db.head.intern(tierSet{tiers: tiers}), method, hint)
	db.unsaved = append(db.unsaved, id)
	db.reach(tiers)
	return id, Taken
}

// reach notes how far back samples may be.
func (db *DB) reach(tiers []tier) {
	if keep := int64(longest(tiers)); keep > db.keep.Load() {
		db.keep.Store(keep)
	}
}

// methodOf returns what coarser buckets show: what the configuration says, else
// what the writer knew.
func methodOf(rule, hint metric.Method) metric.Method {
	switch {
	case rule != metric.Unset:
		return rule
	case hint != metric.Unset:
		return hint
	}
	return metric.Average
}

// canonical returns the number of a name.
func (db *DB) canonical(name string) (ID, []byte, error) {
	canonical, ok := names.AppendCanonical(nil, []byte(name))
	if !ok {
		return 0, nil, fmt.Errorf("%q is no name: %w", name, ErrNoSeries)
	}
	id, ok := db.names.index.Get(canonical)
	if !ok {
		return 0, canonical, fmt.Errorf("%q: %w", name, ErrNoSeries)
	}
	return ID(id), canonical, nil
}

// Delete forgets a series. Its buckets are gone at once for readers; they leave
// the disk when their partitions are folded or expire. Samples that writers had
// put and not flushed begin a new series. The error wraps ErrNoSeries or ErrFull.
func (db *DB) Delete(name string) error {
	db.names.mu.Lock()
	defer db.names.mu.Unlock()
	id, canonical, err := db.canonical(name)
	if err == nil {
		err = db.room()
	}
	if err != nil {
		return fmt.Errorf("delete series: %w", err)
	}
	db.names.index.Remove(uint32(id))
	db.mu.Lock()
	defer db.mu.Unlock()
	db.append(appendDelete(newRecord(nil), id))
	db.head.remove(id)
	db.dead[id] = string(canonical)
	db.unsaved = append(db.unsaved, id)
	db.renamed.Add(1)
	return nil
}

// Rename gives a series another name; its buckets stay. The error wraps
// ErrNoSeries, ErrName, ErrExists or ErrFull.
func (db *DB) Rename(from, to string) error {
	db.names.mu.Lock()
	defer db.names.mu.Unlock()
	id, _, err := db.canonical(from)
	if err == nil {
		err = db.room()
	}
	if err != nil {
		return fmt.Errorf("rename series: %w", err)
	}
	canonical, ok := names.AppendCanonical(nil, []byte(to))
	if !ok {
		return fmt.Errorf("rename series to %q: %w", to, ErrName)
	}
	if err := db.names.index.Rename(uint32(id), canonical); err != nil {
		return err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.append(appendRename(newRecord(nil), id, canonical))
	db.unsaved = append(db.unsaved, id)
	db.renamed.Add(1)
	return nil
}
