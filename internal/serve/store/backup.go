package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Checkpoint makes a copy of the store in dir, which must not exist: what was
// flushed before the call is in it. Samples are taken and read meanwhile; seals wait.
// The files of the engine are links where the file system has them. A directory
// that is the copy of another is opened as any store.
func (db *DB) Checkpoint(ctx context.Context, dir string) error {
	db.keeping.Lock()
	defer db.keeping.Unlock()
	if err := db.checkpoint(ctx, dir); err != nil {
		return fmt.Errorf("copy store %q to %q: %w", db.opt.Dir, dir, err)
	}
	return nil
}

func (db *DB) checkpoint(ctx context.Context, dir string) error {
	fs := db.opt.FS
	if _, err := fs.Stat(dir); err == nil {
		return errors.New("it is there already")
	}
	if err := db.log.Sync(); err != nil {
		return err
	}
	logs := filepath.Join(dir, "log")
	if err := makeDir(fs, logs); err != nil {
		return err
	}
	if err := db.engine.Checkpoint(filepath.Join(dir, "pebble"), pebble.WithFlushedWAL()); err != nil {
		return err
	}
	files, err := db.log.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := vfs.Copy(fs, filepath.Join(db.opt.Dir, "log", f.Name), filepath.Join(logs, f.Name)); err != nil {
			return fmt.Errorf("copy log: %w", err)
		}
	}
	return errors.Join(syncDir(fs, logs), syncDir(fs, dir))
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Damage is what Verify cannot read.
type Damage struct {
	What string // "frame of 10 s from 1700000000, series 64 to 127"
	Err  error
}

// Verify reads all that is on disk and checks its sums; report is called for
// each damage. It runs beside ingest and Fetch. The error is ctx's.
func (db *DB) Verify(ctx context.Context, report func(Damage)) error {
	db.keeping.Lock()
	defer db.keeping.Unlock()
	blocks := uint32(db.blocks())
	for b := range blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		db.verifyValue(numberKey(keyBlock, b), fmt.Sprintf("open buckets of series %d to %d", b*frameSeries, (b+1)*frameSeries-1), report)
		for i := range uint32(frameSeries) {
			db.verifyValue(numberKey(keySeries, b*frameSeries+i), fmt.Sprintf("name of series %d", b*frameSeries+i), report)
		}
	}
	db.verifyKept(report)
	d := rowReaders.Get().(*rowReader)
	defer rowReaders.Put(d)
	db.view.RLock()
	defer db.view.RUnlock()
	for t, list := range db.spans {
		for _, s := range list {
			for b := range blocks {
				if err := ctx.Err(); err != nil {
					return err
				}
				_, err := db.readFrame(appendFrameKey(nil, t, s, b), func(v []byte) error { return d.dec.Decode(&d.all, v) })
				if err != nil {
					report(Damage{fmt.Sprintf("frame of %d s from %d, series %d to %d", t.step, s.start, b*frameSeries, (b+1)*frameSeries-1), err})
				}
			}
		}
	}
	return nil
}

// verifyValue reads one key.
func (db *DB) verifyValue(key []byte, what string, report func(Damage)) {
	_, closer, err := db.engine.Get(key)
	if err == nil {
		err = closer.Close()
	}
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		report(Damage{what, err})
	}
}
