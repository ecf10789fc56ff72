package logformat

import (
	"fmt"
	"slices"
	"strings"
)

// CompileAccess makes a scanner of an nginx log_format or an Apache LogFormat
// string. want are the fields to look for, none means all: a scan ends at the
// last of them. Variables and directives without a AccessField of their own are
// skipped, and so is the less telling of two with the same ($bytes_sent beside
// $body_bytes_sent). Errors name the byte of the format, counted from 1.
func CompileAccess(format string, want ...AccessField) (*Access, error) {
	tokens, err := tokenize(format)
	if err != nil {
		return nil, fmt.Errorf("log format %q: %w", format, err)
	}
	choose(tokens, want)
	a := &Access{format: format}
	for _, t := range tokens {
		switch t.field {
		case Time:
			a.layout = t.layout
		case RequestTime:
			a.perSecond = t.perSecond
		}
	}
	if err := a.build(tokens); err != nil {
		return nil, fmt.Errorf("log format %q: %w", format, err)
	}
	return a, nil
}

// token is a literal or a variable of a format.
type token struct {
	literal string // empty: a variable
	variable
	at int // its first byte in the format, from 0
}

// variable is what a name in a format stands for.
type variable struct {
	field     AccessField
	shape     shape
	rank      int // of two with the same field the higher one is taken
	layout    TimeLayout
	perSecond float64
}

// lexer splits a format into tokens.
type lexer struct {
	format string
	at     int
	tokens []token
}

func tokenize(format string) ([]token, error) {
	l := &lexer{format: format}
	// Neither server gives the other's sign a meaning.
	sign, read := byte('$'), l.nginx
	if p := strings.IndexByte(format, '%'); p >= 0 && strings.IndexByte(format[:p], '$') < 0 {
		sign, read = '%', l.apache
	}
	for l.at < len(format) {
		switch c := format[l.at]; {
		case c == sign:
			if err := read(); err != nil {
				return nil, fmt.Errorf("byte %d: %w", l.at+1, err)
			}
		case c == '\\' && l.at+1 < len(format):
			l.literal(unescape(format[l.at+1]))
			l.at += 2
		default:
			l.literal(string(c))
			l.at++
		}
	}
	if !slices.ContainsFunc(l.tokens, func(t token) bool { return t.literal == "" }) {
		return nil, fmt.Errorf("no variable such as $status or %%>s")
	}
	return l.tokens, nil
}

// unescape is how both servers' configurations read a backslash and c.
func unescape(c byte) string {
	switch c {
	case 't':
		return "\t"
	case '"', '\\', '\'':
		return string(c)
	}
	return "\\" + string(c)
}

func (l *lexer) literal(s string) {
	if n := len(l.tokens); n > 0 && l.tokens[n-1].literal != "" {
		l.tokens[n-1].literal += s
		return
	}
	l.tokens = append(l.tokens, token{literal: s, at: l.at})
}

// add appends a variable of n bytes.
func (l *lexer) add(v variable, n int) {
	l.tokens = append(l.tokens, token{variable: v, at: l.at})
	l.at += n
}

// choose makes skipped fields of those that are not wanted or have a better one.
func choose(tokens []token, want []AccessField) {
	var best [fieldCount]*token
	for i := range tokens {
		t := &tokens[i]
		if t.field == skipped {
			continue
		}
		if len(want) > 0 && !slices.Contains(want, t.field) {
			t.field = skipped
			continue
		}
		switch b := best[t.field]; {
		case b == nil:
			best[t.field] = t
		case t.rank > b.rank:
			b.field = skipped
			best[t.field] = t
		default:
			t.field = skipped
		}
	}
}

// build makes the steps.
func (a *Access) build(tokens []token) error {
	if tokens[0].literal != "" {
		a.prefix, tokens = tokens[0].literal, tokens[1:]
	}
	before := a.prefix
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		st := step{field: t.field, shape: t.shape}
		if i+1 < len(tokens) {
			i++
			if tokens[i].literal == "" {
				return fmt.Errorf("byte %d: a variable follows another with nothing between them, so nothing tells where the first ends", tokens[i].at+1)
			}
			st.next = tokens[i].literal
		}
		if i+1 < len(tokens) {
			st.ahead = tokens[i+1].shape
		}
		if i+2 < len(tokens) {
			st.then = tokens[i+2].literal
		}
		if st.shape == shapeText && strings.HasSuffix(before, `"`) && strings.HasPrefix(st.next, `"`) {
			st.shape = shapeQuoted
		}
		before = st.next
		a.steps = append(a.steps, st)
	}
	a.trim()
	return nil
}

// trim drops the steps after the last field that is looked for, and makes one
// of the texts that are skipped before a time: its shape is found wherever it is.
func (a *Access) trim() {
	end := len(a.steps)
	for end > 1 && a.steps[end-1].field == skipped {
		end--
	}
	kept := a.steps[:0]
	for _, st := range a.steps[:end] {
		anchor := st.field == skipped && st.shape == shapeText && (st.ahead == shapeCLF || st.ahead == shapeISO)
		for anchor && len(kept) > 0 && kept[len(kept)-1].field == skipped && kept[len(kept)-1].shape == shapeText {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, st)
	}
	a.steps = kept
}
