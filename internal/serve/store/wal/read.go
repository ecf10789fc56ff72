package wal

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	windowLen = 256 << 10 // bytes read at once
	pageLen   = 4 << 10   // what a disk loses at once
)

// file is a file of the log that is read. Places in it are positions of the log.
type file struct {
	vfs.File
	header
	name  string
	size  int64
	whole bool // it has a header

	window  []byte // bytes of the file from windowAt on
	start   int64  // offset of window in the file
	last    int64  // position of the last frame with firstBit, when sought
	hasLast bool
}

func openFile(fs vfs.FS, dir string, e File) (*file, error) {
	f, err := fs.Open(fs.PathJoin(dir, e.Name))
	if err != nil {
		return nil, err
	}
	r := &file{File: f, name: e.Name, size: e.Size}
	r.header, r.whole = parseHeader(r.bytes(0, min(headersLen, e.Size)), e.Number)
	return r, nil
}

// end returns the position behind all that is in the file.
func (f *file) end() int64 { return f.base + max(f.size-headersLen, 0) }

// at returns n bytes of the frames; they are there. Valid until the next call.
func (f *file) at(position, n int64) []byte { return f.bytes(position-f.base+headersLen, n) }

// frame returns the frame at a position, when there is one, and all of it.
func (f *file) frame(position int64) (frame, bool) {
	if position+frameLen > f.end() {
		return frame{}, false
	}
	fr, ok := parseFrame(f.at(position, frameLen), f.salt, position)
	return fr, ok && position+frameLen+fr.length <= f.end()
}

// find returns the first position from the given one on that has a frame, or end.
func (f *file) find(position int64) int64 {
	for ; position < f.end(); position++ {
		if _, ok := f.frame(position); ok {
			return position
		}
	}
	return f.end()
}

// confirmed returns the position of the last frame, from the given one on, that
// says that all before it is durable; 0 when there is none.
func (f *file) confirmed(position int64) int64 {
	if f.hasLast {
		return f.last
	}
	for position = f.find(position); position < f.end(); position = f.find(position) {
		fr, _ := f.frame(position)
		if fr.first {
			f.last = position
		}
		position += frameLen + fr.length
	}
	f.hasLast = true
	return f.last
}

// bytes returns n bytes from an offset; zeroes for those that cannot be read.
func (f *file) bytes(offset, n int64) []byte {
	if from := offset - f.start; from >= 0 && from+n <= int64(len(f.window)) {
		return f.window[from : from+n]
	}
	length := min(max(n, windowLen), f.size-offset)
	if int64(cap(f.window)) < length {
		f.window = make([]byte, length)
	}
	f.window, f.start = f.window[:length], offset
	f.fill()
	return f.window[:n]
}

// fill reads window. What cannot be read in one piece, it reads page by page:
// an error of the disk costs the frames in that page.
func (f *file) fill() {
	if f.read(f.window, f.start) {
		return
	}
	for at := 0; at < len(f.window); at += pageLen {
		page := f.window[at:min(at+pageLen, len(f.window))]
		if !f.read(page, f.start+int64(at)) {
			clear(page)
		}
	}
}

func (f *file) read(b []byte, offset int64) bool {
	n, err := f.ReadAt(b, offset)
	return n == len(b) && (err == nil || errors.Is(err, io.EOF))
}
