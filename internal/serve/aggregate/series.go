package aggregate

import (
	"slices"
	"strings"
	"sync"
)

// series is what all workers share of one name of one kind.
type series struct {
	key    string // cleaned, with tags
	out    string // the same as it goes out: without tags, and cleaned if key is not
	tags   string // ";k=v", or empty
	gen    uint32 // of the table when a worker asked for it last; under registry.mu
	active bool   // it is sent; else it waits to be used again or removed
	heard  bool   // since somebody looked; owned by who collects, as active
}

func (s *series) base() *series { return s }

// counter is owned by who flushes, as are timer and set.
type counter struct {
	series
	sum float64
}

type timer struct {
	series
	timerCell
}

type set struct {
	series
	members
}

// gauge belongs to all workers: that of two updates the later counts, whoever
// brings it, and that a change is added at once, as it is in node.
type gauge struct {
	series // but for active, which is under mu

	mu    sync.Mutex
	value float64 // 0 where there is none
	ttl   int     // flushes that it is still sent, where gauges are deleted
}

// set sets the gauge, or changes it; ttl is how many flushes it is to live.
func (g *gauge) set(v float64, change bool, ttl int) {
	g.mu.Lock()
	if change {
		v += g.value
	}
	g.value, g.active, g.ttl = v, true, ttl
	g.mu.Unlock()
}

// read returns the value, unless there is none.
func (g *gauge) read() (v float64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.value, g.active
}

// remove takes the gauge out, and returns whether it was there.
func (g *gauge) remove() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.active
	g.active, g.value = false, 0
	return was
}

// leave marks whether the gauge may be removed; its value stays while it is not.
func (g *gauge) leave(gone bool) {
	g.mu.Lock()
	g.active = !gone
	g.mu.Unlock()
}

// total remembers where a running total stood. It belongs to all workers.
type total struct {
	series

	mu   sync.Mutex // over the rest, and active and heard
	last float64
	idle int // flushes in which it was not heard
}

// step returns by how much the total grew. One that was not known, or was 0,
// grows by nothing; one that fell began anew.
func (t *total) step(v float64) (d float64) {
	t.mu.Lock()
	if t.last > 0 {
		if d = v - t.last; d < 0 {
			d = v
		}
	}
	t.last, t.heard, t.active = v, true, true
	t.mu.Unlock()
	return d
}

// forget makes the next value the first.
func (t *total) forget() {
	t.mu.Lock()
	t.active, t.last = false, 0
	t.mu.Unlock()
}

// rest counts a flush, and forgets a total that was not heard of for more than
// limit flushes; limit 0 never does.
func (t *total) rest(limit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle++
	if t.heard {
		t.idle, t.heard = 0, false
	}
	if limit > 0 && t.idle > limit {
		t.active, t.last = false, 0
	}
}

// shelf holds the series of one kind.
type shelf[S interface{ base() *series }] struct {
	byKey map[string]S
	list  []S // in the order of their making
}

// get returns the series of key; when there is none and room is left it makes
// it from fresh. ok is false when there is none.
func get[T any, S interface {
	*T
	base() *series
}](r *registry, h *shelf[S], key string) (s S, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok = h.byKey[key]; !ok {
		if r.names >= r.max {
			return nil, false
		}
		r.names++
		s = new(T)
		r.spell(s.base(), key)
		if h.byKey == nil {
			h.byKey = map[string]S{}
		}
		h.byKey[s.base().key] = s
		h.list = append(h.list, s)
	}
	s.base().gen = r.gen
	return s, true
}

// all returns the series there are. Later ones are not in the slice.
func all[S interface{ base() *series }](r *registry, h *shelf[S]) []S {
	r.mu.Lock()
	defer r.mu.Unlock()
	return h.list[:len(h.list):len(h.list)]
}

// prune removes what idle says of, unless a worker asked for it since r.gen was raised.
func prune[S interface{ base() *series }](r *registry, h *shelf[S], idle func(S) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := make([]S, 0, len(h.list))
	for _, s := range h.list {
		if b := s.base(); b.gen == r.gen || !idle(s) {
			kept = append(kept, s)
			continue
		}
		delete(h.byKey, s.base().key)
		r.names--
	}
	h.list = slices.Clip(kept)
}

// registry holds all series.
type registry struct {
	max   int
	clean func(key string) string // nil: keys are clean

	mu       sync.Mutex // over what follows, and gen of each series
	gen      uint32
	names    int
	counters shelf[*counter]
	timers   shelf[*timer]
	sets     shelf[*set]
	gauges   shelf[*gauge]
	totals   shelf[*total]
	keys     shelf[*brubeckKey] // brubeck's alone
}

// spell fills in how the series is written.
func (r *registry) spell(s *series, key string) {
	s.key = key
	out := s.key
	if r.clean != nil {
		out = r.clean(key)
	}
	s.out = out
	if i := strings.IndexByte(out, ';'); i >= 0 {
		s.out, s.tags = out[:i], out[i:]
	}
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names
}
