package tail

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/logmetrics/logmetrics/parsers"
)

// BlockSize is the length of buffer that callers should pass to Next: at
// 256 KiB BenchmarkNext is at its best, 1.3 times pread alone, and block and
// parser's tables still fit in a core's cache. 64 KiB costs 1.4 times as much.
const BlockSize = 256 << 10

// holeMin is how many NULs in a row are a hole in the file, left by a crash or
// a truncation, and not bytes of a line.
// Disks write by sectors of this length, and files are torn by pages.
const holeMin = 512

var nuls [holeMin]byte

// findHole returns where the first hole in p begins, or -1.
func findHole(p []byte) int {
	// It is enough to look at eight bytes in each so many: a hole covers one of
	// these looks. To look at all bytes takes as long as a tenth of parsing them.
	const step = holeMin - 8 + 1
	for i := 0; i+8 <= len(p); i += step {
		if binary.LittleEndian.Uint64(p[i:]) == 0 {
			return bytes.Index(p, nuls[:])
		}
	}
	return -1
}

// read returns the next whole lines of the current generation, or io.EOF.
func (f *File) read(ctx context.Context, buf []byte) (parsers.Block, error) {
	for {
		if err := ctx.Err(); err != nil {
			return parsers.Block{}, err
		}
		if f.skip > f.off {
			if err := f.skipLine(ctx, buf); err != nil {
				return parsers.Block{}, err
			}
		}
		n, err := f.readAt(buf, f.off)
		if err != nil {
			return parsers.Block{}, err
		}
		if n > 0 && !f.still() {
			f.checked = false
			return parsers.Block{}, io.EOF
		}
		end := bytes.LastIndexByte(buf[:n], '\n') + 1
		part := buf[:n]
		if end > 0 {
			part = buf[:end]
		}
		if findHole(part) >= 0 {
			b, err := f.atHole(ctx, buf, part)
			if len(b.Bytes) > 0 || err != nil {
				return b, err
			}
			continue
		}
		if int64(end) > f.given-f.off {
			return f.give(buf, end, false), nil
		}
		if n < len(buf) {
			return parsers.Block{}, io.EOF
		}
		switch {
		case n-end <= f.opt.MaxLine:
			buf = make([]byte, min(2*n, end+f.opt.MaxLine+1))
		case end > 0: // what is held back is followed by a line too long to be read
			return f.give(buf, end, true), nil
		default:
			f.skip = f.off + int64(n)
		}
	}
}

// still tells whether the current generation, now that it was read, has the
// content that it was known by: else it was copied and truncated before, perhaps
// after it was last compared, and what was read is of the generation after next.
func (f *File) still() bool {
	return f.cur.holds(f.cur.head, 0) && f.cur.holds(f.mark, f.off-int64(len(f.mark)))
}

// readAt reads from the current generation; a short read is its end.
func (f *File) readAt(p []byte, off int64) (int, error) {
	n, err := f.cur.readAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read log %q at %d: %w", f.cur.path, off, err)
	}
	return n, nil
}

// give returns the first n bytes of buf, which are those at off.
func (f *File) give(buf []byte, n int, final bool) parsers.Block {
	fresh := f.off + int64(n) - f.given
	f.stats.Bytes += max(0, fresh)
	f.take(buf[:n])
	f.last = int64(n)
	if final {
		f.last = 0
	}
	return parsers.Block{Bytes: buf[:n], Newest: f.cur.mtime, Final: final}
}

// take moves the position over p, which was read at off.
func (f *File) take(p []byte) {
	g := f.cur
	if len(g.head) < headMax && f.off <= int64(len(g.head)) {
		n := min(headMax-int(f.off), len(p))
		if int(f.off)+n > len(g.head) {
			g.head = append(g.head[:f.off], p[:n]...)
		}
	}
	if keep := markMax - len(p); keep <= 0 {
		f.mark = append(f.mark[:0], p[len(p)-markMax:]...)
	} else {
		if drop := len(f.mark) - keep; drop > 0 {
			f.mark = f.mark[:copy(f.mark, f.mark[drop:])]
		}
		f.mark = append(f.mark, p...)
	}
	f.off += int64(len(p))
	f.given = max(f.given, f.off)
}

// atHole returns what of part, read at off, is before and between holes; an
// empty block when that is nothing. A hole ends a record, hence Final, and ends
// the line that a crash tore there.
//
// Space may have been set aside for lines to come: a hole that nothing follows
// is not passed before the file is complete.
func (f *File) atHole(ctx context.Context, buf, part []byte) (parsers.Block, error) {
	solid := bytes.TrimRight(part, "\x00")
	if h := bytes.LastIndex(solid, nuls[:]); h >= 0 {
		return f.closeHoles(part[:h+holeMin]), nil
	}
	end, err := f.holeEnd(ctx, buf, f.off+int64(len(part)))
	if err != nil {
		return parsers.Block{}, err
	}
	if len(solid) == 0 {
		f.passHole(end)
		return parsers.Block{}, nil
	}
	torn := buf[:len(solid)+holeMin]
	if n, err := f.readAt(torn, f.off); err != nil || n < len(torn) {
		return parsers.Block{}, cmp.Or(err, io.EOF)
	}
	return f.closeHoles(torn), nil
}

