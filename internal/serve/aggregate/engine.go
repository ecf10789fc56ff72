package aggregate

import (
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// engine is what both dialects share: workers that hear, and the series they
// are collected into.
type engine struct {
	registry
	limits   Limits
	seed     maphash.Seed
	gaugeTTL int
	log      *slog.Logger

	spellings atomic.Int64 // of names in all workers
	room      atomic.Int64 // for spellings
	quiet     atomic.Int64 // Unix second until which no bad line is shown

	hands   sync.Mutex // over workers
	workers []*Worker

	// collecting is held by who collects or flushes, and owns the counters,
	// timers and sets of the registry and what follows.
	collecting sync.Mutex
	heard      tally // since the last flush
	ever       tally // until the last flush
	lastPacket time.Time

	figuresLock sync.Mutex // over told
	told        tally      // ever, for who must not wait
}

func newEngine(opt Options, gaugeTTL int, clean func(string) string) *engine {
	e := &engine{limits: opt.Limits.withDefaults(), seed: maphash.MakeSeed(), gaugeTTL: gaugeTTL, log: opt.Log}
	e.registry.max, e.registry.clean = e.limits.MaxNames, clean
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

func (e *engine) worker(take func(w *Worker, b []byte)) *Worker {
	w := &Worker{e: e, take: take}
	w.learnAnew()
	e.hands.Lock()
	defer e.hands.Unlock()
	e.workers = append(e.workers, w)
	e.makeRoom()
	return w
}

// makeRoom lets each worker know all names, up to a number of workers, and
// have some spelled in other ways. Called with hands held.
func (e *engine) makeRoom() {
	e.room.Store(int64(e.limits.MaxNames) * int64(moreSpellings+min(len(e.workers), fullWorkers)))
}

// spelling counts one more spelling of a name, if there is room for it.
func (e *engine) spelling() bool {
	if e.spellings.Add(1) > e.room.Load() {
		e.spellings.Add(-1)
		return false
	}
	return true
}

// How often a bad line is shown, and how much of it.
const (
	exampleSeconds = 60
	exampleBytes   = 200
)

// example shows a bad line, if none was for a while.
func (e *engine) example(line []byte) {
	now := time.Now().Unix()
	if quiet := e.quiet.Load(); now >= quiet && e.quiet.CompareAndSwap(quiet, now+exampleSeconds) {
		e.log.Warn("statsd: bad line; others of this minute are only counted", "line", fmt.Sprintf("%q", line[:min(len(line), exampleBytes)]))
	}
}

func (e *engine) team() []*Worker {
	e.hands.Lock()
	defer e.hands.Unlock()
	return slices.Clone(e.workers)
}

// collect takes in what all workers have heard. Called with collecting held.
func (e *engine) collect(forget bool) {
	for _, w := range e.team() {
		iv, s := w.exchange(forget)
		e.take(iv, s)
		if forget {
			e.spellings.Add(int64(1 - s.names))
		} else {
			w.giveBack(iv)
		}
		if s.done {
			e.dismiss(w)
		}
	}
}

func (e *engine) take(iv *interval, s held) {
	for _, i := range iv.touched[counterKind] {
		c := s.counters[i]
		c.sum += iv.counters[i]
		c.active, c.heard = true, true
		iv.counters[i] = untouched()
	}
	for _, i := range iv.touched[timerKind] {
		s.timers[i].merge(&iv.timers[i])
		s.timers[i].active, s.timers[i].heard = true, true
	}
	for _, i := range iv.touched[setKind] {
		s.sets[i].merge(&iv.sets[i])
		s.sets[i].active = true
	}
	e.heard.add(iv.tally)
	if s.last.After(e.lastPacket) {
		e.lastPacket = s.last
	}
}

// dismiss lets go of a worker that is done. Nothing comes from it any more,
// for what it was told to close with came before.
func (e *engine) dismiss(w *Worker) {
	e.hands.Lock()
	defer e.hands.Unlock()
	e.workers = slices.DeleteFunc(e.workers, func(o *Worker) bool { return o == w })
	e.makeRoom()
	w.mu.Lock()
	defer w.mu.Unlock()
	e.spellings.Add(int64(1 - len(w.names.list)))
	w.learnAnew()
}

// crowdedNames is how many names are not worth being tidied.
const crowdedNames = 1000

// tidy removes series that are not sent when they are most of all, so that
// names that come and go leave room for others. It returns whether it did.
// Called with collecting held.
func (e *engine) tidy() bool {
	idle := e.idle()
	names := e.registry.count()
	full := e.spellings.Load() > e.room.Load()/4*3
	if !full && (idle < crowdedNames || idle < names/2) {
		return false
	}
	e.registry.mu.Lock()
	e.registry.gen++
	e.registry.mu.Unlock()
	e.collect(true) // what workers know is forgotten, so that nobody points to what goes
	r := &e.registry
	prune(r, &r.counters, func(c *counter) bool { return !c.active })
	prune(r, &r.timers, func(t *timer) bool { return !t.active })
	prune(r, &r.sets, func(s *set) bool { return !s.active })
	prune(r, &r.gauges, func(g *gauge) bool { _, ok := g.read(); return !ok })
	prune(r, &r.totals, (*total).asleep)
	prune(r, &r.keys, func(k *brubeckKey) bool { return !k.active })
	return true
}

// idle counts the series that are not sent.
func (e *engine) idle() (n int) {
	for _, c := range all(&e.registry, &e.registry.counters) {
		n += one(!c.active)
	}
	for _, t := range all(&e.registry, &e.registry.timers) {
		n += one(!t.active)
	}
	for _, s := range all(&e.registry, &e.registry.sets) {
		n += one(!s.active)
	}
	for _, g := range all(&e.registry, &e.registry.gauges) {
		_, ok := g.read()
		n += one(!ok)
	}
	for _, t := range all(&e.registry, &e.registry.totals) {
		n += one(t.asleep())
	}
	for _, k := range all(&e.registry, &e.registry.keys) {
		n += one(!k.active)
	}
	return n
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (t *total) asleep() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.active
}
