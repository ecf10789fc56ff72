package tail

import (
	"bytes"
	"errors"
	"time"

	"github.com/logmetrics/logmetrics/parsers"
)

// left is a generation that was left for the next one, while it may still be
// written to: old children of a web server that was reloaded go on for as long
// as their connections do.
type left struct {
	g     *generation
	off   int64     // the first byte not yet returned
	until time.Time // it is closed then; a while after its last line
}

// maxLeft bounds the generations that are kept open after they were left.
const maxLeft = 3

// keepOpen takes g, which was read to off, into what is looked at for late lines.
func (f *File) keepOpen(g *generation, off int64) error {
	if g.z != nil {
		return g.close()
	}
	f.left = append(f.left, left{g, off, f.opt.Now().Add(grace)})
	if len(f.left) <= maxLeft {
		return nil
	}
	oldest := f.left[0].g
	f.left = f.left[1:]
	return oldest.close()
}

// late returns whole lines that were added to a generation after it was left;
// an empty block when there are none. The place in the log does not change, so
// these lines are not read again: they are those of nobody who starts later.
// They come as Final, for they cannot be given back.
func (f *File) late(buf []byte) parsers.Block {
	for i := 0; i < len(f.left); {
		l := &f.left[i]
		if f.reads(l.g) { // it was moved back
			l.until = time.Time{}
		} else if b := l.lines(buf); len(b) > 0 {
			l.until = f.opt.Now().Add(grace)
			f.stats.Bytes += int64(len(b))
			f.last = 0
			return parsers.Block{Bytes: b, Newest: f.opt.Now().Unix(), Final: true}
		}
		if f.opt.Now().Before(l.until) {
			i++
			continue
		}
		if err := l.g.close(); err != nil {
			f.warn("closing", err)
		}
		f.left = append(f.left[:i], f.left[i+1:]...)
	}
	return parsers.Block{}
}

// lines returns the whole lines that follow, up to what buf holds.
func (l *left) lines(buf []byte) []byte {
	n, _ := l.g.readAt(buf, l.off) // at its end as a rule; other errors are tried again
	end := bytes.LastIndexByte(buf[:n], '\n') + 1
	l.off += int64(end)
	return buf[:end]
}

// reads tells whether g is what is read in order.
func (f *File) reads(g *generation) bool {
	return f.cur != nil && f.cur.is(g.dev, g.inode) || f.next != nil && f.next.is(g.dev, g.inode)
}

// closeLeft closes all that is kept open.
func (f *File) closeLeft() (err error) {
	for _, l := range f.left {
		err = errors.Join(err, l.g.close())
	}
	f.left = nil
	return err
}