// closeHoles returns p, which is at off, without its holes. It is linear in p,
// however many there are.
func (f *File) closeHoles(p []byte) parsers.Block {
	b := f.give(p, len(p), true)
	b.Bytes = p[:0]
	for rest := p; len(rest) > 0; {
		h := bytes.Index(rest, nuls[:])
		if h < 0 {
			b.Bytes = append(b.Bytes, rest...)
			break
		}
		line := rest[:h]
		rest = bytes.TrimLeft(rest[h:], "\x00")
		b.Bytes = append(b.Bytes, line...)
		if n := len(b.Bytes); n > 0 && b.Bytes[n-1] != '\n' {
			b.Bytes = append(b.Bytes, '\n') // there is room: a NUL was there
		}
	}
	f.countNuls(int64(len(p) - len(b.Bytes)))
	return b
}

// holeEnd returns where the hole that reaches up to from ends, or io.EOF when
// nothing follows it.
func (f *File) holeEnd(ctx context.Context, buf []byte, from int64) (int64, error) {
	for pos := max(from, f.hole); ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := f.readAt(buf, pos)
		if err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(buf[:n], "\x00")
		pos += int64(n - len(rest))
		if len(rest) > 0 {
			return pos, nil
		}
		f.hole = pos
		if n < len(buf) {
			return 0, io.EOF
		}
	}
}

// passHole moves the position over the hole between off and end.
func (f *File) passHole(end int64) {
	f.countNuls(end - f.off)
	f.jump(end, nil)
}

func (f *File) countNuls(n int64) {
	f.once("skipped NUL bytes, left by a crash or a truncation", "offset", f.off, "bytes", n)
	f.stats.NulBytes += n
}

// jump moves the position to off over bytes that no block holds; before is
// what stands just before it.
func (f *File) jump(off int64, before []byte) {
	f.off, f.given, f.skip = off, max(f.given, off), 0
	f.mark = append(f.mark[:0], before[max(0, len(before)-markMax):]...)
	if err := f.cur.readHead(); err != nil {
		f.warn("reading the head", err)
	}
}

// skipLine passes a line that is longer than MaxLine, or returns io.EOF when
// its end is not there yet. The position stays at the line's start until then, so
// that it is counted once however often reading stops within it.
func (f *File) skipLine(ctx context.Context, buf []byte) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.readAt(buf, f.skip)
		if err != nil {
			return err
		}
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			f.passLine(f.skip+int64(i)+1, buf[:i+1])
			return nil
		}
		f.skip += int64(n)
		if n < len(buf) {
			return io.EOF
		}
	}
}

// passLine counts the line between off and end, which is too long.
func (f *File) passLine(end int64, before []byte) {
	f.once("skipped a line that is too long", "offset", f.off, "bytes", end-f.off, "limit", f.opt.MaxLine)
	f.stats.LongLines++
	f.stats.LongBytes += end - f.off
	f.jump(end, before)
}

// finish returns what is left of a generation that will not grow: the lines
// that were held back, and an unfinished last one with a '\n' added.
func (f *File) finish(buf []byte) (parsers.Block, error) {
	f.reportDamage()
	if f.skip > f.off {
		f.passLine(f.skip, nil)
		return parsers.Block{}, nil
	}
	n, err := f.readAt(buf[:len(buf)-1], f.off)
	if need := int(f.given-f.off) + f.opt.MaxLine + 2; err == nil && n == len(buf)-1 && n < need {
		buf = make([]byte, need)
		n, err = f.readAt(buf[:need-1], f.off)
	}
	if err != nil || n == 0 {
		return parsers.Block{}, err
	}
	whole := len(bytes.TrimRight(buf[:n], "\x00"))
	if n > whole {
		f.countNuls(max(f.hole-f.off, int64(n)) - int64(whole))
	}
	b := f.give(buf, n, true)
	if f.hole > f.off {
		f.jump(f.hole, nil)
	}
	b.Bytes = b.Bytes[:whole]
	if whole > 0 && buf[whole-1] != '\n' {
		buf[whole] = '\n'
		b.Bytes = buf[:whole+1]
	}
	return b, nil
}

func grow(buf []byte, n int) []byte {
	if n <= len(buf) {
		return buf
	}
	return make([]byte, n)
}

// deliver returns the n bytes at off again.
func (f *File) deliver(buf []byte, n int64, final bool) (parsers.Block, error) {
	buf = grow(buf, int(n))
	m, err := f.readAt(buf[:n], f.off)
	if err != nil {
		return parsers.Block{}, err
	}
	if int64(m) < n {
		return parsers.Block{}, io.EOF // truncated since; the next look sees it
	}
	return f.give(buf, int(n), final), nil
}
