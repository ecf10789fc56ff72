package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// look finds out what there is at the end of the current generation: it sets
// next, or replaces cur when that is missing or lost its content. It returns
// false when there is nothing more now.
func (f *File) look() (bool, error) {
	if f.cur == nil {
		err := f.resume()
		return f.cur != nil, err
	}
	fi, err := f.opt.FS.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.sayMissing()
	case err != nil:
		return false, fmt.Errorf("look at log: %w", err)
	default:
		f.missing = false
		if dev, inode, _ := vfs.Ident(fi); f.cur.is(dev, inode) {
			if f.checked {
				return false, nil
			}
			lost, err := f.replaced()
			return lost && f.cur != nil, err
		}
	}
	return f.lookBehind()
}

// replaced tells whether the current file lost the content that was read from
// it, as in a truncation. Then cur is what is to be read instead: a copy that
// holds more of it, or what is new; or nil.
func (f *File) replaced() (bool, error) {
	same, err := f.cur.unchanged(f.mark, f.off)
	if same || err != nil {
		return false, err
	}
	return true, f.leave()
}

// leave gives up the current file, and finds its place anew.
func (f *File) leave() error {
	f.pos = f.Position()
	g := f.cur
	f.cur, f.fresh = nil, false
	return errors.Join(g.close(), f.resume())
}

// lookBehind finds what follows the current generation, which was rotated away.
func (f *File) lookBehind() (bool, error) {
	list, err := f.siblings()
	if err != nil {
		return false, err
	}
	at, err := f.place(list)
	if err != nil {
		return false, err
	}
	if at >= 0 && list[at].live { // a copy, as of an edited file, is in its place
		err := f.leave()
		return f.cur != nil, err
	}
	next, i, err := f.firstAfter(list, at)
	if err != nil || next == nil {
		return false, err
	}
	if len(next.head) == 0 {
		return false, next.close() // the writer may not have moved there yet
	}
	f.stats.Rotations++
	f.next = next
	f.nextPrev, f.nextPrevLen = f.before(list, i)
	return true, nil
}

// place returns where the current generation stands in list; when it is gone,
// or is a stray, whose name does not tell, where the one before it stands; or -1.
func (f *File) place(list []entry) (int, error) {
	at := slices.IndexFunc(list, func(e entry) bool { return f.cur.is(e.dev, e.inode) })
	if at < 0 {
		m, err := f.locate(list, f.Position()) // compressed since, or copied
		if err != nil {
			return 0, err
		}
		if m.g != nil {
			at = m.at
			if err := m.g.close(); err != nil {
				return 0, err
			}
		}
	}
	if at < 0 || list[at].stray {
		return max(at, f.indexOfPrev(list)), nil
	}
	return at, nil
}
