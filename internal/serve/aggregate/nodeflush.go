package aggregate

import (
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// status is what the flushes before told of themselves.
type status struct {
	exception   time.Time // of the newest failure; zero: none
	flushed     time.Time // when values were handed on last
	flushMillis float64
	flushBytes  float64
}

// Flush sends what came since the last flush with the stamp, and clears it.
// Run calls it.
func (n *Node) Flush(stamp int64) {
	n.e.collecting.Lock()
	defer n.e.collecting.Unlock()
	start := time.Now()
	n.e.collect(false)
	n.lag(stamp)
	n.own.bad.active, n.own.packets.active, n.own.lines.active = true, true, true
	n.own.bad.sum += float64(n.e.heard.bad)
	n.own.packets.sum += float64(n.e.heard.packets)
	n.own.lines.sum += float64(n.e.heard.lines)
	n.e.tell()
	n.out.begin(stamp)
	stats := n.counters() + n.timers() + n.gauges() + n.sets()
	n.ownStats(stats, start)
	n.handOn()
	n.e.tidy()
}

// lag keeps by how much flushes are apart more than they should be, in seconds.
func (n *Node) lag(stamp int64) {
	if before := n.lastFlush.Swap(stamp); before != 0 {
		if g, ok := get(&n.e.registry, &n.e.registry.gauges, n.opt.PrefixStats+".timestamp_lag"); ok {
			g.set(float64(stamp-before)-n.calc.perSecond, false, n.e.gaugeTTL)
		}
	}
}

func (n *Node) counters() (sent int) {
	deleted := n.opt.deletes(n.opt.DeleteCounters)
	counts := orTrue(n.opt.FlushCounts)
	for _, c := range all(&n.e.registry, &n.e.registry.counters) {
		if !c.active {
			continue
		}
		sent++
		n.out.putRate(n.out.rate, &c.series, n.out.rateField, c.sum/n.calc.perSecond)
		if counts {
			n.out.put(n.out.count, &c.series, n.out.countField, metric.Sum, c.sum)
		}
		c.sum = 0
		c.active = !deleted || c == n.own.bad || c == n.own.packets || c == n.own.lines
	}
	limit := 0
	if deleted {
		limit = totalRest
	}
	for _, t := range all(&n.e.registry, &n.e.registry.totals) {
		t.rest(limit)
	}
	return sent
}

// totalRest is for how many flushes a running total is remembered that nobody
// sends, where counters are deleted.
const totalRest = 8640 // a day of 10 s

func (n *Node) timers() (sent int) {
	deleted := n.opt.deletes(n.opt.DeleteTimers)
	for _, t := range all(&n.e.registry, &n.e.registry.timers) {
		if !t.active {
			continue
		}
		sent++
		n.calc.fields(t.key, &t.timerCell, func(field string, how metric.Method, v float64) {
			if field == perSecondField {
				n.out.putRate(n.out.timer, &t.series, field, v)
				return
			}
			n.out.put(n.out.timer, &t.series, field, how, v)
		})
		t.clear()
		t.active = !deleted
	}
	return sent
}

func (n *Node) gauges() (sent int) {
	deleted := n.opt.deletes(n.opt.DeleteGauges)
	for _, g := range all(&n.e.registry, &n.e.registry.gauges) {
		v, ok := g.flush(deleted)
		if !ok {
			continue
		}
		sent++
		n.out.put(n.out.gauge, &g.series, "", metric.Average, v)
	}
	return sent
}

// flush returns what is to be sent; it is one flush less that the gauge has to live.
func (g *gauge) flush(deleted bool) (v float64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok = g.value, g.active
	if deleted {
		if g.ttl--; g.ttl <= 0 {
			g.active, g.value = false, 0
		}
	}
	return v, ok
}

func (n *Node) sets() (sent int) {
	deleted := n.opt.deletes(n.opt.DeleteSets)
	for _, s := range all(&n.e.registry, &n.e.registry.sets) {
		if !s.active {
			continue
		}
		sent++
		n.out.put(n.out.set, &s.series, ".count", metric.Max, s.count())
		s.clear()
		s.active = !deleted
	}
	return sent
}

// ownStats sends what node tells of itself.
func (n *Node) ownStats(stats int, start time.Time) {
	took, last := milliseconds(start), n.last()
	n.out.putOwn(n.out.numStats, "numStats", float64(stats))
	n.out.putOwn(n.out.own, "graphiteStats.calculationtime", took)
	n.out.putOwn(n.out.own, "processing_time", took)
	n.out.putOwn(n.out.own, "graphiteStats.last_exception", unix(last.exception))
	n.out.putOwn(n.out.own, "graphiteStats.last_flush", unix(last.flushed))
	n.out.putOwn(n.out.own, "graphiteStats.flush_time", last.flushMillis)
	n.out.putOwn(n.out.own, "graphiteStats.flush_length", last.flushBytes)
}

// unix returns a time as node tells it: 0 for none.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// handOn hands all on and remembers how it went.
func (n *Node) handOn() {
	start := time.Now()
	err := n.out.end()
	n.status.flushMillis, n.status.flushBytes = milliseconds(start), float64(n.out.bytes)
	if err != nil {
		n.status.exception = time.Now()
		n.e.log.Error("statsd: values of a flush were not kept", "err", err)
		return
	}
	n.status.flushed = time.Now()
}

// last returns how the newest flush went: where flushes are forwarded, what of
// them came last through, as node has it.
func (n *Node) last() status {
	s := n.status
	if f := n.opt.Forward; f != nil {
		fs, _ := f.stats()
		s.flushed, s.flushMillis, s.flushBytes = fs.flushed, float64(fs.took.Milliseconds()), float64(fs.size)
		if fs.exception.After(s.exception) {
			s.exception = fs.exception
		}
	}
	if s.flushed.IsZero() {
		s.flushed = n.began // as node has it, so that nobody is alarmed at the start
	}
	return s
}
