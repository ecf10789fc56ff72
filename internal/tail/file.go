package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// File is a Source of one path. Like every Source it is owned by one
// goroutine at a time.
type File struct {
	path string
	opt  Options
	log  *slog.Logger
	said map[string]time.Time // when each message was said last

	start state.Position // where Open began
	pos   state.Position // the place while cur is nil
	cur   *generation    // nil: there is nothing to read from yet
	next  *generation    // what follows cur; then cur is read to its end once more
	off   int64          // in cur: the first byte not yet returned
	given int64          // in cur: up to here it was returned once; above off after Unread
	last  int64          // length of the last block; 0: it cannot be unread
	mark  []byte         // the last bytes before off, up to markMax
	prev  uint64         // Position.Prev
	plen  int64          // Position.PrevLen
	// nextPrev and nextPrevLen become prev and plen together with next.
	nextPrev    uint64
	nextPrevLen int64
	skip        int64     // in cur: no '\n' between off and here, which is more than MaxLine
	hole        int64     // in cur: nothing but NULs between the place looked at last and here
	fresh       bool      // start was given, and nothing was consumed since
	checked     bool      // this call of Next has compared cur with what was read of it, and read no more since
	ended       bool      // Next returned io.EOF: nobody knows what became of cur since
	missing     bool      // nothing was at the path when it was looked at last
	missed      time.Time // that was so first
	mourned     bool      // that was said, or is not to be
	away        bool      // no file was current since Open or Suspend
	suspended   bool      // cur is nil because it was closed
	drained     bool      // and nothing of it was unread
	held        int64     // given - off, while suspended
	quiet       quiet     // zero: what there is was not read to its end
	left        []left    // generations that were left, and may get more lines
	stats       Stats
}

