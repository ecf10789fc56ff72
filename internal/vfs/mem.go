package vfs

import (
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory that can lose its power. It keeps, beside
// what a running process sees, what is durable: of a file the content at its
// last Sync, of a directory the entries at its last SyncDir. It knows no
// symbolic links and no permissions. It is safe for concurrent use.
type Mem struct {
	mu   *sync.Mutex // protects all nodes
	root *node
}

// node is a file or a directory.
type node struct {
	dir     bool
	entries map[string]*node // of a directory: as seen
	durable map[string]*node // and as synced
	pending []func(map[string]*node)
	data    []byte // of a file: as seen
	synced  []byte // and as synced
	locked  bool
}

func newDir() *node {
	return &node{dir: true, entries: map[string]*node{}, durable: map[string]*node{}}
}

// NewMem returns an empty file system.
func NewMem() *Mem { return &Mem{mu: new(sync.Mutex), root: newDir()} }

// Crash returns the file system as it is found after a power cut now, in which
// nothing survived but what was synced. m itself goes on.
func (m *Mem) Crash() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{mu: new(sync.Mutex), root: m.root.after(nil)}
}

// CrashRandom is Crash, but each thing that was not synced survives or not as
// the seed decides: each change of a directory on its own, of a file's
// content a part, or its length with zeros.
func (m *Mem) CrashRandom(seed uint64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{mu: new(sync.Mutex), root: m.root.after(rand.New(rand.NewPCG(seed, 1)))}
}

// after returns what is left of x after a power cut.
func (x *node) after(rnd *rand.Rand) *node {
	if !x.dir {
		data := x.left(rnd)
		return &node{data: data, synced: slices.Clone(data)}
	}
	entries := maps.Clone(x.durable)
	for _, change := range x.pending {
		if rnd != nil && rnd.IntN(2) == 0 {
			change(entries)
		}
	}
	d := newDir()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		n := entries[name].after(rnd)
		d.entries[name], d.durable[name] = n, n
	}
	return d
}

func (x *node) left(rnd *rand.Rand) []byte {
	if rnd == nil || len(x.data) <= len(x.synced) {
		return slices.Clone(x.synced)
	}
	fresh := len(x.data) - len(x.synced)
	switch rnd.IntN(4) {
	case 0:
		return slices.Clone(x.synced)
	case 1:
		return slices.Clone(x.data)
	case 2:
		return append(slices.Clone(x.synced), make([]byte, fresh)...)
	}
	return slices.Clone(x.data[:len(x.synced)+rnd.IntN(fresh)])
}

// change does what fn does to the entries now, and durably at the next SyncDir.
func (x *node) change(fn func(map[string]*node)) {
	fn(x.entries)
	x.pending = append(x.pending, fn)
}

func wrong(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// find returns the node called name, nil when there is none.
func (m *Mem) find(name string) *node {
	x := m.root
	for part := range strings.SplitSeq(strings.Trim(path.Clean(name), "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		if x == nil || !x.dir {
			return nil
		}
		x = x.entries[part]
	}
	return x
}

// parent returns the directory of name, nil when there is none, and the last part.
func (m *Mem) parent(name string) (*node, string) {
	dir, base := path.Split(path.Clean(name))
	x := m.find(dir)
	if x == nil || !x.dir {
		return nil, base
	}
	return x, base
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(name)
	if x == nil {
		return nil, wrong("open", name, fs.ErrNotExist)
	}
	return &memFile{m: m, x: x, name: name}, nil
}

// OpenNoFollow implements FS.
func (m *Mem) OpenNoFollow(name string) (File, error) { return m.Open(name) }

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base := m.parent(name)
	switch {
	case d == nil:
		return nil, wrong("create", name, fs.ErrNotExist)
	case d.entries[base] != nil:
		return nil, wrong("create", name, fs.ErrExist)
	}
	x := new(node)
	d.change(func(e map[string]*node) { e[base] = x })
	return &memFile{m: m, x: x, name: name}, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(name)
	if x == nil {
		return nil, wrong("stat", name, fs.ErrNotExist)
	}
	return x.info(path.Base(name)), nil
}

// Lstat implements FS.
func (m *Mem) Lstat(name string) (fs.FileInfo, error) { return m.Stat(name) }

// ReadDir implements FS.
func (m *Mem) ReadDir(name string) (list []fs.DirEntry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(name)
	if x == nil || !x.dir {
		return nil, wrong("readdir", name, fs.ErrNotExist)
	}
	for _, n := range slices.Sorted(maps.Keys(x.entries)) {
		list = append(list, fs.FileInfoToDirEntry(x.entries[n].info(n)))
	}
	return list, nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.root
	for part := range strings.SplitSeq(strings.Trim(path.Clean(name), "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		next := x.entries[part]
		if next == nil {
			next = newDir()
			x.change(func(e map[string]*node) { e[part] = next })
		}
		if !next.dir {
			return wrong("mkdir", name, syscall.ENOTDIR)
		}
		x = next
	}
	return nil
}

// Rename implements FS within one directory, which is all that is needed.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, old := m.parent(from)
	d2, base := m.parent(to)
	if d == nil || d.entries[old] == nil {
		return wrong("rename", from, fs.ErrNotExist)
	}
	if d != d2 {
		return wrong("rename", to, syscall.EXDEV)
	}
	x := d.entries[old]
	d.change(func(e map[string]*node) { delete(e, old); e[base] = x })
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base := m.parent(name)
	switch {
	case d == nil || d.entries[base] == nil:
		return wrong("remove", name, fs.ErrNotExist)
	case len(d.entries[base].entries) > 0:
		return wrong("remove", name, syscall.ENOTEMPTY)
	}
	d.change(func(e map[string]*node) { delete(e, base) })
	return nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(name)
	if x == nil || !x.dir {
		return wrong("syncdir", name, fs.ErrNotExist)
	}
	x.durable, x.pending = maps.Clone(x.entries), nil
	return nil
}

// Lock implements FS.
func (m *Mem) Lock(name string) (io.Closer, error) {
	if f, err := m.Create(name); err == nil {
		_ = f.Close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.find(name)
	switch {
	case x == nil:
		return nil, wrong("lock", name, fs.ErrNotExist)
	case x.locked:
		return nil, ErrLocked
	}
	x.locked = true
	return unlocker(func() { m.mu.Lock(); x.locked = false; m.mu.Unlock() }), nil
}

type unlocker func()

func (fn unlocker) Close() error { fn(); return nil }

type memFile struct {
	m    *Mem
	x    *node
	name string
	off  int64
}

func (f *memFile) Read(b []byte) (int, error) {
	n, err := f.ReadAt(b, f.off)
	f.off += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= int64(len(f.x.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.x.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) Write(b []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.x.data = append(f.x.data, b...)
	return len(b), nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.x.synced = slices.Clone(f.x.data)
	return nil
}

func (f *memFile) Stat() (fs.FileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.x.info(path.Base(f.name)), nil
}

func (f *memFile) Close() error { return nil }

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (x *node) info(name string) fs.FileInfo {
	if x.dir {
		return memInfo{name: name, mode: fs.ModeDir | 0o700}
	}
	return memInfo{name: name, size: int64(len(x.data)), mode: 0o600}
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
