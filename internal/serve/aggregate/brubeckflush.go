package aggregate

import (
	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
)

// Flush sends what came since the last flush with the stamp, and clears it.
// Run calls it.
func (u *Brubeck) Flush(stamp int64) {
	u.e.collecting.Lock()
	defer u.e.collecting.Unlock()
	u.e.collect(false)
	heard := u.e.heard
	u.e.tell()
	u.out.begin(stamp)
	u.own(heard)
	keys := all(&u.e.registry, &u.e.registry.keys)
	for i := len(keys) - 1; i >= 0; i-- {
		u.find(keys[i])
		u.send(keys[i])
	}
	err := u.out.end()
	if err != nil {
		u.e.log.Error("brubeck: values of a flush were not kept", "err", err)
	}
	u.mu.Lock()
	u.rates = brubeckRates{float64(heard.lines), float64(heard.bad), err != nil, u.rates.sent + uint64(u.out.n)}
	u.mu.Unlock()
	u.expire(keys, stamp)
	if u.e.tidy() {
		for _, k := range keys { // what they point to may be gone
			k.counter, k.timer, k.gauge = nil, nil, nil
		}
	}
}

// own sends what brubeck tells of itself.
func (u *Brubeck) own(heard tally) {
	prefix := u.opt.ServerName + "."
	u.out.putOwn(prefix, "metrics", float64(heard.lines))
	u.out.putOwn(prefix, "errors", float64(heard.bad))
	u.out.putOwn(prefix, "unique_keys", float64(u.uniqueKeys()))
}

// uniqueKeys counts names, of which brubeck's own is one.
func (u *Brubeck) uniqueKeys() int { return len(all(&u.e.registry, &u.e.registry.keys)) + 1 }

// find finds where a name's values are.
func (u *Brubeck) find(k *brubeckKey) {
	k.active = k.state.Load() != stateDisabled
	if k.counter != nil || k.timer != nil || k.gauge != nil {
		return
	}
	r := &u.e.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	switch statsd.Type(k.kind.Load() - 1) {
	case statsd.Counter, statsd.Total:
		k.counter = r.counters.byKey[k.key]
	case statsd.Gauge:
		k.gauge = r.gauges.byKey[k.key]
	default:
		k.timer = r.timers.byKey[k.key]
	}
}

// send sends a name's values, unless it is disabled, and clears them.
func (u *Brubeck) send(k *brubeckKey) {
	if k.state.Load() == stateDisabled {
		return
	}
	switch {
	case k.counter != nil:
		u.out.put("", &k.series, "", metric.Sum, k.counter.sum)
		k.counter.sum = 0
	case k.gauge != nil:
		if v, ok := k.gauge.read(); ok {
			u.out.put("", &k.series, "", metric.Average, v)
		}
	case k.timer != nil:
		u.histogram(k)
		k.timer.clear()
	}
}

// brubeckQuantiles are in brubeck's order.
var brubeckQuantiles = [...]struct {
	field string
	q     float64
}{
	{".median", .5}, {".percentile.75", .75}, {".percentile.95", .95}, {".percentile.98", .98}, {".percentile.99", .99}, {".percentile.999", .999},
}

func (u *Brubeck) histogram(k *brubeckKey) {
	c := &k.timer.timerCell
	put := func(field string, how metric.Method, v float64) { u.out.put("", &k.series, field, how, v) }
	put(".count", metric.Sum, c.count)
	u.out.putRate("", &k.series, perSecondField, c.count/float64(u.opt.Frequency))
	if c.count == 0 || len(c.values) == 0 && c.big == nil {
		return
	}
	d := c.summary()
	put(".min", metric.Min, d.bucket.Min)
	put(".max", metric.Max, d.bucket.Max)
	put(".sum", metric.Sum, d.bucket.Sum)
	put(".mean", metric.Average, d.bucket.Mean())
	for _, q := range brubeckQuantiles {
		put(q.field, metric.Average, d.quantile(q.q))
	}
}

// summary returns all values as a sketch, which is exact while they are few.
func (c *timerCell) summary() *sketch {
	c.spill()
	return c.big
}

// quantile returns the value of rank floor(q*n + 0.5), of ranks from 1.
func (s *sketch) quantile(q float64) float64 {
	n := int(s.bucket.Count)
	end, _, _ := s.part(max(1, int(q*float64(n)+.5)), false)
	return end
}

// expire makes names of which nothing came less active, each time that Expire passed.
func (u *Brubeck) expire(keys []*brubeckKey, stamp int64) {
	if u.expired == 0 {
		u.expired = stamp
	}
	if u.opt.Expire == 0 || stamp-u.expired < int64(u.opt.Expire) {
		return
	}
	u.expired = stamp
	for _, k := range keys {
		if !k.state.CompareAndSwap(stateActive, stateInactive) {
			k.state.CompareAndSwap(stateInactive, stateDisabled)
		}
		u.leave(k, k.state.Load() == stateDisabled)
	}
	u.epoch.Add(1)
}

// leave marks what may be removed when names are many.
func (u *Brubeck) leave(k *brubeckKey, gone bool) {
	k.active = !gone
	switch {
	case k.counter != nil:
		k.counter.active = !gone
	case k.timer != nil:
		k.timer.active = !gone
	case k.gauge != nil:
		k.gauge.leave(gone)
	}
}
