package names

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Folder is where carbon keeps series with tags: below two folders named by the first
// six digits of the name's SHA-256. Dots of the name lead into no folder there:
//
//	disk.used;host=a    _tagged.7f7.4eb.disk_DOT_used;host=a
//
// Graphite shows these folders as a part of the tree. Here they are made up
// while somebody looks.
const (
	Folder       = "_tagged"
	folderDigits = 3
	folderDepth  = 4 // parts of a file's path
)

// AppendFilePath appends what Graphite calls a canonical name in its tree: a
// name without tags is its own path.
func AppendFilePath(dst, name []byte) []byte {
	if root, _ := rootOf(name); root == plainRoot {
		return append(dst, name...)
	}
	hash := sha256.Sum256(name)
	var digits [2 * folderDigits]byte
	hex.Encode(digits[:], hash[:folderDigits])
	dst = append(append(dst, Folder...), '.')
	dst = append(append(dst, digits[:folderDigits]...), '.')
	dst = append(append(dst, digits[folderDigits:]...), '.')
	for {
		part, rest, more := bytes.Cut(name, []byte("."))
		dst = append(dst, part...)
		if !more {
			return dst
		}
		dst, name = append(dst, "_DOT_"...), rest
	}
}

// FindFiles is Find in that folder, itself included: series are found by what
// [AppendFilePath] makes of their names, in the order of that text.
func (x *Index) FindFiles(ctx context.Context, pattern string, limit int) ([]Match, error) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	parts, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	f := finder{x: x, failed: ctx.Err, parts: parts}
	set := f.advance(f.closure(1), []byte(Folder))
	if set == 0 || x.liveKids(taggedRoot) == 0 {
		return nil, nil
	}
	found := map[string]Match{}
	if end := uint64(1) << len(parts); set&end != 0 {
		set &^= end
		found[Folder] = Match{Path: Folder, Branch: true}
	}
	if set != 0 && f.mayBeDigits() {
		if err := f.files(set, limit, found); err != nil {
			return nil, err
		}
	}
	list := slices.SortedFunc(maps.Values(found), func(a, b Match) int { return strings.Compare(a.Path, b.Path) })
	if limit > 0 && len(list) > limit {
		return list[:limit], ErrTooMany
	}
	return list, nil
}

// mayBeDigits tells, without a look at any series, that the second and third
// part cannot be those of a file, as they mostly cannot.
func (f *finder) mayBeDigits() bool {
	for i := range f.parts {
		if f.parts[i].deep {
			return true
		}
	}
	digits := func(s string) bool { return len(s) <= folderDigits && strings.Trim(s, "0123456789abcdef") == "" }
	for _, p := range f.parts[1:min(len(f.parts), folderDepth-1)] {
		if !digits(p.prefix) || p.literals != nil && !slices.ContainsFunc(p.literals, digits) {
			return false
		}
	}
	return len(f.parts) <= folderDepth
}

// files adds what is found below the folder to found, by path, until that is
// more than limit.
func (f *finder) files(set uint64, limit int, found map[string]Match) (err error) {
	var path []byte
	f.x.each(taggedRoot, nil, ';', func(id uint32, name []byte) bool {
		if f.steps++; f.steps%checkEvery == 0 {
			err = f.failed()
		}
		path = AppendFilePath(path[:0], name)
		f.file(set, id, path, found)
		return err == nil && (limit == 0 || len(found) <= limit)
	})
	return err
}

// file adds those of a file and of the folders it is in that set matches.
func (f *finder) file(set uint64, id uint32, path []byte, found map[string]Match) {
	end := uint64(1) << len(f.parts)
	for at := len(Folder) + 1; set != 0; at++ {
		label, _, branch := bytes.Cut(path[at:], []byte("."))
		set = f.advance(set, label)
		at += len(label)
		if set&end != 0 {
			m := Match{Path: string(path[:at]), Branch: branch, Leaf: !branch}
			if m.Leaf {
				m.ID = id
			}
			found[m.Path] = m
		}
		if set &^= end; !branch {
			return
		}
	}
}
