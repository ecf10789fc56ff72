// Package target reads Graphite's expressions: sumSeries(a.*.c)|alias("x").
//
// It promises what graphite-web's grammar accepts, as it understands it: what stands behind a
// complete expression is ignored, and a call that is not complete is a path, so that "sumSeries(x"
// is the path sumSeries. It takes linear time, and bounds length and depth. It
// evaluates nothing. Start from Parse.
package target

import (
	"errors"
	"strings"
)

// Limits of an expression.
const (
	MaxLen   = 1 << 20 // bytes
	MaxDepth = 200     // calls within each other, also through pipes
)

// Errors of Parse.
var (
	ErrSyntax = errors.New("not an expression")
	ErrDeep   = errors.New("more than 200 calls within each other")
	ErrLong   = errors.New("longer than 1 MiB")
)

// Kind says what an Expr is.
type Kind uint8

// The kinds of expressions.
const (
	Path Kind = iota
	Call
	Template
	Text
	Int
	Real
	Bool
	None
)

// Expr is a node of the tree.
type Expr struct {
	Kind     Kind
	Text     string    // Path: without backslashes; Call: the function's name; Text: between the quotes, as it stands
	Raw      string    // Call: all of it, as written
	Number   float64   // Int, Real; Bool: 0 or 1
	Args     []*Expr   // Call; Template: what it is of, then the values
	Keywords []Keyword // Call, Template
}

// Keyword is an argument with its name.
type Keyword struct {
	Name  string
	Value *Expr
}

// Blank reports whether there is no expression in s: graphite-web passes over it.
func Blank(s string) bool { return strings.TrimSpace(s) == "" }

// Parse reads the expression that s begins with. A pipe is made a call whose first argument is what stands before it.
func Parse(s string) (*Expr, error) {
	if len(s) > MaxLen {
		return nil, ErrLong
	}
	p := parser{s: expandTabs(s), calls: map[int]memo{}, exprs: map[int]memo{}}
	e, ok := p.expression()
	switch {
	case p.deep:
		return nil, ErrDeep
	case !ok:
		return nil, ErrSyntax
	}
	return e, nil
}

// FirstPath returns the first path in an expression: that of the first argument, of the first argument ...
func FirstPath(s string) (string, bool) {
	e, err := Parse(s)
	if err != nil {
		return "", false
	}
	for e.Kind == Call && len(e.Args) > 0 {
		e = e.Args[0]
	}
	return e.Text, e.Kind == Path
}

// expandTabs makes blanks of tabs, as far as the next multiple of eight.
func expandTabs(s string) string {
	if !strings.Contains(s, "\t") {
		return s
	}
	var b strings.Builder
	column := 0
	for _, r := range s {
		switch r {
		case '\t':
			n := 8 - column%8
			b.WriteString("        "[:n])
			column += n
			continue
		case '\n', '\r':
			column = -1
		}
		b.WriteRune(r)
		column++
	}
	return b.String()
}
