package tail_test

import (
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// counting counts the system calls that a File makes for its log.
type counting struct {
	vfs.FS
	calls int
}

func (c *counting) Open(name string) (vfs.File, error) { return c.file(c.FS.Open(name)) }

func (c *counting) OpenNoFollow(name string) (vfs.File, error) {
	return c.file(c.FS.OpenNoFollow(name))
}

func (c *counting) file(f vfs.File, err error) (vfs.File, error) {
	c.calls++
	if err != nil {
		return nil, err
	}
	return countingFile{f, c}, nil
}

func (c *counting) Stat(name string) (fs.FileInfo, error)      { c.calls++; return c.FS.Stat(name) }
func (c *counting) Lstat(name string) (fs.FileInfo, error)     { c.calls++; return c.FS.Lstat(name) }
func (c *counting) ReadDir(name string) ([]fs.DirEntry, error) { c.calls++; return c.FS.ReadDir(name) }

type countingFile struct {
	vfs.File
	c *counting
}

func (f countingFile) Stat() (fs.FileInfo, error) { f.c.calls++; return f.File.Stat() }
func (f countingFile) ReadAt(p []byte, off int64) (int, error) {
	f.c.calls++
	return f.File.ReadAt(p, off)
}
func (f countingFile) Close() error { f.c.calls++; return f.File.Close() }

// calls counts the system calls of a Next that finds nothing.
func (r *follower) calls() int {
	r.t.Helper()
	before := r.count.calls
	r.idle()
	return r.count.calls - before
}

// idleStates are the states in which a log has nothing new.
var idleStates = []struct {
	name  string
	calls int // most that a Next may make
	set   func(r *follower)
}{
	{"at the end", 1, func(*follower) {}},
	{"suspended", 1, func(r *follower) { require.NoError(r.t, r.f.Suspend()) }},
	{"rotated, the new file empty", 2, func(r *follower) { r.rotate(); r.rest() }},
	{"rotated long ago, the new file empty", 1, func(r *follower) {
		r.rotate()
		r.rest()
		r.now = r.now.Add(5 * time.Minute)
		r.idle()
	}},
	{"missing", 3, func(r *follower) { r.rename("", ".1"); r.rest() }},
	{"missing for long", 2, func(r *follower) {
		r.remove("")
		r.rest()
		r.now = r.now.Add(5 * time.Minute)
		r.idle()
	}},
	{"written to a second ago", 6, func(r *follower) {
		second := time.Now().Add(-time.Second)
		require.NoError(r.t, os.Chtimes(r.path, second, second))
		r.now = time.Now()
	}},
}

func TestIdleCalls(t *testing.T) {
	for _, s := range idleStates {
		t.Run(s.name, func(t *testing.T) {
			r := follow(t)
			s.set(r)
			r.idle()
			assert.LessOrEqual(t, r.calls(), s.calls)
			r.append(3)
			r.rest()
			r.exact()
		})
	}
}

// BenchmarkNextIdle is a Next of a log with nothing new, which each log of a
// daemon has once a second.
func BenchmarkNextIdle(b *testing.B) {
	for _, s := range idleStates {
		b.Run(s.name, func(b *testing.B) {
			r := follow(b)
			s.set(r)
			r.idle()
			calls := r.calls()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.f.Next(b.Context(), r.buf); err != io.EOF {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(calls), "calls/op")
		})
	}
}
