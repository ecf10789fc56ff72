package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"
)

// ErrCrashed is what every operation returns after the crash.
var ErrCrashed = errors.New("crashed")

// Faults is a file system for tests that passes operations on to another one,
// notes them, and makes them fail. Each call of FS and File that may touch the
// disk is one operation; they count from 1. It is safe for concurrent use.
type Faults struct {
	fs FS

	mu      sync.Mutex // protects the fields below
	log     []string
	failAt  int
	failure error
	crashAt int
	crashed bool
	full    bool
	short   bool
}

// NewFaults returns a Faults over fs that lets everything pass.
func NewFaults(fs FS) *Faults { return &Faults{fs: fs} }

// FailAt makes the n-th operation from now on return err, without being done.
func (f *Faults) FailAt(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.failure = len(f.log)+n, err
}

// CrashAt makes the n-th operation from now on and all later ones return
// ErrCrashed. If the n-th is a write, half of it is done.
func (f *Faults) CrashAt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt = len(f.log) + n
}

// Full makes writes and the making of files fail with ENOSPC until it is lifted.
func (f *Faults) Full(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = on
}

// Short makes each write of more than one byte write half and return
// io.ErrShortWrite, until it is lifted.
func (f *Faults) Short(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.short = on
}

// Ops returns how many operations there were.
func (f *Faults) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

// Log returns the operations, one a line.
func (f *Faults) Log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, "\n")
}

// op notes an operation and says whether it fails. part is set when a write
// is to be done by half.
func (f *Faults) op(verb, name string) (part bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, verb+" "+name)
	n, write := len(f.log), verb == "write"
	switch {
	case f.crashed:
		return false, ErrCrashed
	case n == f.crashAt:
		f.crashed = true
		return write, ErrCrashed
	case n == f.failAt:
		return false, &fs.PathError{Op: verb, Path: name, Err: f.failure}
	case f.full && (write || verb == "create" || verb == "mkdir"):
		return false, &fs.PathError{Op: verb, Path: name, Err: syscall.ENOSPC}
	case f.short && write:
		return true, io.ErrShortWrite
	}
	return false, nil
}

func (f *Faults) file(verb, name string, open func(string) (File, error)) (File, error) {
	if _, err := f.op(verb, name); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f: f, name: name, File: file}, nil
}

func (f *Faults) do(verb, name string, fn func() error) error {
	if _, err := f.op(verb, name); err != nil {
		return err
	}
	return fn()
}

// Open implements FS.
func (f *Faults) Open(name string) (File, error) { return f.file("open", name, f.fs.Open) }

// OpenNoFollow implements FS.
func (f *Faults) OpenNoFollow(name string) (File, error) {
	return f.file("open", name, f.fs.OpenNoFollow)
}

// Create implements FS.
func (f *Faults) Create(name string) (File, error) { return f.file("create", name, f.fs.Create) }

// Stat implements FS.
func (f *Faults) Stat(name string) (fi fs.FileInfo, err error) {
	err = f.do("stat", name, func() error { fi, err = f.fs.Stat(name); return err })
	return fi, err
}

// Lstat implements FS.
func (f *Faults) Lstat(name string) (fi fs.FileInfo, err error) {
	err = f.do("stat", name, func() error { fi, err = f.fs.Lstat(name); return err })
	return fi, err
}

// ReadDir implements FS.
func (f *Faults) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = f.do("readdir", name, func() error { list, err = f.fs.ReadDir(name); return err })
	return list, err
}

// MkdirAll implements FS.
func (f *Faults) MkdirAll(name string) error {
	verb := "mkdir"
	if fi, err := f.fs.Stat(name); err == nil && fi.IsDir() {
		verb = "stat" // a full disk does not matter to a directory that is there
	}
	return f.do(verb, name, func() error { return f.fs.MkdirAll(name) })
}

// Rename implements FS.
func (f *Faults) Rename(from, to string) error {
	return f.do("rename", from+" "+to, func() error { return f.fs.Rename(from, to) })
}

// Remove implements FS.
func (f *Faults) Remove(name string) error {
	return f.do("remove", name, func() error { return f.fs.Remove(name) })
}

// SyncDir implements FS.
func (f *Faults) SyncDir(name string) error {
	return f.do("syncdir", name, func() error { return f.fs.SyncDir(name) })
}

// Lock implements FS.
func (f *Faults) Lock(name string) (l io.Closer, err error) {
	err = f.do("lock", name, func() error { l, err = f.fs.Lock(name); return err })
	return l, err
}

type faultyFile struct {
	File
	f    *Faults
	name string
}

func (x *faultyFile) Read(b []byte) (n int, err error) {
	err = x.f.do("read", x.name, func() error { n, err = x.File.Read(b); return err })
	return n, err
}

func (x *faultyFile) ReadAt(b []byte, off int64) (n int, err error) {
	err = x.f.do("read", x.name, func() error { n, err = x.File.ReadAt(b, off); return err })
	return n, err
}

func (x *faultyFile) Write(b []byte) (int, error) {
	part, err := x.f.op("write", x.name)
	if err == nil {
		return x.File.Write(b)
	}
	if !part {
		return 0, err
	}
	n, wrong := x.File.Write(b[:len(b)/2])
	return n, errors.Join(err, wrong)
}

func (x *faultyFile) Stat() (fi fs.FileInfo, err error) {
	err = x.f.do("stat", x.name, func() error { fi, err = x.File.Stat(); return err })
	return fi, err
}

func (x *faultyFile) Sync() error { return x.f.do("sync", x.name, x.File.Sync) }

// Close closes in any case.
func (x *faultyFile) Close() error {
	_, err := x.f.op("close", x.name)
	if wrong := x.File.Close(); wrong != nil && err == nil {
		return fmt.Errorf("close %s: %w", x.name, wrong)
	}
	return err
}
