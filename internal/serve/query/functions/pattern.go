package functions

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// maxPattern bounds regular expressions, in bytes: matching takes time by their length.
const maxPattern = 2000

// pattern is a regular expression that an asker wrote. A long name takes long: each match looks whether the
// asker is still there.
type pattern struct {
	c    *query.Call
	re   *regexp.Regexp
	tree *syntax.Regexp
	size int            // instructions, which a step may all go through
	rest *regexp.Regexp // re behind a first rune, whatever that is; nil until needed
}

// newPattern reads an expression as Python writes it, as far as it has linear time.
func newPattern(c *query.Call, text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, c.Errorf("a regular expression is longer than %d bytes", maxPattern)
	}
	text = strings.ReplaceAll(text, `\Z`, `\z`)
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, c.Errorf("regular expression %s: %v", query.Repr(text), err)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, c.Errorf("regular expression %s: %v", query.Repr(text), err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err == nil {
		_, err = syntax.Parse(behindFirst(text), syntax.Perl) // it is a little deeper
	}
	if err != nil {
		return nil, c.Errorf("regular expression %s: %v", query.Repr(text), err)
	}
	return &pattern{c: c, re: re, tree: tree, size: len(program.Inst)}, nil
}

// search reports whether s has a match somewhere.
func (p *pattern) search(s string) bool {
	p.c.Alive()
	if len(s) > atOnce/p.size {
		return p.re.MatchReader(p.reader(s))
	}
	return p.re.MatchString(s)
}

// sub replaces all matches, as Python's re.sub does: also an empty one just behind another.
func (p *pattern) sub(s string, with []piece) string {
	var out strings.Builder
	defer func() { p.c.Pay(out.Len()) }()
	end, behind := 0, false // behind: the last match had something, so that another may follow at once
	for m := range p.matches(s) {
		if behind && m[0] > end && nullable(p.tree, s, end) {
			expand(&out, s, nil, with)
		}
		out.WriteString(s[end:m[0]])
		expand(&out, s, m, with)
		end, behind = m[1], m[1] > m[0]
	}
	if behind && nullable(p.tree, s, end) {
		expand(&out, s, nil, with)
	}
	out.WriteString(s[end:])
	return out.String()
}

// nullable reports whether re matches nothing at all at a place.
func nullable(re *syntax.Regexp, s string, at int) bool {
	sub := func(r *syntax.Regexp) bool { return nullable(r, s, at) }
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpBeginText:
		return at == 0
	case syntax.OpEndText:
		return at == len(s)
	case syntax.OpBeginLine:
		return at == 0 || s[at-1] == '\n'
	case syntax.OpEndLine:
		return at == len(s) || s[at] == '\n'
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		edge := (at > 0 && wordByte(s[at-1])) != (at < len(s) && wordByte(s[at]))
		return edge == (re.Op == syntax.OpWordBoundary)
	case syntax.OpPlus, syntax.OpCapture:
		return sub(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || sub(re.Sub[0])
	case syntax.OpConcat:
		for _, r := range re.Sub {
			if !sub(r) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, r := range re.Sub {
			if sub(r) {
				return true
			}
		}
	}
	return re.Op == syntax.OpLiteral && len(re.Rune) == 0
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// piece is a part of a replacement: text, or a group.
type piece struct {
	text  string
	group int // -1: text
}

func expand(out *strings.Builder, s string, m []int, with []piece) {
	for _, p := range with {
		switch {
		case p.group < 0:
			out.WriteString(p.text)
		case 2*p.group+1 < len(m) && m[2*p.group] >= 0:
			out.WriteString(s[m[2*p.group]:m[2*p.group+1]])
		}
	}
}

// replacement reads what Python's re.sub takes: \1, \g<1>, \g<name>, \n.
func (p *pattern) replacement(c *query.Call, text string) (pieces []piece, err error) {
	for text != "" {
		i := strings.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return append(pieces, piece{text, -1}), nil
		}
		if i > 0 {
			pieces = append(pieces, piece{text[:i], -1})
		}
		var next piece
		if next, text, err = p.escaped(c, text[i+1:]); err != nil {
			return nil, err
		}
		pieces = append(pieces, next)
	}
	return pieces, nil
}

// escaped reads what stands behind a backslash.
func (p *pattern) escaped(c *query.Call, text string) (piece, string, error) {
	name, rest := "", text[1:]
	switch b := text[0]; {
	case b >= '1' && b <= '9':
		n := 1
		if len(text) > 1 && text[1] >= '0' && text[1] <= '9' {
			n = 2
		}
		name, rest = text[:n], text[n:]
	case strings.HasPrefix(text, "g<") && strings.Contains(text, ">"):
		name, rest, _ = strings.Cut(text[2:], ">")
	case b == 'n':
		return piece{"\n", -1}, rest, nil
	case b == 't':
		return piece{"\t", -1}, rest, nil
	case b == '\\':
		return piece{`\`, -1}, rest, nil
	default:
		return piece{`\` + text[:1], -1}, rest, nil
	}
	group, err := strconv.Atoi(name)
	if err != nil {
		group = p.re.SubexpIndex(name)
	}
	if group < 0 || group > p.re.NumSubexp() {
		return piece{}, "", c.Errorf("invalid group reference %s", query.Repr(name))
	}
	return piece{group: group}, rest, nil
}
