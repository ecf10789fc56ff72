package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// lineBody reads the body of a request as blocks of whole lines.
type lineBody struct {
	from   io.Reader
	hurry  func() // called before each read of a block
	limit  int64  // bytes that the body may have, uncompressed
	read   int64  // bytes of it so far
	buf    []byte
	filled int  // bytes of buf that hold something
	cut    bool // the line at the beginning is too long: its rest is dropped
	long   uint64
	ended  bool
}

// blockBuffers hold blocks; those that grew for a long line are not put back.
var blockBuffers = sync.Pool{New: func() any { return new([blockSize]byte) }}

// unzippers are used again: each has some 40 KiB of tables.
var unzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// blocks calls fn with each block of the request's lines. fn returns how many of
// its bytes it is done with; what is left comes again with what follows. final
// says that nothing does, or that what there is of one line must do.
func (h *HTTP) blocks(w http.ResponseWriter, r *http.Request, c *counts, fn func(block []byte, final bool) (int, *refusal)) *refusal {
	packed, e := gzipped(r)
	if e != nil {
		return e
	}
	buf := blockBuffers.Get().(*[blockSize]byte)
	defer blockBuffers.Put(buf)
	b := lineBody{from: r.Body, hurry: func() { h.hurry(w) }, limit: h.opt.MaxStream, buf: buf[:]}
	if packed {
		unzip := unzippers.Get().(*gzip.Reader)
		defer unzippers.Put(unzip)
		b.hurry()
		switch err := unzip.Reset(r.Body); {
		case errors.Is(err, io.EOF):
			return nil // a body without a byte is an empty one
		case err != nil:
			return gone(err)
		}
		b.from = unzip
	}
	e = b.each(fn)
	c.bytes.Add(uint64(b.read))
	c.by[longLine].Add(b.long)
	return e
}

func (b *lineBody) each(fn func(block []byte, final bool) (int, *refusal)) *refusal {
	for !b.ended {
		if e := b.fill(); e != nil {
			return e
		}
		end := bytes.LastIndexByte(b.buf[:b.filled], '\n') + 1
		full := b.filled == len(b.buf)
		if b.ended {
			end = b.filled
		}
		done := 0
		if end > 0 {
			var e *refusal
			if done, e = fn(b.buf[:end], b.ended || full && len(b.buf) >= maxLine); e != nil {
				return e
			}
		}
		b.keep(done, full)
	}
	if b.long > 0 {
		return refuse(badRequest, http.StatusBadRequest, "a line is longer than %d bytes", maxLine)
	}
	return nil
}

// fill reads until the buffer is full or the body ends.
func (b *lineBody) fill() *refusal {
	b.hurry()
	for b.filled < len(b.buf) && !b.ended {
		n, err := b.from.Read(b.buf[b.filled:])
		b.read += int64(n)
		b.filled += n
		switch {
		case b.read > b.limit:
			return tooLong(b.limit)
		case errors.Is(err, io.EOF):
			b.ended = true
		case err != nil:
			return gone(err)
		}
		b.skip()
	}
	return nil
}

// skip drops the rest of a line that is too long.
func (b *lineBody) skip() {
	if !b.cut {
		return
	}
	i := bytes.IndexByte(b.buf[:b.filled], '\n')
	b.cut = i < 0
	if b.cut {
		b.filled = 0
		return
	}
	b.filled = copy(b.buf, b.buf[i+1:b.filled])
}

// keep moves what is not done to the beginning, and makes room when a line fills
// the buffer.
func (b *lineBody) keep(done int, full bool) {
	b.filled = copy(b.buf, b.buf[done:b.filled])
	switch {
	case done > 0 || !full || b.ended:
	case len(b.buf) < maxLine:
		b.buf = append(b.buf, make([]byte, len(b.buf))...)
	default:
		b.long++
		b.cut, b.filled = true, 0
	}
}
