package aggregate

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
)

// BrubeckConfig has brubeck's settings under its own keys, which are the yaml
// names. The zero value works.
type BrubeckConfig struct {
	ServerName string `yaml:"server_name"` // of its own series; "": brubeck
	Frequency  int    `yaml:"frequency"`   // seconds between flushes; 0: 10
	Expire     int    `yaml:"expire"`      // seconds after which a name of which nothing came is half, and then wholly, out; 0: never
}

// BrubeckOptions configure a Brubeck. The zero value works.
type BrubeckOptions struct {
	Options
	BrubeckConfig
	Version  string   // what /ping and /stats say
	Samplers []string // HOST:PORT where lines come in, for /stats
}

// Brubeck does what GitHub's brubeck does, but for its text numbers: values are
// whole doubles. Its methods may be called concurrently.
type Brubeck struct {
	opt BrubeckOptions
	e   *engine
	out *emitter

	expired int64 // stamp of the last expiry; owned by who flushes

	mu    sync.Mutex // over what follows
	rates brubeckRates
}

// brubeckRates are what the last interval had, for /ping and /stats.
type brubeckRates struct {
	metrics, errors float64 // in the interval
	down            bool    // the sink took nothing
	sent            uint64  // values, ever
}

// The states of a name, in the order in which it goes without samples.
const (
	stateActive int32 = iota
	stateInactive
	stateDisabled
)

// brubeckKey is a name, which has one kind for ever.
type brubeckKey struct {
	series
	kind  atomic.Int32 // statsd.Type + 1; 0: nobody has said
	state atomic.Int32

	// Where its values are; owned by who flushes.
	counter *counter
	timer   *timer
	gauge   *gauge
}

// NewBrubeck returns a Brubeck. An error is a setting's.
func NewBrubeck(opt BrubeckOptions) (*Brubeck, error) {
	if opt.ServerName == "" {
		opt.ServerName = "brubeck"
	}
	if opt.Frequency == 0 {
		opt.Frequency = 10
	}
	if opt.Frequency < 0 || opt.Expire < 0 {
		return nil, fmt.Errorf("brubeck: frequency %d and expire %d: less than 0", opt.Frequency, opt.Expire)
	}
	return &Brubeck{opt: opt, e: newEngine(opt.Options, 1, nil), out: newEmitter(opt.Options, spaces{})}, nil
}

// Worker returns what takes the lines of one socket or connection.
func (u *Brubeck) Worker() *Worker { return u.e.worker(u.take) }

// Figures returns what the aggregator tells of itself, as of the last flush.
func (u *Brubeck) Figures() []telemetry.Figure { return u.e.figures(u.opt.Forward) }

// Run flushes at each multiple of the frequency until ctx is done, and then
// once more. Workers must be idle by then if nothing is to be lost.
func (u *Brubeck) Run(ctx context.Context) {
	runWith(ctx, u.opt.Forward, time.Duration(u.opt.Frequency)*time.Second, u.Flush)
}

// take takes lines. It is called with the worker's lock.
func (u *Brubeck) take(w *Worker, b []byte) {
	if u.opt.Debug != nil {
		u.opt.Debug.lines(b)
	}
	for len(b) > 0 {
		if size := w.line.Plain(b); size > 0 && w.line.Type != statsd.Set && len(w.line.Tags) == 0 && w.line.Rate <= 1 && !returned(b[:size]) {
			if id := w.names.find(w.line.Name); id != 0 {
				w.open.tally.lines++
				w.brubeckSample(id)
				b = b[size:]
				continue
			}
		}
		b = u.takeLine(w, b)
	}
}

// returned reports whether the line ends with a carriage return.
func returned(line []byte) bool { return bytes.HasSuffix(line, []byte("\r\n")) }

// takeLine takes the first line of b, whatever it is, and returns the others.
func (u *Brubeck) takeLine(w *Worker, b []byte) (rest []byte) {
	line := b
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	}
	t := &w.open.tally
	if !w.line.ParseBrubeck(line) {
		t.bad++
		return rest
	}
	t.lines++
	id := w.names.find(w.line.Name)
	if id == 0 {
		id = w.learn(w.line.Name, w.line.Name)
	}
	if id == 0 {
		t.namesRefused++
		return rest
	}
	w.brubeckSample(id)
	return rest
}

// brubeckSample adds the sample of the line to what its name is, whatever the
// line takes it for.
func (w *Worker) brubeckSample(id uint32) {
	l := &w.line
	i := w.cell(id, keyKind)
	if i == 0 {
		w.open.tally.namesRefused++
		return
	}
	k := w.keys[i]
	kind := k.kind.Load()
	if kind == 0 {
		k.kind.CompareAndSwap(0, int32(l.Type)+1)
		kind = k.kind.Load()
	}
	if k.state.Load() != stateActive {
		k.state.Store(stateActive)
	}
	weight := 1.0
	if l.Rate != 1 {
		weight = 1 / l.Rate
	}
	switch statsd.Type(kind - 1) {
	case statsd.Counter:
		w.count(id, l.Value*weight)
	case statsd.Total:
		w.grow(id, l.Value*weight)
	case statsd.Gauge:
		w.setGauge(id, l.Value, l.Delta)
	default:
		w.observeUpTo(id, l.Value, weight, brubeckValues)
	}
}

// brubeckValues is how many values of a name brubeck keeps in an interval;
// beyond it they are only counted.
const brubeckValues = 65_535

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
	put(".count_ps", metric.Average, c.count/float64(u.opt.Frequency))
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
