package aggregate

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
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
	Version string // what /ping and /stats say
}

// Brubeck does what GitHub's brubeck does, but for its text numbers: values are
// whole doubles. Its methods may be called concurrently.
type Brubeck struct {
	opt BrubeckOptions
	e   *engine
	out *emitter

	expired int64         // stamp of the last expiry; owned by who flushes
	epoch   atomic.Uint32 // raised when names have become less active

	mu       sync.Mutex // over what follows
	rates    brubeckRates
	samplers []string // HOST:PORT
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
	u := &Brubeck{opt: opt, e: newEngine(opt.Options, 1, nil), out: newEmitter(opt.Options, spaces{})}
	u.epoch.Store(1)
	return u, nil
}

// Samples has /stats tell that lines come in at HOST:PORT.
func (u *Brubeck) Samples(address string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.samplers = append(u.samplers, address)
}

// Worker returns what takes the lines of one socket or connection.
func (u *Brubeck) Worker() *Worker { return u.e.worker(u.take) }

// Interval returns the time between flushes.
func (u *Brubeck) Interval() time.Duration { return time.Duration(u.opt.Frequency) * time.Second }

// Run flushes at each multiple of the frequency until ctx is done, and then
// once more. Workers must be idle by then if nothing is to be lost.
func (u *Brubeck) Run(ctx context.Context) {
	runWith(ctx, u.opt.Forward, u.Interval(), u.Flush)
}

// take takes lines. It is called with the worker's lock.
func (u *Brubeck) take(w *Worker, b []byte) {
	if u.opt.Debug != nil {
		u.opt.Debug.lines(b)
	}
	w.epoch = u.epoch.Load()
	for i := 0; len(b) > 0; i++ {
		if i%aheadLines == 0 {
			w.lookAhead(b)
		}
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
		u.e.example(line)
		return rest
	}
	t.lines++
	id := w.names.find(w.line.Name)
	if id == 0 && len(w.line.Name) <= u.e.limits.MaxKeyBytes {
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
	l, n := &w.line, &w.names.list[id]
	if n.awake/typeCount != w.epoch && !w.wake(id) {
		w.open.tally.namesRefused++
		return
	}
	weight := 1.0
	if l.Rate != 1 {
		weight = 1 / l.Rate
	}
	switch statsd.Type(n.awake % typeCount) {
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

// typeCount is how many types of lines there are.
const typeCount = uint32(statsd.Total) + 1

// wake makes a name active, and of the line's type if it is of none, and notes both
// beside the name: until names become less active again, nothing else of it but its
// value is looked at. It returns false when there is no room for the name.
func (w *Worker) wake(id uint32) bool {
	i := w.cell(id, keyKind)
	if i == 0 {
		return false
	}
	k := w.keys[i]
	k.kind.CompareAndSwap(0, int32(w.line.Type)+1)
	k.state.Store(stateActive)
	w.names.list[id].awake = w.epoch*typeCount + uint32(k.kind.Load()-1)
	return true
}

// brubeckValues is how many values of a name brubeck keeps in an interval;
// beyond it they are only counted.
const brubeckValues = 65_535
