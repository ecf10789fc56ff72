package aggregate

import "github.com/logmetrics/logmetrics/internal/telemetry"

// Figures returns what the aggregator tells of itself, as of the last flush.
// They have no labels: who has several adds one.
func (n *Node) Figures() []telemetry.Figure { return n.e.figures(n.opt.Forward) }

// Figures returns what the aggregator tells of itself, as of the last flush.
func (u *Brubeck) Figures() []telemetry.Figure { return u.e.figures(u.opt.Forward) }

func (e *engine) figures(f *Forwarder) (list []telemetry.Figure) {
	add := func(name string, v float64, counter bool) {
		list = append(list, telemetry.Figure{Name: name, Value: v, Counter: counter})
	}
	e.figuresLock.Lock()
	t := e.told
	e.figuresLock.Unlock()
	add("packets", float64(t.packets), true)
	add("lines", float64(t.lines), true)
	add("badLines", float64(t.bad), true)
	add("notices", float64(t.notices), true)
	add("namesRefused", float64(t.namesRefused), true)
	add("valuesDropped", float64(t.valuesDropped), true)
	add("names", float64(e.registry.count()), false)
	if f != nil {
		s, waiting := f.stats()
		add("forwardedFlushes", float64(s.sent), true)
		add("forwardErrors", float64(s.failed), true)
		add("forwardFlushesDropped", float64(s.dropped), true)
		add("forwardBytesWaiting", float64(waiting), false)
	}
	return list
}

// tell keeps what figures tell. Called with collecting held.
func (e *engine) tell() {
	e.ever.add(e.heard)
	e.heard = tally{}
	e.figuresLock.Lock()
	e.told = e.ever
	e.figuresLock.Unlock()
}
