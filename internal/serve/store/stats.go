package store

import (
	"fmt"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// figures count what the store does.
type figures struct {
	full, unnamed, frames, frameBytes, damaged, seals, sealErrors, folds, expired, late, waiting, kept atomic.Int64
}

// Stats are figures of the store. Those that count go up from the start of the process.
type Stats struct {
	Series     int   // there are
	Identities int   // known senders of batches
	Kept       int   // bytes of what is kept beside series, with its keys
	Pending    int   // bytes that are not durable yet
	Closed     int   // bytes of closed buckets in RAM, which the next seal takes
	Waiting    int   // late changes that the next seal makes
	Frames     int64 // written by seals
	FrameBytes int64 // theirs
	Records    int64 // of the log, since ever
	Seals      int64
	SealErrors int64 // seals, folds and expiries that did not end well
	Folds      int64
	Expired    int64 // partitions, or several at once, that were taken away
	Late       int64 // changes of sealed buckets, of each tier, that samples have asked for
	Refused    int64 // calls of Flush and Commit that found the disk full
	Unnamed    int64 // samples of new names that waited for the disk, and found too many names then
	Damaged    int64 // blocks that could not be read
	DiskBytes  int64 // of the engine's files
}

// Stats returns the figures.
func (db *DB) Stats() Stats {
	f := &db.figures
	s := Stats{
		Series: db.names.index.Len(), Kept: int(f.kept.Load()), Pending: db.log.Pending(),
		Frames: f.frames.Load(), FrameBytes: f.frameBytes.Load(), Seals: f.seals.Load(), SealErrors: f.sealErrors.Load(),
		Folds: f.folds.Load(), Expired: f.expired.Load(), Late: f.late.Load(), Refused: f.full.Load(), Unnamed: f.unnamed.Load(), Damaged: f.damaged.Load(),
		DiskBytes: int64(db.engine.Metrics().DiskSpaceUsage()),
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	s.Identities, s.Records = len(db.identities), int64(db.records)
	s.Closed, s.Waiting = db.head.closedBytes(), db.head.late.n
	return s
}

// Bounds of what the head holds for the next seal.
const (
	maxClosedBytes = 192 << 20 // more, and a seal is made early
	maxLate        = 1 << 20   // late changes; likewise
	fullLate       = 4 << 20   // more, and writers wait
)

// closedBytes returns what closed buckets take.
func (h *head) closedBytes() int { return h.runs.live()*runBytes + h.wides.live()*wideBytes }

const (
	runBytes  = 128
	wideBytes = 64
)

// crowded asks the keeper for a seal when the head holds much. mu is held.
func (db *DB) crowded() {
	db.figures.waiting.Store(int64(db.head.late.n))
	if db.head.late.n < maxLate && db.head.closedBytes() < maxClosedBytes {
		return
	}
	select {
	case db.full <- struct{}{}:
	default:
	}
}

// room says whether the store takes more.
func (db *DB) room() error {
	if n := db.log.Pending(); n > db.opt.MaxPending {
		return fmt.Errorf("store %q: %d bytes wait for the log: %w", db.opt.Dir, n, ErrFull)
	}
	if n := db.figures.waiting.Load(); n > fullLate {
		return fmt.Errorf("store %q: %d late changes wait for a seal: %w", db.opt.Dir, n, ErrFull)
	}
	return nil
}

// Info is what the store knows of a series.
type Info struct {
	ID     ID
	Name   string // canonical
	Tiers  schema.Tiers
	Former schema.Tiers // before the schemas changed; readable until they expire
	Method metric.Method
	Newest int64 // start of the newest bucket that it ever had, Unix seconds
}

// Series returns what is known of a series.
func (db *DB) Series(name string) (Info, bool) {
	id, canonical, err := db.canonical(name)
	if err != nil {
		return Info{}, false
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.head.find(id)
	if s == nil {
		return Info{}, false
	}
	set := db.head.sets[s.set]
	return Info{ID: id, Name: string(canonical), Tiers: schemaTiers(set.tiers), Former: schemaTiers(set.former),
		Method: s.method, Newest: int64(s.newest)}, true
}

func schemaTiers(tiers []tier) (out schema.Tiers) {
	for _, t := range tiers {
		out = append(out, schema.Tier{Step: int64(t.step), Keep: int64(t.keep)})
	}
	return out
}
