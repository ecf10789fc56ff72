package aggregate

import (
	"encoding/binary"
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

// interval holds what one worker heard since it was collected last. The
// worker owns the one that is open, and whoever collects the other.
type interval struct {
	counters []float64   // NaN: not touched
	timers   []timerCell // neither touched without values
	sets     []members
	touched  [gaugeKind][]uint32 // of each kind, what is to be collected
	kept     int                 // values and members, of which a worker may keep so many
	tally    tally
}

// tally counts what came.
type tally struct {
	packets, lines, bad         uint64
	notices                     uint64 // DogStatsD's events and service checks, which nothing keeps
	namesRefused, valuesDropped uint64
}

func (t *tally) add(o tally) {
	t.packets += o.packets
	t.lines += o.lines
	t.bad += o.bad
	t.notices += o.notices
	t.namesRefused += o.namesRefused
	t.valuesDropped += o.valuesDropped
}

// untouched is what a counter holds that had nothing.
func untouched() float64 { return math.NaN() }

// fit makes room for as many cells as the worker has.
func (iv *interval) fit(counters, timers, sets int) {
	for len(iv.counters) < counters {
		iv.counters = append(iv.counters, untouched())
	}
	if short := timers - len(iv.timers); short > 0 {
		iv.timers = append(iv.timers, make([]timerCell, short)...)
	}
	if short := sets - len(iv.sets); short > 0 {
		iv.sets = append(iv.sets, make([]members, short)...)
	}
}

// timerCell is one timer during an interval.
type timerCell struct {
	count  float64   // with each value weighed by its rate
	values []float64 // at most metric.MaxExact; those of big are not in it
	big    *sketch   // nil while values has all
}

// sketch is what is left of many values.
type sketch struct {
	dist    metric.Dist
	bucket  metric.Bucket
	squares float64
}

// add adds values; it may sort them.
func (s *sketch) add(values []float64) {
	for _, v := range values {
		s.bucket.Observe(v)
		s.squares += v * v
	}
	s.dist.AddAll(values)
}

// spill moves the values into the sketch.
func (c *timerCell) spill() {
	if c.big == nil {
		c.big = new(sketch)
	}
	c.big.add(c.values)
	c.values = c.values[:0]
}

// merge takes over what o has, and leaves it empty.
func (c *timerCell) merge(o *timerCell) {
	c.count += o.count
	switch {
	case o.big != nil && c.big == nil:
		c.big = o.big
	case o.big != nil:
		c.big.dist.Merge(&o.big.dist)
		c.big.bucket.Merge(o.big.bucket)
		c.big.squares += o.big.squares
	}
	if len(c.values) == 0 {
		c.values, o.values = o.values, c.values
	} else {
		c.values = append(c.values, o.values...)
	}
	if c.big != nil || len(c.values) > metric.MaxExact {
		c.spill()
	}
	o.clear()
}

// roomy is how many values may be kept room for though few are used.
const roomy = 64

func (c *timerCell) clear() {
	if cap(c.values) > roomy && cap(c.values) > 4*len(c.values) {
		c.values = nil
	}
	c.count, c.values, c.big = 0, c.values[:0], nil
}

// members are the members of a set: the hashes of their texts, of 64 bits, up
// to maxMembers, then an estimate.
type members struct {
	slots    []uint64 // a hash table with open addressing; 0: free
	n        int
	estimate *metric.Members // nil: slots have all
}

// maxMembers is how many members are counted one by one: 1 MiB a set. That two
// of them have one hash has a chance of 1 in 10^10.
const maxMembers = 1 << 16

// add adds a member by its hash, and returns whether it takes room that was free.
func (m *members) add(h uint64) bool {
	if m.estimate != nil {
		m.estimate.Add(binary.LittleEndian.AppendUint64(nil, h))
		return false
	}
	h = max(h, 1)
	if 2*m.n >= len(m.slots) {
		m.grow()
	}
	mask := uint64(len(m.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch m.slots[i] {
		case h:
			return false
		case 0:
			m.slots[i] = h
			m.n++
			if m.n > maxMembers {
				m.guess()
			}
			return true
		}
	}
}

func (m *members) grow() {
	old := m.slots
	m.slots, m.n = make([]uint64, max(8, 2*len(old))), 0
	for _, h := range old {
		if h != 0 {
			m.add(h)
		}
	}
}

// guess gives up the table for an estimate.
func (m *members) guess() {
	m.estimate = new(metric.Members)
	for _, h := range m.slots {
		if h != 0 {
			m.estimate.Add(binary.LittleEndian.AppendUint64(nil, h))
		}
	}
	m.slots, m.n = nil, 0
}

func (m *members) merge(o *members) {
	for _, h := range o.slots {
		if h != 0 {
			m.add(h)
		}
	}
	if o.estimate != nil {
		if m.estimate == nil {
			m.guess()
		}
		m.estimate.Merge(o.estimate)
	}
	o.clear()
}

func (m *members) count() float64 {
	if m.estimate != nil {
		return float64(m.estimate.Estimate())
	}
	return float64(m.n)
}

func (m *members) clear() {
	if len(m.slots) > roomy && len(m.slots) > 8*m.n {
		m.slots = nil
	}
	clear(m.slots)
	m.n, m.estimate = 0, nil
}

// forget ends the interval, whose cells were emptied when they were collected.
func (iv *interval) forget() {
	for k := range iv.touched {
		iv.touched[k] = iv.touched[k][:0]
	}
	iv.kept, iv.tally = 0, tally{}
}
