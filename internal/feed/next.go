package feed

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
)

// Next is tail.Source's. An error other than io.EOF is what Fail or End were
// given; Next may be called again.
func (f *Feed) Next(ctx context.Context, buf []byte) (parsers.Block, error) {
	f.settle()
	for {
		if err := ctx.Err(); err != nil {
			return parsers.Block{}, err
		}
		ended := f.hasEnded() // first: what is written afterwards is not its end
		buf = f.grow(buf)
		room := buf[len(f.acc):]
		n := f.peek(room[:min(len(room), tail.BlockSize)])
		if n > 0 {
			f.heard = f.opt.Now()
			if b := f.lines(buf, n); len(b.Bytes) > 0 {
				return b, nil
			}
			continue
		}
		if ended && f.left() {
			return f.finish(buf), nil
		}
		if err := f.failure(); err != nil {
			return parsers.Block{}, err
		}
		if ended {
			return parsers.Block{}, tail.ErrEnded
		}
		if f.silent() {
			return f.give(buf, true), nil
		}
		if err := f.wait(ctx); err != nil {
			return parsers.Block{}, err
		}
	}
}

// settle lets go of the last block, which can no longer be given back.
func (f *Feed) settle() {
	if f.last == 0 {
		return
	}
	f.acc, f.given, f.last = f.acc[:0], 0, 0
	f.advance(f.pending)
	f.pending = 0
}

func (f *Feed) hasEnded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

// failure returns what Fail or End were given, once.
func (f *Feed) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n > 0 {
		return nil // written before the failure
	}
	err := f.err
	f.err = nil
	return err
}

// grow returns buf, or a longer one when what is held back leaves less than
// half a block of room in it.
func (f *Feed) grow(buf []byte) []byte {
	if len(buf)-len(f.acc) < tail.BlockSize/2 {
		return make([]byte, len(f.acc)+tail.BlockSize)
	}
	return buf
}

// peek copies the next bytes of the buffer into p; they stay there.
func (f *Feed) peek(p []byte) int {
	f.mu.Lock()
	start, n := f.start, f.n
	f.mu.Unlock()
	// These bytes are the owner's until advance.
	n = min(n, len(p))
	m := copy(p[:n], f.ring[start:])
	copy(p[m:n], f.ring)
	return n
}

// advance makes the first n bytes of the buffer free.
func (f *Feed) advance(n int) {
	if n == 0 {
		return
	}
	f.mu.Lock()
	f.start = (f.start + n) % len(f.ring)
	f.n -= n
	f.mu.Unlock()
	signal(f.room)
}

// lines looks at the n bytes that peek put behind acc's place in buf, and returns
// the whole lines; an empty block when there are none yet.
func (f *Feed) lines(buf []byte, n int) parsers.Block {
	at := len(f.acc)
	fresh := buf[at : at+n]
	first := bytes.IndexByte(fresh, '\n')
	length := first
	if first < 0 {
		length = n
	}
	if f.skipped > 0 || at-f.given+length > f.opt.MaxLine {
		f.skip(length, first >= 0)
		return parsers.Block{}
	}
	end := bytes.LastIndexByte(fresh, '\n') + 1
	if end == 0 {
		f.acc = append(f.acc, fresh...)
		f.advance(n)
		return parsers.Block{}
	}
	f.pending = end
	return f.give(buf[:at+end], false)
}

// skip passes n bytes of the buffer, and what acc has of the same line.
func (f *Feed) skip(n int, ends bool) {
	f.skipped += int64(len(f.acc) - f.given + n)
	f.acc = f.acc[:f.given]
	if ends {
		f.advance(1)
		f.countSkipped(1)
	}
	f.advance(n)
}

// countSkipped ends a line that was too long, with end more bytes.
func (f *Feed) countSkipped(end int64) {
	f.stats.LongLines++
	f.stats.LongBytes += f.skipped + end
	if !f.said {
		f.said = true
		f.opt.Log.Warn("skipped a line that is too long", "bytes", f.skipped, "limit", f.opt.MaxLine)
	}
	f.skipped = 0
}

// give returns acc and the pending bytes, which are behind its place in buf.
func (f *Feed) give(buf []byte, final bool) parsers.Block {
	copy(buf, f.acc)
	n := len(f.acc) + f.pending
	f.stats.Bytes += int64(n - f.given)
	b := parsers.Block{Bytes: buf[:n], Newest: f.opt.Now().Unix(), Final: final}
	f.last = n
	if final {
		f.settle()
	}
	return b
}

// left reports whether there is something to be finished, and counts a line
// that is too long and has no end.
func (f *Feed) left() bool {
	if f.skipped > 0 {
		f.countSkipped(0)
	}
	return len(f.acc) > 0
}

// finish returns what is left at the end: what was given back, and an
// unfinished last line, which gets its '\n'.
func (f *Feed) finish(buf []byte) parsers.Block {
	if len(f.acc) > f.given {
		f.acc = append(f.acc, '\n')
	}
	return f.give(buf, true)
}

// silent reports whether nothing has come for so long that what was given back
// is whole: a program writes a record at once. It is not while a line behind it
// is unfinished, for that is of the next.
func (f *Feed) silent() bool {
	return f.opt.Silence > 0 && f.given > 0 && f.given == len(f.acc) && f.opt.Now().Sub(f.heard) >= f.opt.Silence
}

// wait waits for more to be there. With Follow it returns io.EOF instead, and
// Wake is called when there is more.
func (f *Feed) wait(ctx context.Context) error {
	if !f.opt.Follow {
		select {
		case <-f.more:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !f.rest() {
		return nil
	}
	if f.given > 0 && f.opt.Silence > 0 {
		f.wakeIn()
	}
	return io.EOF
}

// rest makes the next change call Wake; false when there was one just now.
func (f *Feed) rest() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = f.n == 0 && !f.ended && f.err == nil
	return f.idle
}

// wakeIn has Wake called when what was given back will be whole.
func (f *Feed) wakeIn() {
	d := f.opt.Silence - f.opt.Now().Sub(f.heard)
	if f.silence == nil {
		f.silence = time.AfterFunc(d, f.opt.Wake)
		return
	}
	f.silence.Reset(d)
}

// Unread is tail.Source's. It does nothing after a Final block, and gives back
// what it is told to; bounds are the caller's.
func (f *Feed) Unread(n int) {
	n = min(n, f.last)
	if n <= 0 {
		return
	}
	if back := f.pending - n; back >= 0 {
		f.acc = f.acc[:0]
		f.copyOut(back, n)
	} else {
		f.acc = append(f.acc[:0], f.acc[len(f.acc)+back:]...)
		f.copyOut(0, f.pending)
	}
	f.advance(f.pending)
	f.given, f.pending, f.last = len(f.acc), 0, 0
}

// copyOut appends n bytes of the buffer, from the given place on, to acc.
func (f *Feed) copyOut(from, n int) {
	f.mu.Lock()
	from = (f.start + from) % len(f.ring)
	f.mu.Unlock()
	whole := min(n, len(f.ring)-from)
	f.acc = append(f.acc, f.ring[from:from+whole]...)
	f.acc = append(f.acc, f.ring[:n-whole]...)
}
