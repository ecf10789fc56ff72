package ingest

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// reason is why something was not taken. Those of the store are the first, by
// their numbers: 0 is what was taken.
type reason uint8

const taken = reason(store.Taken)

const (
	badLine         = reason(store.RefusalCount) + iota // it did not decode
	longLine                                            // it is longer than maxLine
	textField                                           // its value is no number
	heartbeat                                           // a line without fields
	staleMarker                                         // Prometheus: the series ended
	notFinite                                           // NaN or an infinity, which mean "no value" to who sends them
	badLabels                                           // empty, not sorted, twice, no UTF-8
	longName                                            // with its tags it is longer than maxName
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
	tooManySamples
	busy       // no turn in time
	clientGone // or too slow
	storeFull
	reasons
)

var reasonNames = [reasons]string{
	store.BadName: "badName", store.BadValue: "badValue", store.BadTime: "badTime",
	store.TooManySeries: "tooManySeries", store.TooManyNew: "tooManyNew",
	badLine: "badLine", longLine: "longLine", textField: "textField", heartbeat: "heartbeat",
	staleMarker: "staleMarker", notFinite: "notFinite", badLabels: "badLabels", longName: "longName",
	nativeHistogram: "nativeHistogram", exemplar: "exemplar",
	noValue: "noValue", noTemporality: "noTemporality", badPoint: "badPoint",
	badRequest: "badRequest", wrongType: "wrongType", tooLarge: "tooLarge", tooManySamples: "tooManySamples",
	busy: "busy", clientGone: "clientGone", storeFull: "storeFull",
}

// String returns the reason as metrics have it.
func (r reason) String() string { return reasonNames[r] }

// tally is what became of the samples of one block or request.
type tally [sampleReasons]uint64

// counts is the account of one handler.
type counts struct {
	handler         string
	requests, bytes atomic.Uint64
	by              [reasons]atomic.Uint64
	said            atomic.Int64 // when the last example was logged, in Unix nanoseconds
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

// between examples of bad input in the log.
const between = time.Minute

// example logs a refusal unless one was logged less than a minute ago.
func (h *HTTP) example(c *counts, client string, e *refusal) {
	now, last := h.opt.Now().UnixNano(), c.said.Load()
	if last != 0 && now-last < int64(between) && now >= last || !c.said.CompareAndSwap(last, now) {
		return
	}
	log := h.opt.Log.With(slog.String("source", c.handler), slog.String("client", client), slog.String("reason", e.reason.String()))
	if e.cause != nil {
		log = log.With(slog.Any("err", e.cause))
	}
	log.Warn("request not taken, or in part", slog.String("answer", excerpt(e.says)))
}

// Figures returns the account of all handlers.
func (h *HTTP) Figures() (list []telemetry.Figure) {
	for _, c := range []*counts{&h.influx, &h.prometheus, &h.otlp} {
		add := func(name string, n uint64, more ...telemetry.Label) {
			labels := append([]telemetry.Label{{Key: "handler", Value: c.handler}}, more...)
			list = append(list, telemetry.Figure{Name: name, Labels: labels, Value: float64(n), Counter: true})
		}
		add("httpRequests", c.requests.Load())
		add("httpBytes", c.bytes.Load())
		add("httpSamples", c.by[taken].Load())
		for r := taken + 1; r < reasons; r++ {
			n := c.by[r].Load()
			switch {
			case n == 0: // most never happen
			case r < sampleReasons:
				add("httpNotTaken", n, telemetry.Label{Key: "reason", Value: r.String()})
			default:
				add("httpRefused", n, telemetry.Label{Key: "reason", Value: r.String()})
			}
		}
	}
	return list
}
