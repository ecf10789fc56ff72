package wal

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// File is one file of the log.
type File struct {
	Number uint64
	Name   string // within the directory
	Size   int64  // bytes that are durable
}

// Files returns the files, the oldest first: what a backup copies.
func (l *Log) Files() ([]File, error) {
	l.mu.Lock()
	l.idle()
	r := &run{done: make(chan struct{})} // so that nobody writes meanwhile
	l.running = r
	l.mu.Unlock()
	files, err := listFiles(l.fs, l.dir)
	l.mu.Lock()
	l.running = nil
	close(r.done)
	l.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("list log %q: %w", l.dir, err)
	}
	return files, nil
}

// RemoveBefore removes the files that are wholly before the mark. After an error
// some may be left; the next call removes them.
func (l *Log) RemoveBefore(m Mark) error {
	limit := l.firstNeeded(m)
	files, err := listFiles(l.fs, l.dir)
	if err != nil {
		return fmt.Errorf("list log %q: %w", l.dir, err)
	}
	removed := false
	for _, f := range files {
		if f.Number < limit {
			removed = true
			err = errors.Join(err, l.fs.Remove(l.path(f.Number)))
		}
	}
	if removed {
		err = errors.Join(err, syncDir(l.fs, l.dir))
	}
	if err != nil {
		return fmt.Errorf("remove files of log %q: %w", l.dir, err)
	}
	return nil
}

// firstNeeded returns the number of the first file that holds something behind
// the mark, or will.
func (l *Log) firstNeeded(m Mark) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := min(m.File, l.number)
	for _, s := range l.starts {
		if s.base <= m.Offset {
			number = max(number, s.number)
		}
	}
	l.starts = slices.DeleteFunc(l.starts, func(s start) bool { return s.number < number })
	return number
}

// listFiles returns the files of the log in dir by number.
func listFiles(fs vfs.FS, dir string) ([]File, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range names {
		number, ok := parseName(name)
		if !ok {
			continue
		}
		fi, err := fs.Stat(fs.PathJoin(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		files = append(files, File{Number: number, Name: name, Size: fi.Size()})
	}
	slices.SortFunc(files, func(a, b File) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	return files, nil
}
