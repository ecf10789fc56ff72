package ingest

import (
	"net/http"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// gathererReason is why a request to the gatherer was not answered by 200.
type gathererReason uint8

const (
	gathererMethod gathererReason = iota
	gathererType
	gathererTooLarge
	gathererBadBatch
	gathererGone
	gathererBusy
	gathererTooManyNew
	gathererTooManyIdentities
	gathererStore
	gathererFailed
	gathererReasons
)

// gathererRefusals are the reasons as metrics have them, and what is answered;
// after retry seconds the same batch may be taken, 0: never.
var gathererRefusals = [gathererReasons]struct {
	name          string
	status, retry int
}{
	gathererMethod:            {"badMethod", http.StatusMethodNotAllowed, 0},
	gathererType:              {"wrongType", http.StatusUnsupportedMediaType, 0},
	gathererTooLarge:          {"tooLarge", http.StatusRequestEntityTooLarge, 0},
	gathererBadBatch:          {"badBatch", http.StatusBadRequest, 0},
	gathererGone:              {"clientGone", http.StatusRequestTimeout, 1},
	gathererBusy:              {"busy", http.StatusServiceUnavailable, 1},
	gathererTooManyNew:        {"tooManyNew", http.StatusTooManyRequests, 2},
	gathererTooManyIdentities: {"tooManyIdentities", http.StatusTooManyRequests, 300},
	gathererStore:             {"storeFull", http.StatusServiceUnavailable, 5},
	gathererFailed:            {"failed", http.StatusInternalServerError, 5},
}

// String returns the reason as metrics have it.
func (r gathererReason) String() string { return gathererRefusals[r].name }

// gathererCounts is the account of a Gatherer.
type gathererCounts struct {
	batches, repeated, samples, bytes atomic.Uint64
	refused                           [gathererReasons]atomic.Uint64
	points                            [store.RefusalCount]atomic.Uint64 // what the store said of each
	notice                            notices
}

// taken counts a batch that was kept.
func (c *gathererCounts) taken(samples int, points [store.RefusalCount]uint64) {
	c.batches.Add(1)
	c.samples.Add(uint64(samples))
	for why, n := range points {
		c.points[why].Add(n)
	}
}

// Figures is what was taken and refused so far.
func (g *Gatherer) Figures() []telemetry.Figure {
	const listener = "gatherer"
	c := &g.count
	list := []telemetry.Figure{
		counter("batches", listener, c.batches.Load()), counter("repeatedBatches", listener, c.repeated.Load()),
		counter("samples", listener, c.samples.Load()), counter("bytes", listener, c.bytes.Load()),
		counter("points", listener, c.points[store.Taken].Load()),
	}
	for r := range gathererReasons {
		list = append(list, because(counter("refusedRequests", listener, c.refused[r].Load()), r.String()))
	}
	for r := store.Taken + 1; r < store.RefusalCount; r++ {
		list = append(list, because(counter("refusedPoints", listener, c.points[r].Load()), r.String()))
	}
	return list
}
