package names

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Limits of the regular expressions of one search, all together. An alternation of thousands of hosts stays below them; without
// limits 32 KiB of text became 100 MB.
const (
	maxText    = 1 << 16 // bytes
	maxClasses = 200     // such as \pL, of some 6 KB each
	maxProgram = 1 << 16 // instructions of 40 bytes; a step of a match may go through all
)

// room is what the regular expressions of a search may still have.
type room struct{ text, classes, program int }

func newRoom() *room { return &room{maxText, maxClasses, maxProgram} }

// compile makes an expression that is anchored at its start.
func (r *room) compile(text string) (*regexp.Regexp, error) {
	if !strings.HasPrefix(text, "^") {
		text = "^(" + text + ")"
	}
	r.text -= len(text)
	r.classes -= strings.Count(text, `\p`) + strings.Count(text, `\P`)
	if r.text < 0 || r.classes < 0 {
		return nil, errors.New("regular expressions that are too long")
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if r.program -= instructions(tree, maxProgram); r.program < 0 {
		return nil, errors.New("regular expressions that repeat too much")
	}
	return regexp.Compile(text)
}

// instructions returns about how many a program for the expression has, more than limit for any number beyond it.
func instructions(re *syntax.Regexp, limit int) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1
	}
	for _, sub := range re.Sub {
		if n += instructions(sub, limit); n > limit {
			return limit + 1
		}
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min+1, re.Max)
	}
	return min(n, limit+1)
}

// CompileFilter makes what tells whether a regular expression takes a text. It is anchored at its start, and within the limits of a
// search.
func CompileFilter(text string) (func([]byte) bool, error) {
	re, err := newRoom().compile(text)
	if err != nil {
		return nil, err
	}
	return re.Match, nil
}
