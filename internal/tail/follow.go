package tail

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/parsers"
)

const (
	// settled is how long ago a file must have been written to for its time to
	// tell of any write since. File systems round times, up to 2 s.
	settled = 3 * time.Second
	// netEvery is how often everything is looked at though nothing seems to have changed:
	// where times are not kept, as with mapped files, that finds it at last.
	netEvery = 10 * time.Minute
	// missingEvery is how often a directory whose files come and go is searched
	// for generations of a log that is not there.
	missingEvery = 10 * time.Second
	// grace is how long a file that is no longer at the path is kept open after its
	// last line, for a writer that has not moved to the new one.
	grace = 2 * time.Minute
)

// stamp is what stat tells of a file's changes.
type stamp struct {
	dev, inode  uint64
	size, mtime int64 // bytes, Unix nanoseconds
	missing     bool
}

func newStamp(fi fs.FileInfo) stamp {
	s := stamp{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	s.dev, s.inode, _ = vfs.Ident(fi)
	return s
}

// glance is what a change of the log shows in. The zero value is like no other.
type glance struct {
	path stamp
	cur  stamp // the current generation; zero if it is the one at the path, or closed
	dir  stamp // the log's directory, if nothing is at the path; else zero
}

// same compares without the directories.
func (g glance) same(o glance) bool { return g.path == o.path && g.cur == o.cur }

// glance looks at the log: with one stat when the path is the current generation.
func (f *File) glance() (g glance, ok bool) {
	fi, err := f.opt.FS.Stat(f.path)
	switch {
	case err == nil:
		g.path = newStamp(fi)
		if f.atPath(g.path) {
			return g, true
		}
	case errors.Is(err, fs.ErrNotExist):
		g.path.missing = true
		if fi, err = f.opt.FS.Stat(filepath.Dir(f.path)); err == nil {
			g.dir = newStamp(fi)
		}
	default:
		return g, false
	}
	if f.cur != nil {
		if fi, err = f.cur.file.Stat(); err != nil {
			return g, false
		}
		g.cur = newStamp(fi)
	}
	return g, true
}

// atPath tells whether s is the current generation, or the one of the place.
func (f *File) atPath(s stamp) bool {
	if f.cur != nil {
		return f.cur.is(s.dev, s.inode)
	}
	return s.dev == f.pos.Dev && s.inode == f.pos.Inode
}

// settled tells whether anything that is written from now on shows in g.
func (g glance) settled(now time.Time) bool {
	return now.Sub(time.Unix(0, max(g.path.mtime, g.cur.mtime))) >= settled
}

// quiet is what the log looked like when all of it had been read.
type quiet struct {
	glance
	since  time.Time // it has looked so
	looked time.Time // everything was last looked at
}

// unchanged tells whether the log looks as it did when it had been read to its
// end, and what it looks like, to be handed to rest after reading; zero when that
// would not tell.
func (f *File) unchanged() (now glance, same bool) {
	now, ok := f.glance()
	if !ok || f.opt.Drain || f.given > f.off && f.opt.Silence > 0 {
		return glance{}, false
	}
	at := f.opt.Now()
	if !now.settled(at) {
		return glance{}, false
	}
	again := netEvery
	if now.dir != f.quiet.dir {
		again = missingEvery
	}
	if !now.same(f.quiet.glance) || at.Sub(f.quiet.looked) >= again && (now.dir != f.quiet.dir || !f.suspended) {
		return now, false
	}
	return now, true
}

// rests is Next while nothing has changed since the log looked like now.
func (f *File) rests(now glance, buf []byte) (parsers.Block, error) {
	if f.missing {
		f.sayMissing()
	}
	if now.cur == (stamp{}) || f.opt.Now().Sub(f.quiet.since) < grace {
		return parsers.Block{}, io.EOF
	}
	// Of a file that was only renamed an unfinished line is read when it is found again.
	if fi, err := f.cur.file.Stat(); err == nil && vfs.Links(fi) == 0 {
		if b, err := f.finish(buf); len(b.Bytes) > 0 || err != nil {
			return b, err
		}
	}
	f.letGo()
	return parsers.Block{}, io.EOF
}

// rest takes note that the log was read to its end, and that it looked like
// before when that began: what came in the meantime makes it look otherwise.
func (f *File) rest(before glance) {
	at := f.opt.Now()
	if !before.same(f.quiet.glance) {
		f.quiet.since = at
	}
	f.quiet.glance, f.quiet.looked = before, at
}

// letGo closes a file that was read to its end and is no longer at the path, so that
// a log that was removed does not hold its space for ever.
func (f *File) letGo() {
	if err := f.suspend(); err != nil {
		f.warn("closing", err)
	}
	f.drained = true
}

// Suspend closes the log's files and keeps its place in memory, to save the
// descriptors of logs that are seldom written to. It is called after Next
// returned io.EOF. The next call of Next that finds the path changed finds the
// place as Open does; until then Next returns io.EOF for one call of stat. A file that was
// renamed or removed stays open for two minutes after its last line nevertheless. After an
// error, which comes from closing, the log is suspended, too.
func (f *File) Suspend() error {
	if f.cur == nil {
		return nil
	}
	if now, ok := f.glance(); !ok || now.cur != (stamp{}) {
		return nil // Next lets it go
	}
	return f.suspend()
}

func (f *File) suspend() error {
	f.held, f.last = f.given-f.off, 0
	err := f.Close()
	f.quiet.cur = stamp{}
	f.suspended, f.away, f.fresh = true, true, false
	return err
}
