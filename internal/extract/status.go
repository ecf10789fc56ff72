package extract

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Status is what a job that is followed tells of itself. It is safe for
// concurrent use: the job writes, others read.
type Status struct {
	mu  sync.Mutex
	now Snapshot
}

// Snapshot is a Status at one moment.
type Snapshot struct {
	// Ready says that the job has its lock and has read what was there when it began.
	Ready bool
	// Beat is when the job last went round: at least once a second while all is
	// well, with each block while there is much to read, and at least twice a
	// minute while nothing can be kept.
	Beat time.Time
	// Account holds the numbers of the job's own account, under the names of the
	// self-metrics; counters as totals since the job began.
	Account []Figure
	Logs    []LogLag
	Failed  map[string]error // by Destination.Name: why the output does not take batches now
	Trouble error            // what keeps the job from reading or keeping; nil when nothing does
}

// Figure is one number of a job's account of itself.
type Figure struct {
	Name    string // as in "bytesLost"
	Value   float64
	Counter bool
}

// LogLag says how far behind a log is read.
type LogLag struct {
	Path    string
	Bytes   int64 // not yet read
	Seconds int64 // since the newest of them was written; 0 without any
}

// Snapshot returns how the job is now.
func (s *Status) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.now
	n.Account, n.Logs, n.Failed = slices.Clone(n.Account), slices.Clone(n.Logs), maps.Clone(n.Failed)
	return n
}

// beat notes that the job goes on, between what Snapshot tells of.
func (s *Status) beat(now func() time.Time) {
	if s != nil {
		at := now()
		s.set(func(n *Snapshot) { n.Beat = at })
	}
}

func (s *Status) set(change func(*Snapshot)) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}
