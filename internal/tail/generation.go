package tail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/state"
)

const (
	// headMax and markMax are how many bytes identify a generation: 1 KiB
	// holds several lines with their stamps, and costs nothing to read.
	headMax = 1 << 10
	markMax = 1 << 10
)

// ErrNotRegular is returned by Open for what is no regular file: a directory,
// FIFO, socket or device.
var ErrNotRegular = errors.New("not a regular file")

// generation is one open file of the log: the live one or a rotated one.
type generation struct {
	path       string
	file       vfs.File
	z          *stream // nil: not compressed
	dev, inode uint64
	uid        uint32
	size       int64 // when it was last looked at, as stored
	mtime      int64
	reported   bool   // that it is damaged
	room       []byte // to compare content in
	head       []byte // its first bytes, up to headMax, as they were when read
}

// openGeneration opens name; only the live path is followed when it is a link.
func openGeneration(fsys vfs.FS, name string, follow bool) (*generation, error) {
	open := fsys.OpenNoFollow
	if follow {
		open = fsys.Open
	}
	file, err := open(name)
	if err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			err = path.Err // the name is said once
		}
		return nil, fmt.Errorf("open log %q: %w", name, err)
	}
	g := &generation{path: name, file: file, head: make([]byte, 0, headMax)}
	if err := g.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log %q: %w", name, err), g.close())
	}
	return g, nil
}

func (g *generation) load() error {
	fi, err := g.file.Stat()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return ErrNotRegular
	}
	g.dev, g.inode, g.uid = vfs.Ident(fi)
	g.seen(fi)
	if ext := compression(g.path); ext != "" {
		g.z = &stream{ext: ext, file: g.file}
	}
	return g.readHead()
}

// seen takes over what changes when a file is written to.
func (g *generation) seen(fi fs.FileInfo) { g.size, g.mtime = fi.Size(), fi.ModTime().Unix() }

// readHead reads the first bytes again, when there were fewer than headMax.
func (g *generation) readHead() error {
	if len(g.head) == headMax {
		return nil
	}
	n, err := g.readAt(g.head[:headMax], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	g.head = g.head[:n]
	return nil
}

// readAt reads plain bytes; fewer than asked for only with io.EOF.
func (g *generation) readAt(p []byte, off int64) (int, error) {
	if g.z != nil {
		return g.z.readAt(p, off)
	}
	return g.file.ReadAt(p, off)
}

func (g *generation) close() error {
	if g.z != nil {
		g.z.close()
	}
	return g.file.Close()
}

// is tells whether g is the file with this device and inode, now.
func (g *generation) is(dev, inode uint64) bool { return g.dev == dev && g.inode == inode }

// begins tells whether g's first n bytes have the given hash.
func (g *generation) begins(sum uint64, n int64) bool {
	return int64(len(g.head)) >= n && hash(g.head[:n]) == sum
}

// likeness says how far a generation has the content that a position tells of.
type likeness int

const (
	unlike    likeness = iota
	cut                // the first KiB is the same, but it is shorter than the position
	identical          // the first bytes and those before the position are the same
)

// like compares g with what pos knows of its generation.
func (g *generation) like(pos state.Position) (likeness, error) {
	if !g.begins(pos.Head, pos.HeadLen) || pos.HeadLen+pos.MarkLen == 0 {
		return unlike, nil
	}
	mark := make([]byte, pos.MarkLen)
	n, err := g.readAt(mark, pos.Offset-pos.MarkLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return unlike, fmt.Errorf("read log %q: %w", g.path, err)
	}
	switch {
	case int64(n) < pos.MarkLen || pos.MarkLen == 0 && g.z == nil && g.size < pos.Offset:
		if pos.HeadLen == headMax {
			return cut, nil
		}
		return unlike, nil
	case pos.MarkLen == 0 || hash(mark) == pos.Mark || pos.HeadLen == headMax && bytes.Contains(mark, nuls[:8]):
		// A crash may have left NULs in place of what was read before it.
		return identical, nil
	}
	return unlike, nil
}

// unchanged tells whether the file still holds the bytes that were read from
// it: the head, and mark before off.
func (g *generation) unchanged(mark []byte, off int64) (bool, error) {
	if g.z != nil {
		return true, nil
	}
	fi, err := g.file.Stat()
	if err != nil {
		return false, err
	}
	g.seen(fi)
	if g.size < off {
		return false, nil
	}
	for _, part := range [...]struct {
		want []byte
		at   int64
	}{{g.head, 0}, {mark, off - int64(len(mark))}} {
		if same, err := g.compare(part.want, part.at); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// compare tells whether want is what is at off, of a plain file.
func (g *generation) compare(want []byte, off int64) (bool, error) {
	if g.room == nil {
		g.room = make([]byte, max(headMax, markMax))
	}
	n, err := g.file.ReadAt(g.room[:len(want)], off)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return bytes.Equal(g.room[:n], want), nil
}

// holds is compare where a doubt counts as no.
func (g *generation) holds(want []byte, off int64) bool {
	if g.z != nil {
		return true
	}
	same, err := g.compare(want, off)
	return same && err == nil
}

// ends returns where g ends, and the place after its last '\n'.
func (g *generation) ends() (end, line int64, err error) {
	buf := make([]byte, BlockSize)
	if g.z != nil {
		end, line = g.z.ends(buf)
		return end, line, nil
	}
	for at := g.size; at > 0; {
		n := min(at, int64(len(buf)))
		at -= n
		m, err := g.readAt(buf[:n], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, fmt.Errorf("read log %q: %w", g.path, err)
		}
		if i := bytes.LastIndexByte(buf[:m], '\n'); i >= 0 {
			return g.size, at + int64(i) + 1, nil
		}
	}
	return g.size, 0, nil
}

// lineAfter returns the first start of a line at at or after it, at most end.
func (g *generation) lineAfter(at, end int64) (int64, error) {
	buf := make([]byte, 4<<10)
	for at--; at >= 0 && at < end; at += int64(len(buf)) {
		n, err := g.readAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("read log %q: %w", g.path, err)
		}
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return min(at+int64(i)+1, end), nil
		}
	}
	if at < 0 {
		return 0, nil
	}
	return end, nil
}

// hash is a part of SHA-256: who writes into the log could find two contents of
// the same weaker hash, and so hide one of them.
func hash(p []byte) uint64 {
	sum := sha256.Sum256(p)
	return binary.BigEndian.Uint64(sum[:])
}
