package parsers

import (
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// Bounds of one JSON text. Deeper or wider ones are not valid here.
const (
	maxJSONDepth  = 512
	maxJSONLeaves = 10000 // as many series as there can be by default
)

// jsonLeaf is a number, string, true, false or null of the text last scanned.
type jsonLeaf struct {
	path       int // end of its path in paths; it starts where the one before ends
	start, end int // the literal, for strings what is between the quotes
	kind       jsonKind
}

type jsonKind uint8

const (
	jsonInt    jsonKind = iota // a number without fraction and exponent
	jsonFloat                  // another number
	jsonString                 // without escapes
	jsonEscape                 // a string with escapes
	jsonWord                   // true, false, null
)

// jsonScanner checks one JSON text after the other against RFC 8259 and lists
// its leaves with their paths: the keys and list indexes that lead to them,
// joined by sep. It does not look into strings for valid UTF-8, which nginx
// does not write, and uses no recursion.
type jsonScanner struct {
	sep    []byte
	words  bool // list strings, true, false and null too
	leaves []jsonLeaf
	paths  []byte

	text  []byte
	path  []byte // of the value to come; no longer than a name
	open  []jsonOpen
	count int
}

// jsonOpen is an object or list that has been entered.
type jsonOpen struct {
	path  int  // length of its own path
	index int  // of the element to come; -1 for an object
	fresh bool // its first element is to come
}

// scan reports whether b is one JSON text; the leaves are those of b until the
// next call.
func (s *jsonScanner) scan(b []byte) bool {
	s.text, s.leaves, s.paths, s.path, s.open, s.count = b, s.leaves[:0], s.paths[:0], s.path[:0], s.open[:0], 0
	i, ok := s.value(jsonSpace(b, 0))
	for ok && len(s.open) > 0 {
		i, ok = s.follow(jsonSpace(b, i))
	}
	return ok && jsonSpace(b, i) == len(b)
}

// leafPath returns the path of leaf n.
func (s *jsonScanner) leafPath(n int) []byte {
	if n == 0 {
		return s.paths[:s.leaves[0].path]
	}
	return s.paths[s.leaves[n-1].path:s.leaves[n].path]
}

// literal returns what stands in the text for leaf n.
func (s *jsonScanner) literal(n int) []byte { return s.text[s.leaves[n].start:s.leaves[n].end] }

// value reads a leaf, or enters an object or list, at i, and returns what is behind it.
func (s *jsonScanner) value(i int) (int, bool) {
	if i >= len(s.text) {
		return i, false
	}
	switch c := s.text[i]; {
	case c == '{' || c == '[':
		return s.enter(i)
	case c == '"':
		end, escaped := jsonStringEnd(s.text, i+1)
		if end < 0 {
			return i, false
		}
		kind := jsonString
		if escaped {
			kind = jsonEscape
		}
		return end + 1, s.leaf(kind, i+1, end)
	case c == '-' || isDigit(c):
		end, kind := jsonNumber(s.text, i)
		return end, end > i && s.leaf(kind, i, end)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if len(s.text)-i >= len(word) && string(s.text[i:i+len(word)]) == word {
			return i + len(word), s.leaf(jsonWord, i, i+len(word))
		}
	}
	return i, false
}

func (s *jsonScanner) leaf(kind jsonKind, start, end int) bool {
	if s.count++; s.count > maxJSONLeaves {
		return false
	}
	if kind >= jsonString && !s.words {
		return true
	}
	s.paths = append(s.paths, s.path...)
	s.leaves = append(s.leaves, jsonLeaf{len(s.paths), start, end, kind})
	return true
}

// enter goes into the object or list that starts at i, up to its first element.
func (s *jsonScanner) enter(i int) (int, bool) {
	if len(s.open) == maxJSONDepth {
		return i, false
	}
	o := jsonOpen{path: len(s.path), fresh: true}
	if s.text[i] == '{' {
		o.index = -1
	}
	closing := s.text[i] + 2 // '}' and ']' stand two after '{' and '['
	if i = jsonSpace(s.text, i+1); i < len(s.text) && s.text[i] == closing {
		return i + 1, true
	}
	s.open = append(s.open, o)
	return i, true
}

// follow reads what stands at i inside of an object or list: its first
// element, or what comes after one.
func (s *jsonScanner) follow(i int) (int, bool) {
	if i >= len(s.text) {
		return i, false
	}
	o := &s.open[len(s.open)-1]
	if o.fresh {
		o.fresh = false
		return s.element(i)
	}
	s.path = s.path[:o.path]
	switch c := s.text[i]; {
	case c == ',':
		return s.element(jsonSpace(s.text, i+1))
	case c == '}' && o.index < 0 || c == ']' && o.index >= 0:
		s.open = s.open[:len(s.open)-1]
		return i + 1, true
	}
	return i, false
}

// element reads an object's key and value, or a list's value; of a value that
// is an object or list its start alone.
func (s *jsonScanner) element(i int) (int, bool) {
	o := &s.open[len(s.open)-1]
	if len(s.open) > 1 {
		s.path = append(s.path, s.sep...)
	}
	if o.index >= 0 {
		s.path = strconv.AppendInt(s.path, int64(o.index), 10)
		o.index++
		s.cutPath()
		return s.value(i)
	}
	if i >= len(s.text) || s.text[i] != '"' {
		return i, false
	}
	end, escaped := jsonStringEnd(s.text, i+1)
	if end < 0 {
		return i, false
	}
	if key := s.text[i+1 : end]; escaped {
		s.path = appendUnescaped(s.path, key, metric.MaxNameLen)
	} else {
		s.path = append(s.path, key[:min(len(key), metric.MaxNameLen)]...)
	}
	s.cutPath()
	if i = jsonSpace(s.text, end+1); i >= len(s.text) || s.text[i] != ':' {
		return i, false
	}
	return s.value(jsonSpace(s.text, i+1))
}

// cutPath keeps the path within a name's length, so that one long key does not
// cost its length again for each leaf below it.
func (s *jsonScanner) cutPath() { s.path = s.path[:min(len(s.path), metric.MaxNameLen)] }
