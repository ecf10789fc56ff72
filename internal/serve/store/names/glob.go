package names

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrPattern is wrapped by errors about patterns and expressions that cannot be used.
var ErrPattern = errors.New("bad pattern")

// Limits of patterns: what dashboards with many chosen hosts need, and what a
// search does not drown in.
const (
	maxPattern  = 1 << 18 // bytes
	maxParts    = 63      // between dots
	maxVariants = 10_000  // of one part, by its braces
	maxExpanded = 1 << 25 // bytes written while braces are expanded: about 10 ms
)

// part matches one node of a path.
type part struct {
	deep     bool     // "**": any number of nodes
	literals []string // in order; then there are no globs
	globs    []glob   // else any of these
	prefix   string   // what every match starts with
}

// parsePattern reads a pattern as graphite-web's finder does: backslashes mean
// nothing, braces are expanded within a node, innermost first, and the rest is
// as in fnmatch: * ? [abc] [a-z] [!a-z], a '[' that is not closed is itself.
func parsePattern(pattern string) ([]part, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrPattern, maxPattern)
	}
	pattern = strings.ReplaceAll(pattern, `\`, "")
	var parts []part
	for text := range strings.SplitSeq(pattern, ".") {
		variants, ok := expandBraces(text)
		if !ok {
			return nil, fmt.Errorf("%w: braces with more than %d variants", ErrPattern, maxVariants)
		}
		p := makePart(variants)
		if p.deep && len(parts) > 0 && parts[len(parts)-1].deep {
			continue // twice any number is any number
		}
		parts = append(parts, p)
	}
	if parts[len(parts)-1].deep {
		parts = append(parts, makePart([]string{"*"}))
	}
	if len(parts) > maxParts {
		return nil, fmt.Errorf("%w: more than %d parts", ErrPattern, maxParts)
	}
	return parts, nil
}

func makePart(variants []string) (p part) {
	for _, v := range variants {
		if v == "**" {
			return part{deep: true} // it contains what the others match
		}
	}
	if !slices.ContainsFunc(variants, func(v string) bool { return strings.ContainsAny(v, "*?[") }) {
		return part{literals: variants}
	}
	for _, v := range variants {
		p.globs = append(p.globs, parseGlob(v))
	}
	if len(p.globs) == 1 && len(p.globs[0].tokens) > 0 && p.globs[0].tokens[0].kind == exact {
		p.prefix = p.globs[0].tokens[0].text
	}
	return p
}

// match reports whether label is one of the part's.
func (p *part) match(label []byte) bool {
	for i := range p.globs {
		if p.globs[i].match(label) {
			return true
		}
	}
	_, ok := slices.BinarySearchFunc(p.literals, label, func(have string, want []byte) int { return strings.Compare(have, string(want)) })
	return ok
}

// expandBraces returns what "a{b,c{d,e}}" stands for, in order, each once.
func expandBraces(s string) (variants []string, ok bool) {
	left := []string{s}
	for budget := maxExpanded; len(left) > 0; {
		s = left[len(left)-1]
		left = left[:len(left)-1]
		from, to := innerBraces(s)
		if from < 0 {
			variants = append(variants, s)
			continue
		}
		for v := range strings.SplitSeq(s[from+1:to], ",") {
			left = append(left, s[:from]+v+s[to+1:])
			if budget -= len(s); len(left) > maxVariants {
				return nil, false
			}
		}
		if budget < 0 || len(variants)+len(left) > maxVariants {
			return nil, false
		}
	}
	slices.Sort(variants)
	return slices.Compact(variants), true
}

// innerBraces returns the place of the first pair without another within.
func innerBraces(s string) (from, to int) {
	from = -1
	for i := range len(s) {
		switch {
		case s[i] == '{':
			from = i
		case s[i] == '}' && from >= 0:
			return from, i
		}
	}
	return -1, -1
}

type tokenKind uint8

const (
	exact tokenKind = iota // text
	any1                   // ?
	many                   // *
	class                  // [...]
)

type token struct {
	kind   tokenKind
	text   string
	negate bool
	ranges [][2]rune
}

// glob is a pattern of fnmatch.
type glob struct{ tokens []token }

func parseGlob(s string) (g glob) {
	lit := 0 // where the text before i starts
	flush := func(i int) {
		if lit < i {
			g.tokens = append(g.tokens, token{kind: exact, text: s[lit:i]})
		}
	}
	for i := 0; i < len(s); {
		next := i + 1
		var t token
		switch s[i] {
		case '*':
			t.kind = many
		case '?':
			t.kind = any1
		case '[':
			if next = closing(s, i); next < 0 {
				i++
				continue
			}
			t = parseClass(s[i+1 : next])
			next++
		default:
			i++
			continue
		}
		flush(i)
		if last := len(g.tokens) - 1; t.kind != many || last < 0 || g.tokens[last].kind != many {
			g.tokens = append(g.tokens, t)
		}
		i, lit = next, next
	}
	flush(len(s))
	return g
}

// closing returns where the class that starts at i ends, -1: it is none.
func closing(s string, i int) int {
	i++
	if i < len(s) && s[i] == '!' {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	if i >= len(s) {
		return -1
	}
	end := strings.IndexByte(s[i:], ']')
	if end < 0 {
		return -1
	}
	return i + end
}

func parseClass(s string) token {
	t := token{kind: class}
	if s[0] == '!' {
		t.negate, s = true, s[1:]
	}
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' {
			t.ranges = append(t.ranges, [2]rune{runes[i], runes[i+2]})
			i += 2
			continue
		}
		t.ranges = append(t.ranges, [2]rune{runes[i], runes[i]})
	}
	return t
}

// one reports whether the token, which is not many, is at the start of s, and
// how long it is there.
func (t *token) one(s []byte) (n int, ok bool) {
	if t.kind == exact {
		return len(t.text), len(s) >= len(t.text) && string(s[:len(t.text)]) == t.text
	}
	if len(s) == 0 {
		return 0, false
	}
	c, n := utf8.DecodeRune(s)
	if t.kind == any1 {
		return n, true
	}
	in := slices.ContainsFunc(t.ranges, func(r [2]rune) bool { return r[0] <= c && c <= r[1] })
	return n, in != t.negate
}

// match reports whether the glob matches all of s. After a star the shortest
// way that goes on is taken, and only the last star is tried again: the time is
// at most the product of both lengths.
func (g *glob) match(s []byte) bool {
	tokens := g.tokens
	if n := len(tokens); n > 0 && tokens[n-1].kind == exact && !bytes.HasSuffix(s, []byte(tokens[n-1].text)) {
		return false
	}
	at, star, from := 0, -1, 0
	for i := 0; ; {
		if at < len(tokens) && tokens[at].kind == many {
			star, from = at, i
			at++
			if at == len(tokens) {
				return true
			}
			continue
		}
		if at == len(tokens) {
			if i == len(s) {
				return true
			}
		} else if n, ok := tokens[at].one(s[i:]); ok {
			at++
			i += n
			continue
		}
		if star < 0 || from >= len(s) {
			return false
		}
		_, n := utf8.DecodeRune(s[from:])
		from += n
		at, i = star+1, from
	}
}
