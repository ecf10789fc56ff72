package ingest

import (
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// reason is why something was not taken. Those of the store are the first, by
// their numbers: 0 is what was taken.
type reason uint8

const (
	taken   = reason(store.Taken)
	badName = reason(store.BadName)
)

const (
	badLine         = reason(store.RefusalCount) + iota // it did not decode
	longLine                                            // it is longer than maxLine
	textField                                           // its value is no number
	heartbeat                                           // a line without fields
	staleMarker                                         // Prometheus: the series ended
	notFinite                                           // NaN or an infinity, which mean "no value" to who sends them
	badLabels                                           // empty, not sorted, twice, no UTF-8
	nativeHistogram                                     // of Prometheus
	exemplar                                            // of Prometheus
	noValue                                             // OTLP: flagged as not recorded
	noTemporality                                       // OTLP: neither delta nor cumulative
	badPoint                                            // OTLP: bins, bounds or scale do not fit
	sampleReasons
)

// Reasons why a request was not taken, or not whole.
const (
	badRequest = sampleReasons + iota // it did not decode
	wrongType                         // Content-Type or Content-Encoding
	tooLarge
	busy       // no turn in time
	clientGone // or too slow
	storeFull
	reasons
)

var reasonNames = [reasons]string{
	badLine: "badLine", longLine: "longLine", textField: "textFields", heartbeat: "heartbeats",
	staleMarker: "staleMarkers", notFinite: "notFinite", badLabels: "badLabels",
	nativeHistogram: "nativeHistogram", exemplar: "exemplar",
	noValue: "noValue", noTemporality: "noTemporality", badPoint: "badPoint",
	badRequest: "badRequest", wrongType: "wrongType", tooLarge: "tooLarge",
	busy: "busy", clientGone: "clientGone", storeFull: "storeFull",
}

// String returns the reason as metrics have it.
func (r reason) String() string {
	if r < reason(store.RefusalCount) {
		return store.Refusal(r).String()
	}
	return reasonNames[r]
}

// Reasons of all handlers, and those that one of them has besides.
var (
	commonReasons = []reason{
		badName, reason(store.BadValue), reason(store.BadTime), reason(store.TooManySeries), reason(store.TooManyNew),
		badRequest, wrongType, tooLarge, busy, clientGone, storeFull,
	}
	influxReasons     = []reason{badLine, longLine, textField, heartbeat}
	prometheusReasons = []reason{badLabels, staleMarker, notFinite, nativeHistogram, exemplar}
	otlpReasons       = []reason{badLabels, notFinite, noValue, noTemporality, badPoint}
)

// tally is what became of the samples of one block or request.
type tally [sampleReasons]uint64

// counts is the account of one handler.
type counts struct {
	listener        string
	reasons         []reason // that it can have
	requests, bytes atomic.Uint64
	by              [reasons]atomic.Uint64
	notice          notices
}

// add adds up a tally and clears it.
func (c *counts) add(t *tally) {
	for r, n := range t {
		if n > 0 {
			c.by[r].Add(n)
		}
	}
	clear(t[:])
}

// example logs a refusal once a minute.
func (h *HTTP) example(c *counts, client string, e *refusal) {
	if !c.notice.due() {
		return
	}
	log := h.opt.Log.With("source", c.listener, "client", client, "reason", e.reason.String())
	if e.cause != nil {
		log = log.With("err", e.cause)
	}
	log.Warn("a request is not taken, or in part", "answer", quoted(e.says))
}

// Figures are what the handlers have taken and refused so far.
func (h *HTTP) Figures() (list []telemetry.Figure) {
	for _, c := range []*counts{&h.influx, &h.prometheus, &h.otlp} {
		list = append(list,
			counter("requests", c.listener, c.requests.Load()),
			counter("bytes", c.listener, c.bytes.Load()),
			counter("points", c.listener, c.by[taken].Load()))
		for _, r := range c.reasons {
			list = append(list, c.figure(r))
		}
	}
	return list
}

func (c *counts) figure(r reason) telemetry.Figure {
	n := c.by[r].Load()
	switch {
	case r == heartbeat || r == staleMarker || r == textField: // nothing is refused
		return counter(r.String(), c.listener, n)
	case r < sampleReasons:
		return because(counter("refusedPoints", c.listener, n), r.String())
	}
	return because(counter("refusedRequests", c.listener, n), r.String())
}
