package names

import (
	"bytes"
	"unicode/utf8"
)

// Limits of names, in bytes. carbon makes a file of each node, and file names
// end at 255 bytes; so a store that has been exported is whole.
const (
	MaxLen  = 1024 // of a canonical name, with its tags
	MaxNode = 255  // between two dots of the path
	MaxTags = 64
)

// MaxRaw bounds what is looked at of a name as it was sent, in bytes: dots that
// are dropped and quotes may make it longer than MaxLen.
const MaxRaw = 2 * MaxLen

// What a byte can be part of.
const (
	inPath  = 1 << iota // of the path
	inKey               // of a tag's name
	inValue             // of a tag's value
)

// classes of the bytes. Paths have nothing that a glob, a target or a file name
// gives a meaning to; values may hold what mount points and URLs are made of.
// Blanks would add fields to the line protocol, quotes and backslashes would
// need escapes in targets, '<' and '>' in pages. It is written out so that no
// start of the program has to make it.
var classes = [256]uint8{
	0x20: 0, 5, 0, 7, 7, 7, 7, 0, 4, 4, 4, 7, 4, 7, 7, 4, //  !"#$%&'()*+,-./
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 5, 0, 4, // 0123456789:;<=>?
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // @ABCDEFGHIJKLMNO
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 0, 4, 5, 7, // PQRSTUVWXYZ[\]^_
	0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // `abcdefghijklmno
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 7, 4, 7, 0, // pqrstuvwxyz{|}~
	0x80: 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // all, if they are UTF-8
}

// pair is the place of "key=value" in a raw name.
type pair struct{ key, value []byte }

// AppendCanonical appends the one form under which the series raw is kept: its
// path with single dots, then its tags sorted, "a.b;k=v;l=w". raw may be in that
// form, with tags in any order, or as `a.b{k="v",l="w"}`. As in carbon, the last
// of a tag's values counts; dots at the ends and beside dots are dropped, for a
// file tree knows no nodes without a name.
//
// ok is false, and dst is as it was, when raw is no name: empty; longer than
// [MaxLen], a node than [MaxNode], more than [MaxTags] tags; control bytes,
// blanks, bytes that are not UTF-8, any of \ < > " ' and backquote; / * ? [ ] { }
// ( ) , outside the values of tags; ! ^ in a tag's name; a tag without a name or
// value; a value that starts with '~'; a tag called name that says something
// else than the path. It does not allocate if dst has room.
func AppendCanonical(dst, raw []byte) (canonical []byte, ok bool) {
	if len(raw) > MaxRaw {
		return dst, false
	}
	start := len(dst)
	if n := len(raw); n > 2 && raw[n-1] == '}' && raw[n-2] == '"' {
		canonical, ok = appendBraced(dst, raw)
	} else {
		canonical, ok = appendTagged(dst, raw)
	}
	if !ok || len(canonical)-start > MaxLen {
		return dst, false
	}
	return canonical, true
}

// appendTagged is for "a.b;k=v".
func appendTagged(dst, raw []byte) ([]byte, bool) {
	at := bytes.IndexByte(raw, ';')
	if at < 0 {
		return appendPath(dst, raw)
	}
	var pairs [MaxTags]pair
	n := 0
	for rest, more := raw[at+1:], true; more; n++ {
		var tag []byte
		tag, rest, more = bytes.Cut(rest, semicolon)
		key, value, ok := bytes.Cut(tag, equals)
		if !ok || n == MaxTags {
			return dst, false
		}
		pairs[n] = pair{key, value}
	}
	return appendAll(dst, raw[:at], pairs[:n])
}

var semicolon, equals = []byte(";"), []byte("=")

// appendBraced is for `a.b{k="v"}`. A value has no quote and no backslash, so
// there is nothing to unescape.
func appendBraced(dst, raw []byte) ([]byte, bool) {
	at := bytes.IndexByte(raw, '{')
	if at < 0 {
		return dst, false
	}
	var pairs [MaxTags]pair
	n := 0
	for rest := raw[at+1 : len(raw)-1]; len(rest) > 0; n++ {
		mid := bytes.IndexByte(rest, '=')
		if mid < 0 || mid+1 == len(rest) || rest[mid+1] != '"' || n == MaxTags {
			return dst, false
		}
		end := bytes.IndexByte(rest[mid+2:], '"')
		if end < 0 {
			return dst, false
		}
		pairs[n] = pair{rest[:mid], rest[mid+2:][:end]}
		rest = rest[mid+2+end+1:]
		if len(rest) > 0 {
			if rest[0] != ',' {
				return dst, false
			}
			rest = rest[1:]
		}
	}
	return appendAll(dst, raw[:at], pairs[:n])
}

var nameKey = []byte("name")

// appendAll sorts pairs by insertion: they are few, and mostly in order.
func appendAll(dst, path []byte, pairs []pair) ([]byte, bool) {
	start := len(dst)
	out, ok := appendPath(dst, path)
	if !ok {
		return dst, false
	}
	name := out[start:]
	sorted := pairs[:0]
	for _, p := range pairs {
		if !validTag(p) {
			return dst, false
		}
		if bytes.Equal(p.key, nameKey) {
			if !bytes.Equal(p.value, name) {
				return dst, false
			}
			continue
		}
		sorted = insert(sorted, p)
	}
	for _, p := range sorted {
		out = append(out, ';')
		out = append(out, p.key...)
		out = append(out, '=')
		out = append(out, p.value...)
	}
	return out, true
}

// insert puts p into its place, and in the place of what has its key. The
// order is that of "k=v", so "a-b" stands before "a".
func insert(sorted []pair, p pair) []pair {
	for i := range sorted {
		if bytes.Equal(sorted[i].key, p.key) {
			sorted[i].value = p.value
			return sorted
		}
	}
	sorted = append(sorted, p)
	for i := len(sorted) - 1; i > 0 && keyBefore(sorted[i].key, sorted[i-1].key); i-- {
		sorted[i], sorted[i-1] = sorted[i-1], sorted[i]
	}
	return sorted
}

// keyBefore compares "a=" and "b=". Keys differ, and have no '='.
func keyBefore(a, b []byte) bool {
	n := min(len(a), len(b))
	if c := bytes.Compare(a[:n], b[:n]); c != 0 {
		return c < 0
	}
	if len(a) < len(b) {
		return '=' < b[n]
	}
	return a[n] < '='
}

func validTag(p pair) bool {
	return len(p.key) > 0 && len(p.value) > 0 && p.value[0] != '~' && valid(p.key, inKey) && valid(p.value, inValue)
}

func valid(s []byte, class uint8) bool {
	high := byte(0)
	for _, c := range s {
		if classes[c]&class == 0 {
			return false
		}
		high |= c
	}
	return high < utf8.RuneSelf || validUTF8(s)
}

// validUTF8 also refuses the control characters from U+0080 on: terminals act
// on them.
func validUTF8(s []byte) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == 0xc2 && s[i+1] < 0xa0 {
			return false
		}
	}
	return utf8.Valid(s)
}

// appendPath appends the nodes of path, joined by single dots.
func appendPath(dst, path []byte) ([]byte, bool) {
	if !valid(path, inPath) {
		return dst, false
	}
	out, start := dst, len(dst)
	for len(path) > 0 {
		at := bytes.IndexByte(path, '.')
		if at < 0 {
			at = len(path)
		}
		if at > MaxNode {
			return dst, false
		}
		if at > 0 {
			if len(out) > start {
				out = append(out, '.')
			}
			out = append(out, path[:at]...)
		}
		path = path[min(at+1, len(path)):]
	}
	return out, len(out) > start
}
