package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// engine is Pebble as the store uses it: files of sorted keys are made beside it
// and ingested, several as one step.
type engine struct {
	*pebble.DB
	fs   vfs.FS
	dir  string // where files are made, in the file system of Pebble
	made int
	opt  *pebble.Options
}

// cacheBytes is what Pebble keeps of what was read.
const cacheBytes = 32 << 20

// category is what Pebble's statistics call the files that are made here.
const category = vfs.DiskWriteCategory("logmetrics-store")

func openEngine(fs vfs.FS, dir string, log *slog.Logger) (*engine, error) {
	said := &saidOnce{}
	opt := &pebble.Options{
		FS:                 manifestFS{fs},
		FormatMajorVersion: pebble.FormatNewest,
		MemTableSize:       4 << 20,
		CacheSize:          cacheBytes,
		Logger:             engineLog{log},
		// A file that a compaction cannot read must not stop the store.
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { log.Error("store: work of the engine", "dir", dir, "err", err) },
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				if said.first(i.Path) {
					log.Error("store: a file is damaged", "file", i.Path, "err", i.Details)
				}
			},
		},
	}
	opt.EnsureDefaults()
	e := &engine{fs: fs, dir: filepath.Join(dir, "made"), opt: opt}
	err := errors.Join(fs.RemoveAll(e.dir), fs.MkdirAll(e.dir, 0o700))
	if err != nil {
		return nil, err
	}
	e.DB, err = openPebble(filepath.Join(dir, "pebble"), opt, func(what string) { log.Error("store: damage", "dir", dir, "what", what) })
	if err != nil {
		return nil, err
	}
	return e, nil
}

// saidOnce knows of which files something was said, up to some thousand.
type saidOnce struct {
	mu    sync.Mutex
	files map[string]bool
}

func (s *saidOnce) first(file string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[file] || len(s.files) > 4096 {
		return false
	}
	if s.files == nil {
		s.files = map[string]bool{}
	}
	s.files[file] = true
	return true
}

// engineLog hands what Pebble says on. Its Infof are of interest to nobody.
type engineLog struct{ log *slog.Logger }

func (l engineLog) Infof(string, ...any) {}

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

func (l engineLog) Fatalf(format string, args ...any) {
	panic("store: the engine cannot go on: " + fmt.Sprintf(format, args...))
}

// maker writes sorted keys into files.
type maker struct {
	e     *engine
	paths []string
	w     *sstable.Writer
}

// begin ends the file, if any, and begins another.
func (m *maker) begin() error {
	if err := m.end(); err != nil {
		return err
	}
	m.e.made++
	path := filepath.Join(m.e.dir, fmt.Sprintf("%06d.sst", m.e.made))
	f, err := m.e.fs.Create(path, category)
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	o := m.e.opt.MakeWriterOptions(0, m.e.FormatMajorVersion().MaxTableFormat())
	o.Compression = sstable.NoCompression // frames are packed, and the rest is small
	m.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), o)
	m.paths = append(m.paths, path)
	return nil
}

// set adds a key, greater than those before; a nil value takes it away.
func (m *maker) set(key, value []byte) error {
	var err error
	if value == nil {
		err = m.w.Delete(key)
	} else {
		err = m.w.Set(key, value)
	}
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	return nil
}

// end makes the file complete and durable.
func (m *maker) end() error {
	if m.w == nil {
		return nil
	}
	w := m.w
	m.w = nil
	if err := w.Close(); err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	return nil
}

// abandon removes what was made.
func (m *maker) abandon() {
	_ = m.end()
	for _, p := range m.paths {
		_ = m.e.fs.Remove(p) // it may not be there; Open removes what is left
	}
}

// ingest makes the files part of the store, all or none.
func (m *maker) ingest(ctx context.Context) error {
	if err := m.end(); err != nil {
		return err
	}
	if len(m.paths) == 0 {
		return nil
	}
	if err := m.e.Ingest(ctx, m.paths); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}
