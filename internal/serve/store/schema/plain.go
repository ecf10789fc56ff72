package schema

import (
	"regexp/syntax"
	"strings"
)

// plain is a pattern that is but text: as most are, and to be searched for in each
// new name, of which there may be a hundred thousand at a time.
type plain struct {
	text           string
	atStart, atEnd bool // of the name, and nowhere else
}

// plainOf returns what the pattern, which is valid, asks for when it is a text, and
// nil when it is more.
func plainOf(pattern string) *plain {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	p := &plain{}
	if parts[0].Op == syntax.OpBeginText {
		p.atStart, parts = true, parts[1:]
	}
	if n := len(parts); n > 0 && parts[n-1].Op == syntax.OpEndText {
		p.atEnd, parts = true, parts[:n-1]
	}
	switch {
	case len(parts) == 0 || len(parts) == 1 && anyText(parts[0]) && !(p.atStart && p.atEnd):
		return p
	case len(parts) == 1 && parts[0].Op == syntax.OpLiteral && parts[0].Flags&syntax.FoldCase == 0:
		p.text = string(parts[0].Rune)
		return p
	}
	return nil
}

// anyText reports whether re is ".*", which is found everywhere.
func anyText(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar && (re.Sub[0].Op == syntax.OpAnyCharNotNL || re.Sub[0].Op == syntax.OpAnyChar)
}

func (p *plain) found(name string) bool {
	switch {
	case p.atStart && p.atEnd:
		return name == p.text
	case p.atStart:
		return strings.HasPrefix(name, p.text)
	case p.atEnd:
		return strings.HasSuffix(name, p.text)
	}
	return strings.Contains(name, p.text)
}
