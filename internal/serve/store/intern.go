package store

import (
	"bytes"
	"sync"

	"github.com/logmetrics/logmetrics/metric"
)

// catalogue knows the series by name.
type catalogue struct {
	mu     sync.Mutex // taken before DB.mu
	byName map[string]ID
	second int64 // the one that made is of
	made   int   // names made in that second
}

// intern returns the series of a raw name, which it makes when it is new.
func (db *DB) intern(raw []byte, hint metric.Method) (ID, Refusal) {
	if len(raw) == 0 || bytes.ContainsAny(raw, " \n\t") {
		return 0, BadName
	}
	c := &db.names
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, ok := c.byName[string(raw)]; ok {
		return id, Taken
	}
	if r := db.mayMake(); r != Taken {
		return 0, r
	}
	name := string(raw)
	id := ID(len(c.byName))
	db.makeSeries(id, name, hint)
	c.byName[name] = id
	return id, Taken
}

// mayMake says whether one more series may be made.
func (db *DB) mayMake() Refusal {
	c := &db.names
	if len(c.byName) >= db.opt.MaxSeries {
		return TooManySeries
	}
	if now := db.now().Unix(); now != c.second {
		c.second, c.made = now, 0
	}
	if c.made >= db.opt.MaxNewSeries || db.room() != nil {
		return TooManyNew
	}
	c.made++
	return Taken
}

// makeSeries puts a new series into log and head.
func (db *DB) makeSeries(id ID, name string, hint metric.Method) {
	tiers := tiersOf(db.opt.Schemas.Tiers(name))
	method := methodOf(db.opt.Schemas.Method(name), hint)
	part := appendName(nil, id, hint, method, tiers, name)
	db.mu.Lock()
	defer db.mu.Unlock()
	db.log.Append(part)
	db.head.add(id, db.head.intern(tierSet{tiers: tiers}), method, hint)
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
