package aggregate

import "github.com/logmetrics/logmetrics/internal/telemetry"

// Figures returns what the aggregator tells of itself. Counters are as of the
// last flush.
func (n *Node) Figures() []telemetry.Figure { return n.e.figures(n.opt.Forward) }

func (e *engine) figures(f *Forwarder) []telemetry.Figure {
	e.figuresLock.Lock()
	t := e.told
	e.figuresLock.Unlock()
	list := []telemetry.Figure{
		{Name: "statsdPackets", Value: float64(t.packets), Counter: true},
		{Name: "statsdLines", Value: float64(t.lines), Counter: true},
		{Name: "statsdBadLines", Value: float64(t.bad), Counter: true},
		{Name: "statsdNotices", Value: float64(t.notices), Counter: true},
		{Name: "statsdNamesRefused", Value: float64(t.namesRefused), Counter: true},
		{Name: "statsdValuesDropped", Value: float64(t.valuesDropped), Counter: true},
		{Name: "statsdNames", Value: float64(e.registry.count())},
	}
	if f == nil {
		return list
	}
	s, waiting := f.stats()
	return append(list,
		telemetry.Figure{Name: "forwardedFlushes", Value: float64(s.sent), Counter: true},
		telemetry.Figure{Name: "forwardErrors", Value: float64(s.failed), Counter: true},
		telemetry.Figure{Name: "forwardFlushesDropped", Value: float64(s.dropped), Counter: true},
		telemetry.Figure{Name: "forwardBytesWaiting", Value: float64(waiting)},
	)
}

// tell keeps what figures tell. Called with collecting held.
func (e *engine) tell() {
	e.ever.add(e.heard)
	e.heard = tally{}
	e.figuresLock.Lock()
	e.told = e.ever
	e.figuresLock.Unlock()
}