// Open opens the log named path at pos. A zero pos makes it a log that is new
// to the job, which must be there: fs.ErrNotExist can be matched. With a pos the
// path may be missing. Other errors to match are fs.ErrPermission and
// ErrNotRegular. Nothing is changed by an Open that fails.
func Open(path string, pos state.Position, opt Options) (*File, error) {
	if opt.FS == nil {
		opt.FS = vfs.OS{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MaxLine <= 0 {
		opt.MaxLine = DefaultMaxLine
	}
	f := &File{path: path, opt: opt, said: map[string]time.Time{}, away: true, start: pos, pos: pos, mark: make([]byte, 0, markMax)}
	f.log = opt.Log.With("source", path)
	var err error
	if pos == (state.Position{}) {
		err = f.begin()
	} else {
		f.prev, f.plen = pos.Prev, pos.PrevLen
		f.fresh = true
		err = retry(f.resume)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// begin starts a log that has no position.
func (f *File) begin() error {
	if f.opt.FromOldest {
		return retry(f.beginOldest)
	}
	g, err := openGeneration(f.opt.FS, f.path, true)
	if err != nil {
		return err
	}
	f.enter(g, 0)
	if f.opt.FromEnd || f.opt.Last > 0 {
		size, end, err := g.ends()
		if err == nil && f.opt.Last > 0 {
			end, err = g.lineAfter(max(0, size-f.opt.Last), end)
		}
		if err != nil {
			return err
		}
		f.off, f.given = end, end
		if err := f.remark(); err != nil {
			return err
		}
	}
	return retry(f.findPrev)
}

// beginOldest starts at the oldest generation that has content.
func (f *File) beginOldest() error {
	list, err := f.siblings()
	if err != nil {
		return err
	}
	g, _, err := f.firstAfter(list, -1)
	if err == nil && g == nil {
		g, err = openGeneration(f.opt.FS, f.path, true)
	}
	if err != nil {
		return err
	}
	f.enter(g, 0)
	return nil
}

// enter makes g the current generation, read up to off.
func (f *File) enter(g *generation, off int64) {
	f.cur, f.next = g, nil
	f.off, f.given, f.last, f.skip, f.hole = off, off, 0, 0, 0
	f.mark = f.mark[:0]
	f.away, f.suspended, f.drained = false, false, false
	f.stats.Generations++
}

// Next implements Source. An error other than io.EOF leaves the position where
// it is, and Next may be called again.
func (f *File) Next(ctx context.Context, buf []byte) (parsers.Block, error) {
	if len(buf) == 0 {
		buf = make([]byte, BlockSize)
	}
	b, err := f.nextInOrder(ctx, buf)
	if len(f.left) > 0 && errors.Is(err, io.EOF) {
		if b := f.late(buf); len(b.Bytes) > 0 {
			return b, nil
		}
	}
	return b, err
}

// nextInOrder is Next without what comes late.
func (f *File) nextInOrder(ctx context.Context, buf []byte) (parsers.Block, error) {
	var before glance
	if f.ended {
		var same bool
		if before, same = f.unchanged(); same {
			return f.rests(before, buf)
		}
	}
	if err := f.compare(); err != nil {
		return parsers.Block{}, err
	}
	f.ended = false
	for {
		if f.cur != nil {
			b, err := f.read(ctx, buf)
			if !errors.Is(err, io.EOF) {
				return b, err
			}
			if f.next != nil || f.cur.z != nil || f.opt.Drain {
				if b, err := f.finish(buf); len(b.Bytes) > 0 || err != nil {
					return b, err
				}
			}
		}
		more, err := f.proceed()
		if err != nil {
			return parsers.Block{}, err
		}
		if !more {
			b, err := f.finishOld(buf)
			if f.ended {
				f.rest(before)
			}
			return b, err
		}
	}
}

// compare looks whether cur still is what it was when it was read last. An empty
// file had nothing to know it by, one with less than a line not enough: it may have
// been filled, copied and truncated since.
func (f *File) compare() (err error) {
	f.checked = false
	switch {
	case f.cur == nil || f.next != nil:
		return nil
	case f.given == 0 && len(f.cur.head) < headMax:
		err = f.leave()
	case !f.ended && f.cur.holds(f.mark, f.off-int64(len(f.mark))) && (len(f.mark) == markMax || f.cur.holds(f.cur.head, 0)):
		return nil // enough between two blocks; the rest is looked at where it ends
	default:
		_, err = f.replaced()
	}
	if errors.Is(err, errMoved) {
		return nil // cur is nil, and looked for
	}
	f.checked = err == nil && f.cur != nil
	return err
}

// proceed goes on to what follows at the end of the current generation. The
// first time it only finds it: cur may have grown until its successor did.
func (f *File) proceed() (more bool, err error) {
	if f.next == nil {
		err = retry(func() (err error) { more, err = f.look(); return err })
		return more, err
	}
	if g := f.next; !g.holds(g.head, 0) { // copied and truncated since it was found
		f.next = nil
		return true, g.close()
	}
	g, off := f.cur, f.off
	f.prev, f.plen, f.fresh = f.nextPrev, f.nextPrevLen, false
	f.enter(f.next, 0)
	return true, f.keepOpen(g, off)
}

// finishOld ends the pass. A record that was held back at the end of the run
// before, and has got nothing since, is complete.
func (f *File) finishOld(buf []byte) (parsers.Block, error) {
	if f.cur != nil && f.given > f.off && (f.fresh && f.off == f.start.Offset || f.silent()) {
		return f.deliver(buf, f.given-f.off, true)
	}
	f.ended = true
	return parsers.Block{}, io.EOF
}

// silent reports whether nothing was written for so long that a record which
// was held back is whole: a program writes one at once.
func (f *File) silent() bool {
	fi, err := f.cur.file.Stat()
	return err == nil && f.opt.Silence > 0 && f.opt.Now().Sub(fi.ModTime()) >= f.opt.Silence
}

// Unread implements Source. It does nothing after a Final block, and gives
// back at most parsers.MaxHeld bytes.
func (f *File) Unread(n int) {
	back := min(int64(n), f.last, parsers.MaxHeld)
	f.last = 0
	if f.cur == nil || back <= 0 {
		return
	}
	f.off -= back
	if err := f.remark(); err != nil {
		f.warn("reading back", err)
	}
}

// remark reads the bytes before off, which then are part of the position.
func (f *File) remark() error {
	n := min(f.off, markMax)
	m, err := f.cur.readAt(f.mark[:n], f.off-n)
	if int64(m) < n {
		f.mark = f.mark[:0] // not what was read there: the position does without
	} else {
		f.mark = f.mark[:n]
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read log %q: %w", f.cur.path, err)
	}
	return nil
}

// Position implements Source.
func (f *File) Position() state.Position {
	if f.cur == nil {
		return f.pos
	}
	g := f.cur
	p := state.Position{Dev: g.dev, Inode: g.inode, Offset: f.off, HeadLen: int64(len(g.head)), MarkLen: int64(len(f.mark)), Prev: f.prev, PrevLen: f.plen}
	p.Head, p.Mark = hash(g.head), hash(f.mark)
	return p
}

// Over reports whether the log can have nothing more, once Next returned
// io.EOF: nothing of it is left, and file is empty, or only file, which is
// compressed and read to its end.
func (f *File) Over() (file string, over bool) {
	if f.suspended {
		list, err := f.siblings()
		return "", err == nil && len(list) == 0
	}
	if f.cur != nil {
		if f.cur.z == nil || f.next != nil || f.skip > f.off {
			return "", false
		}
		file = f.cur.path
		if _, err := f.opt.FS.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
			return file, false
		}
	}
	list, err := f.scan(true) // an empty file that was rotated may have lines yet, or a successor
	return file, err == nil && !slices.ContainsFunc(list, func(e entry) bool { return e.size == 0 && !e.stray })
}

// Close implements Source.
func (f *File) Close() error {
	errs := []error{f.closeLeft()}
	for _, g := range []*generation{f.cur, f.next} {
		if g != nil {
			errs = append(errs, g.close())
		}
	}
	f.pos, f.cur, f.next = f.Position(), nil, nil
	return errors.Join(errs...)
}

// retry calls fn again while rotation moves files under its hands.
func retry(fn func() error) error {
	err := fn()
	for range 10 {
		if !errors.Is(err, errMoved) {
			break
		}
		err = fn()
	}
	return err
}

// errMoved says that a file is not where it was a moment ago.
var errMoved error = moved{}

type moved struct{}

func (moved) Error() string { return "rotated at this moment: " + fs.ErrNotExist.Error() }
func (moved) Unwrap() error { return fs.ErrNotExist }
