package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/metric"
)

// DB is the store. Its methods may be called concurrently.
type DB struct {
	opt  Options
	log  *wal.Log
	lock io.Closer
	now  func() time.Time

	// mu is held for a block of samples at a time, never during I/O. What goes
	// into the head goes into the log under the same hold, so that both have it
	// in the same order.
	mu         sync.Mutex
	head       head
	identities map[[16]byte]identity

	names catalogue

	// renamed is counted up when an interned name may lead to another series.
	renamed atomic.Uint64

	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// identity is who sends batches.
type identity struct {
	seq  uint64
	seen uint32 // second of the newest batch
}

// Open opens the store in opt.Dir, making it when there is none. The error wraps
// ErrLocked when it is open already.
func Open(opt Options) (*DB, error) {
	if opt.MaxSeries <= 0 {
		opt.MaxSeries = DefaultMaxSeries
	}
	if opt.MaxNewSeries <= 0 {
		opt.MaxNewSeries = DefaultMaxNewSeries
	}
	if opt.MaxPending <= 0 {
		opt.MaxPending = DefaultMaxPending
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.FS == nil {
		opt.FS = vfs.Default
	}
	db := &DB{opt: opt, now: opt.Now, identities: map[[16]byte]identity{}}
	db.names.byName = map[string]ID{}
	if err := db.open(); err != nil {
		return nil, fmt.Errorf("open store %q: %w", opt.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	db.cancel = cancel
	db.wait.Go(func() { db.syncLoop(ctx) })
	return db, nil
}

func (db *DB) open() (err error) {
	if err := db.opt.FS.MkdirAll(db.opt.Dir, 0o700); err != nil {
		return err
	}
	db.lock, err = db.opt.FS.Lock(filepath.Join(db.opt.Dir, "lock"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if db.log, err = wal.Open(db.opt.FS, filepath.Join(db.opt.Dir, "log"), wal.Options{}); err == nil {
		err = db.recover()
	}
	if err != nil {
		return errors.Join(err, db.lock.Close())
	}
	return nil
}

// Close makes all durable that was taken. Writers must not be used any more.
func (db *DB) Close() error {
	db.cancel()
	db.wait.Wait()
	err := errors.Join(db.log.Close(), db.lock.Close())
	if err != nil {
		return fmt.Errorf("close store %q: %w", db.opt.Dir, err)
	}
	return nil
}

// syncEvery is the half of what a sample may wait to become durable.
const syncEvery = 500 * time.Millisecond

func (db *DB) syncLoop(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := db.log.Sync()
		if err != nil && !failing {
			db.opt.Log.Error("store: cannot write the log, trying again", "dir", db.opt.Dir, "err", err)
		}
		if err == nil && failing {
			db.opt.Log.Info("store: the log is written again", "dir", db.opt.Dir)
		}
		failing = err != nil
	}
}

// Sync makes durable what writers have flushed.
func (db *DB) Sync() error { return db.log.Sync() }

// room says whether the log takes more.
func (db *DB) room() error {
	if n := db.log.Pending(); n > db.opt.MaxPending {
		return fmt.Errorf("store %q: %d bytes wait for the log: %w", db.opt.Dir, n, ErrFull)
	}
	return nil
}

// taken reports whether a batch was here before.
func (db *DB) taken(id metric.BatchID) bool {
	i, ok := db.identities[id.Job]
	return ok && i.seq >= id.Seq
}

// longestKeep returns the longest retention of any series, in seconds.
func (db *DB) longestKeep() int64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	var keep uint32
	for _, set := range db.head.sets {
		keep = max(keep, set.longest())
	}
	return max(int64(keep), defaultKeep)
}

// defaultKeep is the longest retention while no series is there.
const defaultKeep = 3 * 365 * 86400
