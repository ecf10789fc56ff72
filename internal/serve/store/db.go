package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// DB is the store. Its methods may be called concurrently.
//
// Locks are taken in the order keeping, keeps, view, catalogue.mu, mu.
type DB struct {
	opt    Options
	now    func() time.Time
	lock   io.Closer
	engine *engine
	log    *wal.Log
	names  catalogue

	// keeping is held by what changes files: seal, fold, retention, checkpoint.
	keeping sync.Mutex

	// keeps is held by what changes values kept beside series.
	keeps sync.Mutex

	// view protects the fields below, and what is in the engine: who reads frames
	// together with the head shares it, who moves buckets between them has it alone.
	view   sync.RWMutex
	spans  spans
	sealed map[string][]byte // what the engine is to get; nil: to forget
	arena  arena             // has the values of sealed but for kept ones
	fresh  map[spanOf]bool   // spans that the engine has nothing of
	// sealedUntil is the horizon of the last seal that was ingested.
	sealedUntil uint32

	// mu is held for a block of samples at a time, never during I/O. What goes
	// into the head goes into the log under the same hold, so that both have it
	// in the same order.
	mu         sync.Mutex
	head       head
	records    uint64 // how many the log has ever had
	identities map[[16]byte]identity
	record     []byte            // scratch
	unsaved    []ID              // series that the engine does not have as they are; some more than once
	dead       map[ID]string     // deleted since Open, with their names
	reused     map[ID]struct{}   // deleted so long ago that their numbers are given away again
	kept       map[string][]byte // values kept beside series that are not sealed; nil: dropped

	// renamed is counted up when an interned name may lead to another series.
	renamed atomic.Uint64
	keep    atomic.Int64 // the longest retention, in seconds

	broken  broken
	figures figures
	full    chan struct{} // tells the keeper that a seal should be made early
	hurry   chan struct{} // tells syncLoop that much waits
	cancel  context.CancelFunc
	wait    sync.WaitGroup
}

// Open opens the store in opt.Dir, making it when there is none. The error wraps
// ErrLocked when it is open already, and ErrVersion when it was written by a
// newer version.
func Open(opt Options) (*DB, error) {
	opt.fill()
	db := &DB{
		opt: opt, now: opt.Now,
		spans: spans{}, sealed: map[string][]byte{}, fresh: map[spanOf]bool{},
		identities: map[[16]byte]identity{}, dead: map[ID]string{}, reused: map[ID]struct{}{},
		kept: map[string][]byte{},
		full: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
	}
	db.head.memory(db)
	db.arena.memory = new(memory)
	runtime.AddCleanup(db, (*memory).release, db.arena.memory)
	db.names.index = names.New()
	db.reach(tiersOf(opt.Schemas.Tiers("any"))) // until there are series
	if err := db.open(); err != nil {
		return nil, fmt.Errorf("open store %q: %w", opt.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	db.cancel = cancel
	db.wait.Go(func() { db.syncLoop(ctx) })
	if opt.SealEvery > 0 {
		db.wait.Go(func() { db.keeper(ctx) })
	}
	return db, nil
}

func (o *Options) fill() {
	for _, d := range []struct {
		value    *int
		standard int
	}{{&o.MaxSeries, DefaultMaxSeries}, {&o.MaxNewSeries, DefaultMaxNewSeries}, {&o.MaxPending, DefaultMaxPending}, {&o.MaxIdentities, DefaultMaxIdentities}, {&o.MaxKept, DefaultMaxKept}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	if o.SealEvery == 0 {
		o.SealEvery = DefaultSealEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
}

func (db *DB) open() (err error) {
	fs, dir := db.opt.FS, db.opt.Dir
	if err := makeDir(fs, dir); err != nil {
		return err
	}
	db.lock, err = fs.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if db.engine, err = openEngine(fs, dir, db.opt.Log); err != nil {
		return errors.Join(err, db.lock.Close())
	}
	if db.log, err = wal.Open(fs, filepath.Join(dir, "log"), wal.Options{}); err == nil {
		err = db.recover()
	}
	if err != nil {
		return errors.Join(err, db.engine.Close(), db.lock.Close())
	}
	return nil
}

// makeDir makes dir and those above it, so that they stay after a power cut.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	if parent := fs.PathDir(dir); parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}

// Close makes all durable that was taken. Writers must not be used any more.
func (db *DB) Close() error {
	db.cancel()
	db.wait.Wait()
	err := errors.Join(db.log.Close(), db.engine.Close(), db.lock.Close())
	if err != nil {
		return fmt.Errorf("close store %q: %w", db.opt.Dir, err)
	}
	return nil
}

// syncEvery is half of what a sample may wait to become durable. Where more than
// syncBytes wait it is not waited for, so that memory for them is bounded.
const (
	syncEvery = 500 * time.Millisecond
	syncBytes = 4 << 20
)

func (db *DB) syncLoop(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	failing, hurry := false, db.hurry
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hurry:
		}
		err := db.Sync()
		if err != nil && !failing {
			db.opt.Log.Error("store: cannot write the log, trying again", "dir", db.opt.Dir, "err", err)
		}
		if err == nil && failing {
			db.opt.Log.Info("store: the log is written again", "dir", db.opt.Dir)
		}
		failing, hurry = err != nil, db.hurry
		if failing {
			hurry = nil // to try more often would not help
		}
	}
}

// append puts a record into the log; mu is held. The record begins with room for
// its number.
func (db *DB) append(record []byte) {
	db.records++
	db.log.Append(numbered(record, db.records))
	if db.log.Pending() > syncBytes {
		select {
		case db.hurry <- struct{}{}:
		default:
		}
	}
}

// identity is who sends batches.
type identity struct {
	seq     uint64
	seen    uint32 // second of the newest batch
	unsaved bool
}

// taken reports whether a batch was here before.
func (db *DB) taken(id metric.BatchID) bool {
	i, ok := db.identities[id.Job]
	return ok && i.seq >= id.Seq
}

// clampSecond makes a time one that 32 bits hold, with room for retentions.
func clampSecond(unix int64) uint32 { return uint32(min(max(unix, minSecond), maxSecond)) }

// minSecond and maxSecond bound the times of samples: 1970-01-02 and 2096.
const (
	minSecond = 86400
	maxSecond = 4_000_000_000
)
