package tail

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/logmetrics/logmetrics/state"
)

// resume makes the generation current that pos is in, or what comes after it
// when it is gone. cur stays nil when there is neither.
func (f *File) resume() error {
	pos := f.pos
	live, err := openGeneration(f.opt.FS, f.path, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.missing = f.missing && live == nil
	like := unlike
	if live == nil {
		f.sayMissing()
	} else if like, err = live.like(pos); err != nil {
		return errors.Join(err, live.close())
	} else if like == identical && !vague(pos) {
		return f.resumeAt(live, pos.Offset)
	}
	if live != nil {
		if err := live.close(); err != nil {
			return err
		}
	}
	list, err := f.siblings()
	if err != nil {
		return err
	}
	if err := f.resumeIn(list); err != nil {
		return err
	}
	if live != nil && live.inode == pos.Inode && known(pos) && like != identical {
		f.stats.Truncations++
	}
	return nil
}

// known tells whether a position says anything of its generation's content.
func known(pos state.Position) bool { return pos.HeadLen+pos.MarkLen > 0 }

// vague tells whether a position knows little of its generation: the beginning
// of a first line, with which others may begin, too.
func vague(pos state.Position) bool { return pos.Offset == 0 && pos.HeadLen < headMax }

// resumeAt makes g current at off.
func (f *File) resumeAt(g *generation, off int64) error {
	held := f.held
	if !f.suspended || off != f.pos.Offset {
		held = 0
	}
	f.enter(g, off)
	f.given += held
	return f.remark()
}

// resumeIn is resume when the live file is not the one.
func (f *File) resumeIn(list []entry) error {
	m, err := f.locate(list, f.pos)
	switch {
	case err != nil:
		return err
	case m.g == nil:
		return f.resumeBehind(list)
	case m.like == identical:
		return f.resumeAt(m.g, f.pos.Offset)
	}
	// A copy was made before the last lines were read: nothing of it is new. Or
	// the live file lost its end, as it does in a power cut.
	end, line, err := m.g.ends()
	if err != nil {
		return errors.Join(err, m.g.close())
	}
	if list[m.at].live {
		f.once("the log lost its end; it is read on from where it ends now", "offset", line, "was", f.pos.Offset)
		end = line
	}
	return f.resumeAt(m.g, end)
}

// resumeBehind starts at the first generation that is newer than the one which
// is gone. Only generations between it and the last one before it that is still
// there are unread; an empty file is known by that alone.
func (f *File) resumeBehind(list []entry) error {
	at := f.indexOfPrev(list)
	if at < 0 && !known(f.pos) && f.plen > 0 {
		at = indexOfInode(list, f.pos.Inode) - 1
	}
	at = max(at, -1)
	g, i, err := f.firstAfter(list, at)
	if err != nil || g == nil {
		return err
	}
	switch {
	case f.drained:
		f.stats.Rotations++
	case known(f.pos) || f.emptyIsGone(list[at+1:]):
		f.countGap(g)
	}
	f.prev, f.plen = f.before(list, i)
	f.fresh = false
	f.enter(g, 0)
	return nil
}

// emptyIsGone reports whether the file of a position that knows no content, for
// it was empty, is not there any more: nothing that was rotated is among later,
// and no empty file is the one.
func (f *File) emptyIsGone(later []entry) bool {
	if slices.ContainsFunc(later, func(e entry) bool { return !e.live && !e.stray }) || indexOfInode(later, f.pos.Inode) >= 0 {
		return false
	}
	all, err := f.scan(true)
	return err != nil || indexOfInode(all, f.pos.Inode) < 0
}

// countGap counts what is gone with its generation. How much of it was unread
// nobody knows; if it was as long as the one after it, this much.
func (f *File) countGap(next *generation) {
	f.stats.Gaps++
	var lost int64
	if f.away { // else it was read to its end a moment ago
		lost = max(0, next.size-f.pos.Offset)
	}
	f.stats.Lost += lost
	f.once("the file that was read last is gone, and with it what was not read of it", "offset", f.pos.Offset, "lost", lost, "next", next.path)
}

// match is a generation that has the content of a position.
type match struct {
	g    *generation // nil: none has
	at   int         // in the list
	like likeness
}

// locate finds the generation that pos is in. The same content may be there
// twice: then the file with pos's inode is taken, or the newest; of a vague
// position the oldest after Prev. The live file that is cut comes after all others.
func (f *File) locate(list []entry, pos state.Position) (best match, err error) {
	if !known(pos) {
		return match{}, nil
	}
	var denied error
	deniedAt, oldest := -1, 0
	if vague(pos) {
		oldest = f.indexOfPrev(list) + 1
	}
	for i := len(list) - 1; i >= oldest; i-- {
		g, err := f.openEntry(list[i])
		if errors.Is(err, fs.ErrPermission) {
			if denied == nil && !list[i].stray {
				denied, deniedAt = err, i
			}
			continue
		}
		if err != nil {
			return match{}, errors.Join(err, best.close())
		}
		m := match{g: g, at: i}
		if m.like, err = g.like(pos); err != nil {
			return match{}, errors.Join(err, g.close(), best.close())
		}
		if !m.better(best, list, pos) {
			m, best = best, m
		}
		if err := best.close(); err != nil {
			return match{}, errors.Join(err, m.close())
		}
		best = m
	}
	if best.g == nil && denied != nil && f.indexOfPrev(list) < deniedAt {
		return match{}, denied // it may be that one
	}
	return best, nil
}

// better tells whether m, which is older, is to be taken instead of best.
func (m match) better(best match, list []entry, pos state.Position) bool {
	if m.like != best.like {
		return m.like > best.like
	}
	if m.like == cut {
		return list[best.at].live
	}
	if vague(pos) {
		return m.like == identical && !list[m.at].stray
	}
	return m.like == identical && m.g.inode == pos.Inode && best.g.inode != pos.Inode
}

func (m match) close() error {
	if m.g == nil {
		return nil
	}
	return m.g.close()
}

// indexOfPrev returns where the generation before the current one stands, or -1.
func (f *File) indexOfPrev(list []entry) int {
	if f.plen == 0 {
		return -1
	}
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].live || list[i].stray {
			continue
		}
		g, err := f.openEntry(list[i])
		if err != nil {
			continue // it is no help then
		}
		same := g.begins(f.prev, f.plen)
		g.close() // was only read
		if same {
			return i
		}
	}
	return -1
}

