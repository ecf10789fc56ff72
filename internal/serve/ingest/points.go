package ingest

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
	"github.com/logmetrics/logmetrics/metric"
)

// MaxSeriesName is the length in bytes beyond which a series is refused before
// its name is made, as the store would then refuse it. A pickle can mean one name of a MiB, and a line of Influx
// the same tags, thousands of times: to look at them would take seconds.
const MaxSeriesName = store.MaxName

// Writer is a way into the store, as [store.Writer] is one. It is used by one
// goroutine at a time.
type Writer interface {
	Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal
	Flush() error
}

// PointsOptions configure what takes the points of one listener.
type PointsOptions struct {
	Name      string           // of the listener in figures and logs
	NewWriter func() Writer    // called for each Receiver
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: none
}

// Points makes the receivers of one listener, and counts for all of them. Its
// methods may be called concurrently; its constructors are [NewCarbon],
// [NewPickle] and [NewInflux].
type Points struct {
	opt         PointsOptions
	newReceiver func(*Points) Receiver
	reasons     []string // why a line can be bad

	taken, lines atomic.Uint64
	bad          []atomic.Uint64 // by reason
	refused      [store.RefusalCount]atomic.Uint64
	more         []extra
	badNotice    notices
	refuseNotice notices
}

// extra is a number that one protocol has.
type extra struct {
	name  string
	value atomic.Uint64
}

func newPoints(opt PointsOptions, reasons []string, newReceiver func(*Points) Receiver) *Points {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Log = logger(opt.Log)
	return &Points{opt: opt, newReceiver: newReceiver, reasons: reasons, bad: make([]atomic.Uint64, len(reasons))}
}

// Receiver returns a new Receiver, with a Writer of its own.
func (p *Points) Receiver() Receiver { return p.newReceiver(p) }

// Figures are what the receivers have taken and refused so far.
func (p *Points) Figures() []telemetry.Figure {
	name := p.opt.Name
	figures := []telemetry.Figure{counter("lines", name, p.lines.Load()), counter("points", name, p.taken.Load())}
	for i, reason := range p.reasons {
		figures = append(figures, because(counter("badLines", name, p.bad[i].Load()), reason))
	}
	for r := store.Taken + 1; r < store.RefusalCount; r++ {
		figures = append(figures, because(counter("refusedPoints", name, p.refused[r].Load()), r.String()))
	}
	for i := range p.more {
		figures = append(figures, counter(p.more[i].name, name, p.more[i].value.Load()))
	}
	return figures
}

// example shows a bad line once a minute.
func (p *Points) example(reason string, line []byte) {
	if p.badNotice.due() {
		p.opt.Log.Warn("bad lines", "source", p.opt.Name, "reason", reason, "line", excerpt(line))
	}
}

// putter gives points to a Writer, and counts them until Idle: not each datagram
// is to touch what all receivers share.
type putter struct {
	p       *Points
	w       Writer
	now     int64 // Unix seconds, 0 while not asked for
	lines   int
	taken   uint64
	refused [store.RefusalCount]uint64
	name    []byte // one that was refused, with its reason
	why     store.Refusal
}

// second is the receiver's clock in Unix seconds, read once between two calls of Idle.
func (u *putter) second() int64 {
	if u.now == 0 {
		u.now = u.p.opt.Now().Unix()
	}
	return u.now
}

// put gives a point to the Writer.
func (u *putter) put(name []byte, unix int64, v float64) {
	why := store.BadName
	if len(name) <= MaxSeriesName {
		why = u.w.Put(name, metric.Unset, unix, v)
	}
	if why == store.Taken {
		u.taken++
		return
	}
	u.refused[why]++
	u.name, u.why = append(u.name[:0], name[:min(len(name), excerptLen)]...), why
}

// Idle hands on what was put.
func (u *putter) Idle() error {
	u.now = 0
	u.p.lines.Add(uint64(u.lines))
	u.p.taken.Add(u.taken)
	u.lines, u.taken = 0, 0
	if u.why != store.Taken {
		u.countRefused()
	}
	return u.w.Flush()
}

func (u *putter) countRefused() {
	for why, n := range u.refused {
		u.p.refused[why].Add(n)
	}
	if u.p.refuseNotice.due() {
		u.p.opt.Log.Warn("points are refused", "source", u.p.opt.Name, "reason", u.why.String(), "series", excerpt(u.name))
	}
	u.refused, u.why = [store.RefusalCount]uint64{}, store.Taken
}
