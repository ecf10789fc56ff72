package tail

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// maxWindow bounds the memory that a zstd frame may ask for: what `zstd --long`
// uses.
const maxWindow = 128 << 20

// compressions are the endings that a compressed generation may have.
var compressions = []string{".gz", ".zst", ".bz2", ".xz"}

// compression returns the ending of name that tells how it is compressed, or "".
func compression(name string) string {
	for _, ext := range compressions {
		if strings.HasSuffix(name, ext) {
			return ext
		}
	}
	return ""
}

// decompressor returns the plain content of r.
func decompressor(ext string, r io.Reader) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	switch ext {
	case ".gz":
		return gzip.NewReader(br)
	case ".zst":
		d, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case ".bz2":
		return io.NopCloser(bzip2.NewReader(br)), nil
	case ".xz":
		x, err := xz.NewReader(br)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(x), nil
	}
	panic("BUG: unknown compression " + ext)
}

// stream gives a compressed file the ReadAt of a plain one. Reading onwards
// is cheap, as is going back to what the last call returned and markMax bytes
// before; anything earlier starts from the beginning.
type stream struct {
	ext  string
	file vfs.File
	src  countReader
	z    io.ReadCloser // nil: not started
	win  []byte        // the plain bytes that were read last
	off  int64         // of win
	err  error         // how it ended: io.EOF, or damage
}

// countReader counts the compressed bytes that were consumed.
type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (s *stream) start() {
	s.close()
	s.win, s.off, s.err = s.win[:0], 0, nil
	s.src = countReader{r: io.NewSectionReader(s.file, 0, math.MaxInt64)}
	z, err := decompressor(s.ext, &s.src)
	if err != nil {
		s.err = err
		return
	}
	s.z = z
}

// readAt is as io.ReaderAt's. A damaged file ends where the damage begins.
func (s *stream) readAt(p []byte, off int64) (int, error) {
	if s.z == nil && s.err == nil || off < s.off {
		s.start()
	}
	for off > s.end() && s.err == nil {
		s.more(int(min(off-s.end(), 64<<10)), s.end())
	}
	s.more(len(p)-int(max(0, s.end()-off)), off)
	if off >= s.end() {
		return 0, io.EOF
	}
	n := copy(p, s.win[off-s.off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// ends returns where the content ends, and the place after its last '\n'. It
// reads all of it.
func (s *stream) ends(buf []byte) (end, line int64) {
	for {
		n, err := s.readAt(buf, end)
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			line = end + int64(i) + 1
		}
		end += int64(n)
		if err != nil {
			return end, line
		}
	}
}

func (s *stream) end() int64 { return s.off + int64(len(s.win)) }

// more reads up to n bytes on into the window, which keeps markMax bytes
// before off.
func (s *stream) more(n int, off int64) {
	if n <= 0 || s.err != nil {
		return
	}
	if drop := off - markMax - s.off; drop > 0 {
		drop = min(drop, int64(len(s.win)))
		s.win = append(s.win[:0], s.win[drop:]...)
		s.off += drop
	}
	s.win = slices.Grow(s.win, n)
	for n > 0 && s.err == nil {
		var m int
		m, s.err = s.z.Read(s.win[len(s.win) : len(s.win)+n])
		s.win = s.win[:len(s.win)+m]
		n -= m
	}
}

// damage says how the file is damaged, if it is, and how many of its
// compressed bytes were not used.
func (s *stream) damage(size int64) (lost int64, err error) {
	if s.err == nil || errors.Is(s.err, io.EOF) {
		return 0, nil
	}
	return max(1, size-s.src.n), fmt.Errorf("decompress: %w", s.err)
}

func (s *stream) close() {
	if s.z != nil {
		s.z.Close() // frees memory; nothing was written
		s.z = nil
	}
}
