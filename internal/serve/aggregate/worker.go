package aggregate

import (
	"bytes"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
)

// Worker takes what one socket or one connection brings. Its methods are
// called by the one goroutine that owns it. Its lock is taken once a block,
// and by others for as long as it takes to exchange the open interval.
type Worker struct {
	e    *engine
	take func(w *Worker, b []byte) // the dialect

	mu    sync.Mutex // over all that follows
	names names
	open  *interval
	spare *interval // the other one; nil while it is being collected
	done  bool      // no more blocks come
	last  time.Time // when a packet was seen last, as far as Idle knows
	seen  uint64    // packets that last knows of
	total uint64    // packets

	// What the cells of the interval belong to. The first stands for none.
	counters []*counter
	timers   []*timer
	sets     []*set
	gauges   []*gauge
	totals   []*total
	keys     []*brubeckKey
	epoch    uint32 // brubeck's alone: Brubeck.epoch, as of the block's beginning

	line  statsd.Line
	key   []byte // the name with its tags, as sent
	ahead ahead
}

// Block takes a datagram, or whole lines of a stream; the last line needs no '\n'.
func (w *Worker) Block(b []byte) {
	w.mu.Lock()
	w.total++
	w.open.tally.packets++
	w.take(w, b)
	w.mu.Unlock()
}

// Idle tells that nothing more waits for now. It returns nil.
func (w *Worker) Idle() error {
	w.mu.Lock()
	if w.seen != w.total {
		w.seen, w.last = w.total, time.Now()
	}
	w.mu.Unlock()
	return nil
}

// Close says that no more blocks come. What came counts in the next flush.
func (w *Worker) Close() {
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
}

// learn makes raw, which is not too long, known as a spelling of key, and
// returns its id; 0: there is no room for it.
func (w *Worker) learn(raw, key []byte) uint32 {
	if !w.e.spelling() {
		return 0
	}
	if bytes.Equal(key, raw) {
		return w.names.add(raw)
	}
	clean := w.names.find(key)
	if clean == 0 {
		w.e.spellings.Add(1) // beyond the limit by no more than as much again
		clean = w.names.add(key)
	}
	id := w.names.add(raw)
	w.names.list[id].clean = clean
	return id
}

// cell returns where the values of a name are for a kind; 0: there is no room.
func (w *Worker) cell(id uint32, k kind) uint32 {
	n := &w.names.list[id]
	if i := n.cells[k]; i != 0 {
		return i
	}
	clean := &w.names.list[n.clean]
	if clean.cells[k] == 0 {
		clean.cells[k] = w.bind(clean.key, k)
	}
	n.cells[k] = clean.cells[k]
	return n.cells[k]
}

// bind finds the series, and makes a cell for it.
func (w *Worker) bind(key string, k kind) (i uint32) {
	r, iv := &w.e.registry, w.open
	switch k {
	case counterKind:
		w.counters, i = bound(r, &r.counters, w.counters, key)
	case timerKind:
		w.timers, i = bound(r, &r.timers, w.timers, key)
	case setKind:
		w.sets, i = bound(r, &r.sets, w.sets, key)
	case gaugeKind:
		w.gauges, i = bound(r, &r.gauges, w.gauges, key)
	case totalKind:
		w.totals, i = bound(r, &r.totals, w.totals, key)
	case keyKind:
		w.keys, i = bound(r, &r.keys, w.keys, key)
	}
	iv.fit(len(w.counters), len(w.timers), len(w.sets))
	return i
}

func bound[T any, S interface {
	*T
	base() *series
}](r *registry, h *shelf[S], list []S, key string) ([]S, uint32) {
	s, ok := get(r, h, key)
	if !ok {
		return list, 0
	}
	return append(list, s), uint32(len(list))
}

// count adds to a counter.
func (w *Worker) count(id uint32, v float64) {
	i := w.cell(id, counterKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	c := &w.open.counters[i]
	if !math.IsNaN(*c) {
		*c += v
		return
	}
	*c = v
	w.open.touched[counterKind] = append(w.open.touched[counterKind], i)
}

// observe adds a value to a timer, which stands for weight values.
func (w *Worker) observe(id uint32, v, weight float64) { w.observeUpTo(id, v, weight, math.MaxInt) }

// observeUpTo keeps no more than limit values.
func (w *Worker) observeUpTo(id uint32, v, weight float64, limit int) {
	i := w.cell(id, timerKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	iv := w.open
	c := &iv.timers[i]
	if c.count == 0 {
		iv.touched[timerKind] = append(iv.touched[timerKind], i)
	}
	c.count += weight
	if c.big != nil && int(c.big.bucket.Count)+len(c.values) >= limit {
		return
	}
	if len(c.values) == metric.MaxExact {
		iv.kept -= metric.MaxExact
		c.spill()
	}
	if iv.kept >= w.e.limits.MaxValues {
		iv.tally.valuesDropped++
		return
	}
	iv.kept++
	c.values = append(c.values, v)
}

// insert adds a member to a set.
func (w *Worker) insert(id uint32, member []byte) {
	i := w.cell(id, setKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	iv := w.open
	s := &iv.sets[i]
	if s.n == 0 && s.estimate == nil {
		iv.touched[setKind] = append(iv.touched[setKind], i)
	}
	if iv.kept >= w.e.limits.MaxValues {
		iv.tally.valuesDropped++
		return
	}
	if s.add(maphash.Bytes(w.names.seed, member)) {
		iv.kept++
	}
}

// setGauge sets or changes a gauge.
func (w *Worker) setGauge(id uint32, v float64, change bool) {
	i := w.cell(id, gaugeKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	w.gauges[i].set(v, change, w.e.gaugeTTL)
}

// grow adds to a counter what a running total grew by.
func (w *Worker) grow(id uint32, v float64) {
	i := w.cell(id, totalKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	w.count(id, w.totals[i].step(v))
}

// exchange takes the open interval out; forget makes the worker learn all names anew.
func (w *Worker) exchange(forget bool) (full *interval, s held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	full, s = w.open, held{w.counters, w.timers, w.sets, w.done, w.last, len(w.names.list)}
	if w.seen != w.total {
		s.last = time.Now() // it never was idle
		w.seen, w.last = w.total, s.last
	}
	if forget {
		w.learnAnew()
		return full, s
	}
	w.open = w.spare
	w.open.fit(len(w.counters), len(w.timers), len(w.sets))
	w.spare = nil
	return full, s
}

// held says what the cells of an interval belong to.
type held struct {
	counters []*counter
	timers   []*timer
	sets     []*set
	done     bool
	last     time.Time
	names    int
}

func (w *Worker) learnAnew() {
	w.names = newNames(w.e.seed)
	w.open, w.spare = new(interval), new(interval)
	w.counters, w.timers, w.sets = make([]*counter, 1), make([]*timer, 1), make([]*set, 1)
	w.gauges, w.totals, w.keys = make([]*gauge, 1), make([]*total, 1), make([]*brubeckKey, 1)
}

// giveBack returns an interval that was collected.
func (w *Worker) giveBack(iv *interval) {
	iv.forget()
	w.mu.Lock()
	if w.spare == nil {
		w.spare = iv
	}
	w.mu.Unlock()
}