// before returns Position.Prev for the generation at i: the nearest older one.
func (f *File) before(list []entry, i int) (sum uint64, n int64) {
	for i--; i >= 0; i-- {
		if list[i].stray {
			continue
		}
		g, err := f.openEntry(list[i])
		if err != nil {
			continue // it is no help then
		}
		head := g.head
		g.close() // was only read
		if len(head) > 0 {
			return hash(head), int64(len(head))
		}
	}
	return 0, 0
}

// firstAfter opens the oldest generation newer than the one at index at that has
// content, or the live file; nil when there is none.
func (f *File) firstAfter(list []entry, at int) (*generation, int, error) {
	for i := at + 1; i < len(list); i++ {
		if list[i].stray {
			continue
		}
		g, err := f.openEntry(list[i])
		if err != nil {
			return nil, 0, err
		}
		if len(g.head) > 0 || list[i].live {
			return g, i, nil
		}
		if err := g.close(); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, nil
}

func indexOfInode(list []entry, inode uint64) int {
	for i, e := range list {
		if e.inode == inode {
			return i
		}
	}
	return -1
}

// findPrev sets prev for the live file, which is current.
func (f *File) findPrev() error {
	list, err := f.siblings()
	if err != nil {
		return err
	}
	f.prev, f.plen = f.before(list, len(list)-1)
	return nil
}
