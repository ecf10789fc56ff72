package aggregate

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
)

// NodeOptions configure a Node. The zero value works.
type NodeOptions struct {
	Options
	NodeConfig
}

// Node does what node's statsd does. Its methods may be called concurrently.
type Node struct {
	opt NodeOptions
	e   *engine
	out *emitter
	own ownCounters

	calc      timerCalc
	began     time.Time
	healthy   atomic.Bool
	lastFlush atomic.Int64 // stamp; 0 before the first
	status    status
}

// ownCounters count what came, as series of their own.
type ownCounters struct{ bad, packets, lines *counter }

// all yields where each counter is kept, in node's order.
func (o *ownCounters) all(yield func(name string, c **counter) bool) {
	_ = yield("bad_lines_seen", &o.bad) && yield("packets_received", &o.packets) && yield("metrics_received", &o.lines)
}

// NewNode returns a Node. An error is a setting's.
func NewNode(opt NodeOptions) (*Node, error) {
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("statsd: %w", err)
	}
	var clean func(string) string
	if !orTrue(opt.KeyNameSanitize) {
		clean = func(key string) string { return string(statsd.AppendCleanKey(nil, []byte(key))) }
	}
	n := &Node{
		opt: opt, e: newEngine(opt.Options, opt.GaugesMaxTTL, clean), out: newEmitter(opt.Options, opt.spaces()),
		calc: newTimerCalc(&opt.NodeConfig), began: time.Now(),
	}
	n.healthy.Store(opt.HealthStatus != "down")
	for name, c := range n.own.all {
		var ok bool
		if *c, ok = get(&n.e.registry, &n.e.registry.counters, opt.PrefixStats+"."+name); !ok {
			return nil, fmt.Errorf("statsd: MaxNames %d: too few", opt.MaxNames)
		}
		(*c).active = true
	}
	return n, nil
}

// Worker returns what takes the lines of one socket or connection.
func (n *Node) Worker() *Worker {
	w := n.e.worker(n.take)
	w.line.Strict = n.opt.Strict
	return w
}

// Interval returns the time between flushes.
func (n *Node) Interval() time.Duration {
	return time.Duration(n.opt.FlushInterval) * time.Millisecond
}

// Run flushes at each multiple of the interval until ctx is done, and then
// once more. Workers must be idle by then if nothing is to be lost.
func (n *Node) Run(ctx context.Context) {
	runWith(ctx, n.opt.Forward, n.Interval(), n.Flush)
}

// take takes lines. It is called with the worker's lock.
func (n *Node) take(w *Worker, b []byte) {
	if n.opt.Debug != nil {
		n.opt.Debug.lines(b)
	}
	for i := 0; len(b) > 0; i++ {
		if i%aheadLines == 0 {
			w.lookAhead(b)
		}
		size := w.line.Plain(b)
		if size == 0 {
			b = n.takeLine(w, b)
			continue
		}
		id := w.names.find(w.spelling())
		if id == 0 {
			b = n.takeLine(w, b)
			continue
		}
		w.open.tally.lines++
		w.sample(id)
		b = b[size:]
	}
}

// spelling returns the name, and its tags as they were sent behind "\n:". No
// name has a ':', and no key a line end, so that they differ from others.
func (w *Worker) spelling() []byte {
	l := &w.line
	if len(l.Tags) == 0 {
		return l.Name
	}
	w.key = append(append(append(w.key[:0], l.Name...), "\n:"...), l.Tags...)
	return w.key
}

// takeLine takes the first line of b, whatever it is, and returns the others.
func (n *Node) takeLine(w *Worker, b []byte) (rest []byte) {
	line := b
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	}
	if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
		return rest
	}
	t := &w.open.tally
	t.lines++
	if !n.opt.Strict && line[0] == '_' {
		switch statsd.NoticeOf(line) {
		case statsd.Event, statsd.ServiceCheck:
			t.notices++
			return rest
		case statsd.BadNotice:
			t.bad++
			n.e.example(line)
			return rest
		}
	}
	n.takeSamples(w, line)
	return rest
}

func (n *Node) takeSamples(w *Worker, line []byte) {
	l, t := &w.line, &w.open.tally
	bad := t.bad
	l.Parse(line)
	if l.Next() { // else it says nothing, and its name is not to take room
		id, named := n.name(w)
		for more := true; more; more = l.Next() {
			switch {
			case !named:
				t.bad++
			case id == 0:
				t.namesRefused++
			default:
				w.sample(id)
			}
		}
	}
	if t.bad += uint64(l.Bad); t.bad != bad {
		n.e.example(line)
	}
}

// name returns the id of the line's name; named is false when it has none, and
// the id 0 when there is no room for it.
func (n *Node) name(w *Worker) (id uint32, named bool) {
	raw := w.spelling()
	if id = w.names.find(raw); id != 0 {
		return id, true
	}
	if len(raw) > n.e.limits.MaxKeyBytes {
		return 0, true
	}
	key, named := n.clean(&w.line)
	if !named {
		return 0, false
	}
	return w.learn(raw, key), true
}

// clean returns the key of a line; ok is false when it has no name.
func (n *Node) clean(l *statsd.Line) (key []byte, ok bool) {
	key = statsd.AppendKey(nil, l.Name, l.Tags)
	if orTrue(n.opt.KeyNameSanitize) {
		key = statsd.AppendCleanKey(nil, key)
	}
	if !n.opt.Strict {
		key = statsd.SortTags(key)
	}
	return key, len(key) > 0 && key[0] != ';'
}

// sample adds the sample that the line stands at.
func (w *Worker) sample(id uint32) {
	l := &w.line
	v, weight := l.Value, 1.0
	if l.Rate != 1 {
		weight = 1 / l.Rate
	}
	switch l.Type {
	case statsd.Counter:
		w.count(id, v*weight)
	case statsd.Gauge:
		w.setGauge(id, v, l.Delta)
	case statsd.Set:
		w.insert(id, l.Member)
	case statsd.Total:
		w.grow(id, v*weight)
	default: // a timer, a histogram, a distribution
		w.observe(id, v, weight)
	}
}
