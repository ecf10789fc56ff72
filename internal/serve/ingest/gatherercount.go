package ingest

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

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
	values                            [store.RefusalCount]atomic.Uint64 // of samples: what the store said of each number
	next                              atomic.Int64                      // Unix nanoseconds from which on an example is shown again
}

// taken counts a batch that was kept.
func (c *gathererCounts) taken(samples int, refused [store.RefusalCount]uint64) {
	c.batches.Add(1)
	c.samples.Add(uint64(samples))
	for why, n := range refused {
		c.values[why].Add(n)
	}
}

// due reports whether an example may be logged, which it may once a minute.
func (c *gathererCounts) due(now time.Time) bool {
	at, next := now.UnixNano(), c.next.Load()
	return at >= next && c.next.CompareAndSwap(next, at+int64(time.Minute))
}

// Figures returns the Gatherer's account of itself.
func (g *Gatherer) Figures() []telemetry.Figure {
	c := &g.count
	list := []telemetry.Figure{
		{Name: "batches", Value: float64(c.batches.Load()), Counter: true},
		{Name: "repeatedBatches", Value: float64(c.repeated.Load()), Counter: true},
		{Name: "samples", Value: float64(c.samples.Load()), Counter: true},
		{Name: "bytes", Value: float64(c.bytes.Load()), Counter: true},
		{Name: "identities", Value: float64(g.known.count())},
	}
	for r := range c.refused {
		list = append(list, telemetry.Figure{Name: "refusedBatches", Labels: reasonLabel(gathererReason(r).String()), Value: float64(c.refused[r].Load()), Counter: true})
	}
	for r := range c.values {
		if n := c.values[r].Load(); n > 0 && store.Refusal(r) != store.Taken {
			list = append(list, telemetry.Figure{Name: "refusedValues", Labels: reasonLabel(store.Refusal(r).String()), Value: float64(n), Counter: true})
		}
	}
	return list
}

func reasonLabel(reason string) []telemetry.Label {
	return []telemetry.Label{{Key: "reason", Value: reason}}
}

// idleIdentity is after how long without a batch the store forgets a job.
const idleIdentity = 90 * 24 * time.Hour

// identities bounds the jobs of which the store has to keep a number: of those
// that have sent a batch since the process began.
type identities struct {
	most int

	mu    sync.Mutex             // protects the fields below
	seen  map[[16]byte]time.Time // when the last batch came
	sweep time.Time              // before that nobody is forgotten again
}

func newIdentities(most int) *identities {
	return &identities{most: most, seen: make(map[[16]byte]time.Time)}
}

// admit reports whether the job may send a batch.
func (s *identities) admit(job [16]byte, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.seen[job]; !known && len(s.seen) >= s.most {
		if now.Before(s.sweep) {
			return false
		}
		s.sweep = now.Add(time.Hour)
		for other, last := range s.seen {
			if now.Sub(last) > idleIdentity {
				delete(s.seen, other)
			}
		}
		if len(s.seen) >= s.most {
			return false
		}
	}
	s.seen[job] = now
	return true
}

func (s *identities) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}
