package logformat

import (
	"errors"
	"fmt"
	"slices"
)

// Levels finds the words for levels in lines. It is safe for concurrent use.
type Levels struct {
	names   []string
	byFirst [256][]uint8 // by first byte, the indexes into names
}

// MaxLevels is how many levels there can be.
const MaxLevels = 64

// NewLevels returns Levels for names, which are letters, digits, '_' and '-'
// and differ. Errors say which does not.
func NewLevels(names []string) (*Levels, error) {
	if len(names) == 0 || len(names) > MaxLevels {
		return nil, fmt.Errorf("there must be 1 to %d levels", MaxLevels)
	}
	l := &Levels{names: names}
	for i, name := range names {
		if name == "" {
			return nil, errors.New("a level is empty")
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("level %q is there twice", name)
		}
		for k := range len(name) {
			if !wordByte(name[k]) {
				return nil, fmt.Errorf("level %q has other characters than letters, digits, '_' and '-'", name)
			}
		}
		l.byFirst[name[0]] = append(l.byFirst[name[0]], uint8(i))
	}
	return l, nil
}

// At returns the index of the level that b starts with as a whole word, and
// the word's length; -1 when there is none.
func (l *Levels) At(b []byte) (level, n int) {
	if len(b) == 0 {
		return -1, 0
	}
	for _, i := range l.byFirst[b[0]] {
		name := l.names[i]
		if n = len(name); len(b) >= n && string(b[:n]) == name && (len(b) == n || !wordByte(b[n])) {
			return int(i), n
		}
	}
	return -1, 0
}

// Starts reports whether a level starts with c.
func (l *Levels) Starts(c byte) bool { return l.byFirst[c] != nil }

func wordByte(c byte) bool {
	return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}
