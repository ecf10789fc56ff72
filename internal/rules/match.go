package rules

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// matchTimeout bounds one search of regexp2. Its clock ticks every 100 ms, so
// a search ends within 300 ms.
const matchTimeout = 100 * time.Millisecond

// maxTimeouts is how many lines may take a pattern that only regexp2 can run
// to its time limit before its rule is disabled.
const maxTimeouts = 10

// matcher runs one pattern.
type matcher struct {
	pattern
	// loc holds the last match: start and end of each group in bytes of the
	// line, -1 for a group that took no part.
	loc      []int
	timeouts int
	problems []string

	text  *lineText // of the match under way
	found bool
	take  func(regexp2.MatchView) bool // m.takeView, made once: a method value allocates
}

func newMatcher(p *pattern) *matcher {
	m := &matcher{pattern: *p, loc: make([]int, 2*len(p.names))}
	m.take = m.takeView
	if m.back != nil {
		m.back.MatchTimeout = matchTimeout
	}
	return m
}

// match finds the pattern's first match, which does not start before the byte
// from, and leaves it in loc. rejected means that the time limit was reached.
func (m *matcher) match(t *lineText, from int) outcome {
	switch {
	case m.back == nil:
		return m.matchStd(t)
	case m.std == nil:
		return m.matchBacktracking(t)
	case t.widen(max(0, from-1)): // one more, for \b
		from -= t.base
	case m.uniform:
		t.decode(true)
		from = 0
	default:
		return m.matchStd(t)
	}
	if err := m.search(t, from); err != nil {
		m.demote(err)
		return m.matchStd(t)
	}
	return m.outcome()
}

// demote leaves the pattern to Go's engine for good.
func (m *matcher) demote(err error) {
	m.back = nil
	m.problems = append(m.problems, fmt.Sprintf("a line took the fast engine to its limit; the pattern goes on with Go's, more slowly (%v)", err))
}

// matchStd allocates for the result: the standard library offers no other way.
func (m *matcher) matchStd(t *lineText) outcome {
	loc := m.std.FindSubmatchIndex(t.line)
	if loc == nil {
		return unmatched
	}
	copy(m.loc, loc)
	return matched
}

// matchBacktracking is for patterns that only regexp2 can run.
func (m *matcher) matchBacktracking(t *lineText) outcome {
	t.decode(false)
	err := m.search(t, 0)
	if err == nil {
		return m.outcome()
	}
	if m.timeouts++; m.timeouts == maxTimeouts {
		m.problems = append(m.problems, fmt.Sprintf("disabled: %d lines took the pattern to its limit of time or memory (%v)", maxTimeouts, err))
	}
	return rejected
}

// exhausted reports whether the pattern reached its limit too often.
func (m *matcher) exhausted() bool { return m.timeouts >= maxTimeouts }

// search runs regexp2. A search that reached the time limit is tried once
// more: on a busy machine it may have been us who were stopped.
func (m *matcher) search(t *lineText, from int) error {
	m.text, m.found = t, false
	err := m.back.FindRunesMatches(t.runes, from, m.take)
	if err == nil || errors.Is(err, regexp2.ErrBacktrackingStackLimit) {
		return err
	}
	return m.back.FindRunesMatches(t.runes, from, m.take)
}

func (m *matcher) outcome() outcome {
	if m.found {
		return matched
	}
	return unmatched
}

// takeView copies the first match out of regexp2's storage.
func (m *matcher) takeView(v regexp2.MatchView) bool {
	m.found = true
	for i := range len(m.loc) / 2 {
		m.loc[2*i], m.loc[2*i+1] = -1, -1
		if at, n, ok := v.GroupRange(i); ok {
			m.loc[2*i], m.loc[2*i+1] = m.text.offset(at), m.text.offset(at+n)
		}
	}
	return false
}

func (m *matcher) takeProblems() []string {
	list := m.problems
	m.problems = nil
	return list
}

// lineText is one line, also as the characters that regexp2 wants; rules that
// look at the same part of the line share them.
type lineText struct {
	line    []byte
	widened bool   // runes are the bytes from base on
	base    int    // valid once widened, like plain
	plain   bool   // ASCII only from base on
	runes   []rune // with room for the next lines
	offsets []int  // of the characters and the end, in bytes; unless widened
}

func (t *lineText) reset(line []byte) { t.line, t.widened = line, false }

// widen makes runes of the line's bytes from from on, or from further left, and
// reports whether these are ASCII only, so that bytes are characters.
func (t *lineText) widen(from int) (plain bool) {
	if t.widened && t.base <= from {
		return t.plain
	}
	t.widened, t.base = true, from
	part := t.line[from:]
	if cap(t.runes) < len(part) {
		t.runes = make([]rune, 0, 2*len(part))
	}
	runes := t.runes[:len(part)]
	var all byte
	for i, c := range part {
		all |= c
		runes[i] = rune(c)
	}
	t.runes, t.plain = runes, all < utf8.RuneSelf
	return t.plain
}

// decode makes runes of all the line's characters; with mask all those beyond
// ASCII become U+FFFD, which is what a byte that is not UTF-8 is too.
func (t *lineText) decode(mask bool) {
	t.widened = false
	t.runes, t.offsets = t.runes[:0], t.offsets[:0]
	for i := 0; i < len(t.line); {
		r, n := rune(t.line[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(t.line[i:])
			if mask {
				r = utf8.RuneError
			}
		}
		t.runes = append(t.runes, r)
		t.offsets = append(t.offsets, i)
		i += n
	}
	t.offsets = append(t.offsets, len(t.line))
}

// offset returns the byte of the line at which the character i stands.
func (t *lineText) offset(i int) int {
	if t.widened {
		return t.base + i
	}
	return t.offsets[i]
}
