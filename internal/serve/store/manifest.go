package store

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The manifest is the one file of Pebble without which nothing of it can be read,
// and it cannot be made again from the others. So it is written twice, and what is
// damaged in one is taken from the other.

// manifestName begins the names of manifests.
const manifestName = "MANIFEST-"

// manifestFS keeps a copy of each manifest that is made through it, in a directory
// beside Pebble's.
type manifestFS struct{ vfs.FS }

// copyOf returns where the copy of a manifest is.
func copyOf(path string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(path)), "manifest", filepath.Base(path))
}

func isManifest(path string) bool { return strings.HasPrefix(filepath.Base(path), manifestName) }

// Create makes the copy, too. Without one there is no harm until there is damage.
func (fs manifestFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil || !isManifest(name) {
		return f, err
	}
	c, err := createCopy(fs.FS, copyOf(name))
	if err != nil {
		return f, nil
	}
	return &manifestFile{File: f, copied: c}, nil
}

func createCopy(fs vfs.FS, path string) (vfs.File, error) {
	dir := filepath.Dir(path)
	if err := makeDir(fs, dir); err != nil {
		return nil, err
	}
	c, err := fs.Create(path, category)
	if err != nil {
		return nil, err
	}
	if err := syncDir(fs, dir); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Remove removes the copy, too.
func (fs manifestFS) Remove(name string) error {
	if isManifest(name) {
		_ = fs.FS.Remove(copyOf(name)) // there may be none
	}
	return fs.FS.Remove(name)
}

// manifestFile writes a manifest twice. After an error of the copy it is let be:
// that it ends early says that the other one counts.
type manifestFile struct {
	vfs.File
	copied vfs.File // nil after an error
}

func (f *manifestFile) Write(p []byte) (int, error) {
	again := append([]byte(nil), p...) // Write may change p
	n, err := f.File.Write(p)
	if err == nil && f.copied != nil {
		_, err := f.copied.Write(again)
		f.failed(err)
	}
	return n, err
}

func (f *manifestFile) failed(err error) {
	if err != nil {
		_ = f.copied.Close() // it is given up
		f.copied = nil
	}
}

func (f *manifestFile) Sync() error { return f.sync(vfs.File.Sync) }

func (f *manifestFile) SyncData() error { return f.sync(vfs.File.SyncData) }

func (f *manifestFile) sync(how func(vfs.File) error) error {
	err := how(f.File)
	if err == nil && f.copied != nil {
		f.failed(how(f.copied))
	}
	return err
}

func (f *manifestFile) Close() error {
	if f.copied != nil {
		_ = f.copied.Close() // it was synced when it had to be
	}
	return f.File.Close()
}

// mendManifest puts the copy of the manifest in its place when that says more. It
// reports whether it did.
func mendManifest(fs vfs.FS, dir string) (mended bool, err error) {
	desc, err := pebble.Peek(dir, fs)
	if err != nil || !desc.Exists {
		return false, nil // a new store, or one of which Open will tell what it lacks
	}
	path := desc.ManifestFilename
	if manifestRecords(fs, path) >= manifestRecords(fs, copyOf(path)) {
		return false, nil
	}
	made := path + ".mended"
	if err := vfs.Copy(fs, copyOf(path), made); err != nil {
		return false, fmt.Errorf("mend manifest: %w", err)
	}
	if err := errors.Join(fs.Rename(made, path), syncDir(fs, dir)); err != nil {
		return false, fmt.Errorf("mend manifest: %w", err)
	}
	return true, nil
}

// manifestRecords returns how many records of a manifest can be read.
func manifestRecords(fs vfs.FS, path string) (n int) {
	f, err := fs.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for r := record.NewReader(f, 0); ; n++ {
		one, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, one)
		}
		if err != nil {
			return n
		}
	}
}
