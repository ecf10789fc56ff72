package tail

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/internal/vfs"
)

// maxSiblings bounds how many names of a log's directory are looked at: years
// of hourly rotation.
const maxSiblings = 50000

// suffix is what rotation adds to a log's name: a number, or a date with
// perhaps an hour, a time, Unix seconds or a number, or Unix seconds alone; then
// the compression's ending. Years begin with 20: those of a thousand years ago
// are Unix seconds.
var suffix = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\.(\d{1,6})|[-.](?:(20\d\d)-?([01]\d)-?([0-3]\d)(?:[-_T.]?(\d{2,10})|[-_.](\d))?|(\d{10})))(?:\.(?:gz|zst|bz2|xz))?$`)
}}

// entry is a file that may hold a part of the log.
type entry struct {
	path       string
	live       bool // it is the live path
	stray      bool // its name does not say that it belongs to the log; its content may
	dev, inode uint64
	size       int64 // as stored
	mtime      int64
	key        key
}

// key orders the generations of one log.
type key struct {
	dated      bool
	num        int64  // the number, of which higher is older; or what follows the date
	date       string // YYYYMMDD
	compressed bool
}

// parseSuffix reads what rotation added to a name.
func parseSuffix(s string) (k key, ok bool) {
	m := suffix.Get().FindStringSubmatch(s)
	if m == nil {
		return key{}, false
	}
	k = key{dated: m[1] == "", date: m[2] + m[3] + m[4], compressed: compression(s) != ""}
	k.num, _ = strconv.ParseInt(m[1]+m[5]+m[6]+m[7], 10, 64) // digits alone, or none
	if m[7] != "" {
		k.date = time.Unix(k.num, 0).UTC().Format("20060102")
	}
	return k, true
}

// rotated reads what rotation added to the name of the log called base: behind
// it, or, if that is a date, before its extension, where logrotate's "extension"
// and Java's appenders put it (app-20240131.log). Numbers there (app.1.log) as
// often tell logs apart that are written side by side.
func rotated(name, base string) (k key, ok bool) {
	if rest, found := strings.CutPrefix(name, base); found {
		if k, ok = parseSuffix(rest); ok {
			return k, true
		}
	}
	ext, ending := filepath.Ext(base), compression(name)
	middle, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	if !ok || ext == "" || ext == base {
		return key{}, false
	}
	if middle, ok = strings.CutSuffix(strings.TrimSuffix(middle, ending), ext); ok {
		k, ok = parseSuffix(middle + ending)
	}
	return k, ok && k.dated
}

// compareAge orders keys of one scheme from old to new.
func compareAge(a, b key) int {
	if !a.dated {
		return cmp.Compare(b.num, a.num)
	}
	return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.num, b.num))
}

// siblings lists what may hold a part of the log, oldest first, the live file
// last. A rotation in the middle of listing would hide a file or show it
// twice, so it lists until two listings agree.
func (f *File) siblings() ([]entry, error) {
	last, err := f.scan(false)
	for range 10 {
		if err != nil {
			return nil, fmt.Errorf("list generations of %q: %w", f.path, err)
		}
		var again []entry
		again, err = f.scan(false)
		if err == nil && slices.EqualFunc(last, again, sameFile) {
			return again, nil
		}
		last = again
	}
	return nil, fmt.Errorf("list generations of %q: %w", f.path, errMoved)
}

func sameFile(a, b entry) bool { return a.path == b.path && a.dev == b.dev && a.inode == b.inode }

// scan lists once; if asked to, with rotated files that are empty.
func (f *File) scan(empty bool) ([]entry, error) {
	live, err := f.opt.FS.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		live, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := directory{fsys: f.opt.FS, live: live, empty: empty}
	list, err := d.family(f.path)
	if err != nil {
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(f.path); err == nil && isLink(f.opt.FS, f.path) {
		more, err := d.targets(target)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	list = append(list, d.itself(f.path)...)
	if live != nil {
		list = append(list, newEntry(f.path, live))
		list[len(list)-1].live = true
	}
	return unique(list), nil
}

func isLink(fsys vfs.FS, name string) bool {
	fi, err := fsys.Lstat(name)
	return err == nil && fi.Mode()&fs.ModeSymlink != 0
}

// unique drops other names of the live file, and second names of any other.
func unique(list []entry) []entry {
	type ident struct{ dev, inode uint64 }
	last := map[ident]int{}
	for i, e := range list {
		last[ident{e.dev, e.inode}] = i
	}
	kept := list[:0]
	for i, e := range list {
		if last[ident{e.dev, e.inode}] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// directory finds generations by name.
type directory struct {
	fsys  vfs.FS
	live  fs.FileInfo // nil: there is none
	empty bool        // files without content are generations, too
}

// family lists the rotated generations of the log named path, oldest first.
func (d directory) family(path string) ([]entry, error) {
	dir, base := filepath.Split(path)
	return d.list(dir, func(name string) (key, bool) { return rotated(name, base) })
}

// itself lists the log compressed under its own name, as it is done to logs with
// a date in their names. It is a stray: a copy that somebody made looks the same.
func (d directory) itself(path string) (list []entry) {
	for _, ending := range compressions {
		if fi, err := d.fsys.Lstat(path + ending); err == nil && d.ours(fi) {
			e := newEntry(path+ending, fi)
			e.stray = true
			list = append(list, e)
		}
	}
	return list
}

// targets lists what a symbolic link may have led to before it led to path: the
// files of the same directory whose names differ in their numbers only, with
// their rotated generations; before them, as strays, all others.
func (d directory) targets(path string) ([]entry, error) {
	dir, base := filepath.Split(path)
	all, err := d.list(dir, func(name string) (key, bool) { return key{}, name != base })
	if err != nil {
		return nil, err
	}
	var list, strays []entry
	for _, e := range all {
		name := filepath.Base(e.path)
		if shape(name) == shape(base) && natural(name, base) < 0 {
			list = append(list, e)
			continue
		}
		e.stray = true
		strays = append(strays, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return natural(filepath.Base(a.path), filepath.Base(b.path)) })
	for _, e := range append(slices.Clone(list), entry{path: path}) {
		rotated, err := d.family(e.path)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(list, func(x entry) bool { return x.path == e.path })
		if at < 0 {
			at = len(list)
		}
		list = slices.Insert(list, at, rotated...)
	}
	return append(strays, list...), nil
}

var digits = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`\d+`) }}

func shape(name string) string { return digits.Get().ReplaceAllString(name, "0") }

// natural compares names of one shape by their numbers.
func natural(a, b string) int {
	return slices.CompareFunc(digits.Get().FindAllString(a, -1), digits.Get().FindAllString(b, -1), func(x, y string) int {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}

// list returns the files of dir that match accepts, oldest first.
func (d directory) list(dir string, accept func(name string) (key, bool)) ([]entry, error) {
	names, err := d.fsys.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var list []entry
	for _, n := range names {
		k, ok := accept(n.Name())
		if !ok || !n.Type().IsRegular() {
			continue
		}
		fi, err := d.fsys.Lstat(filepath.Join(dir, n.Name()))
		if err != nil || !d.ours(fi) {
			continue // gone since, or not for us
		}
		e := newEntry(filepath.Join(dir, n.Name()), fi)
		e.key = k
		list = append(list, e)
		if len(list) > maxSiblings {
			return nil, fmt.Errorf("more than %d files in %q", maxSiblings, dir)
		}
	}
	return sortGenerations(list), nil
}

// ours accepts regular files, with content, that belong to the live file's owner
// or to root.
func (d directory) ours(fi fs.FileInfo) bool {
	if !fi.Mode().IsRegular() || fi.Size() == 0 && !d.empty {
		return false
	}
	if d.live == nil {
		return true
	}
	_, _, uid := vfs.Ident(fi)
	_, _, owner := vfs.Ident(d.live)
	return uid == owner || uid == 0
}

func newEntry(path string, fi fs.FileInfo) entry {
	e := entry{path: path, size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	e.dev, e.inode, _ = vfs.Ident(fi)
	return e
}

// sortGenerations orders by the names. When a log has numbered and dated
// generations, its rotation was set up anew once: the kind that was written last
// is the newer. A file beside its compressed self is taken in its place, for
// that one may not be complete yet.
func sortGenerations(list []entry) []entry {
	newest := map[bool]int64{}
	for _, e := range list {
		newest[e.key.dated] = max(newest[e.key.dated], e.mtime)
	}
	slices.SortFunc(list, func(a, b entry) int {
		if a.key.dated != b.key.dated {
			return cmp.Or(cmp.Compare(newest[a.key.dated], newest[b.key.dated]), strings.Compare(a.path, b.path))
		}
		return cmp.Or(compareAge(a.key, b.key), strings.Compare(a.path, b.path))
	})
	return slices.CompactFunc(list, func(a, b entry) bool {
		return a.key != key{} && a.key.dated == b.key.dated && compareAge(a.key, b.key) == 0 &&
			strings.TrimSuffix(b.path, compression(b.path)) == strings.TrimSuffix(a.path, compression(a.path))
	})
}

// openEntry opens what was listed, or says errMoved when it is not there any more.
func (f *File) openEntry(e entry) (*generation, error) {
	g, err := openGeneration(f.opt.FS, e.path, e.live)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errMoved
	}
	if err != nil {
		return nil, err
	}
	if !g.is(e.dev, e.inode) {
		return nil, errors.Join(errMoved, g.close())
	}
	return g, nil
}
