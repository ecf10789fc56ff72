package target

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal = boolean | number | none | string | infinity
func (p *parser) literal() (*Expr, bool) {
	start := p.pos
	p.blanks()
	switch {
	case p.word("true"):
		return &Expr{Kind: Bool, Number: 1}, true
	case p.word("false"):
		return &Expr{Kind: Bool}, true
	}
	if e, ok := p.number(); ok {
		return e, true
	}
	if p.word("none") {
		return &Expr{Kind: None}, true
	}
	if e, ok := p.quoted(); ok {
		return e, true
	}
	if p.word("inf") {
		inf, _ := strconv.ParseFloat("inf", 64)
		return &Expr{Kind: Real, Number: inf}, true
	}
	p.pos = start
	return nil, false
}

// word goes over w in any case, if no letter, digit or $ follows.
func (p *parser) word(w string) bool {
	end := p.pos + len(w)
	if end > len(p.s) || !strings.EqualFold(p.s[p.pos:end], w) {
		return false
	}
	if end < len(p.s) && (letter(p.s[end]) || digit(p.s[end]) || p.s[end] == '$') {
		return false
	}
	p.pos = end
	return true
}

// number = [ "-" ] digits [ "." digits ] [ "e" [ "-" ] digits ], if a comma, a parenthesis or the end follows.
func (p *parser) number() (*Expr, bool) {
	start := p.pos
	kind := Int
	if !p.integer() {
		return nil, false
	}
	if p.fraction() {
		kind = Real
	}
	if p.exponent() {
		kind = Real
	}
	text := p.s[start:p.pos]
	if !p.numberEnds() {
		p.pos = start
		return nil, false
	}
	v, _ := strconv.ParseFloat(text, 64) // beyond the range it is infinite, as in Python
	return &Expr{Kind: kind, Number: v}, true
}

func (p *parser) integer() bool {
	start := p.pos
	if p.pos < len(p.s) && p.s[p.pos] == '-' {
		p.pos++
	}
	begin := p.pos
	for p.pos < len(p.s) && digit(p.s[p.pos]) {
		p.pos++
	}
	if p.pos == begin {
		p.pos = start
		return false
	}
	return true
}

func (p *parser) fraction() bool {
	start := p.pos
	if p.pos+1 < len(p.s) && p.s[p.pos] == '.' && digit(p.s[p.pos+1]) {
		p.pos++
		return p.integer()
	}
	p.pos = start
	return false
}

func (p *parser) exponent() bool {
	start := p.pos
	if p.pos < len(p.s) && p.s[p.pos]|0x20 == 'e' {
		p.pos++
		if p.integer() {
			return true
		}
	}
	p.pos = start
	return false
}

// numberEnds reports whether what follows lets the digits before be a number.
func (p *parser) numberEnds() bool {
	rest := strings.TrimLeft(p.s[p.pos:], " \t\r")
	return rest == "" || rest[0] == '\n' || rest[0] == ',' || rest[0] == ')' || endsBehindLines(rest)
}

func endsBehindLines(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return rest == "" || rest[0] == ',' || rest[0] == ')'
}

// quoted is a string in either kind of quotes. A quote twice, and what follows a backslash, do not end
// it; they are kept as they stand. It has no line ends.
func (p *parser) quoted() (*Expr, bool) {
	if p.pos >= len(p.s) || p.s[p.pos] != '"' && p.s[p.pos] != '\'' {
		return nil, false
	}
	end := closing(p.s, p.pos)
	if end < 0 {
		return nil, false
	}
	e := &Expr{Kind: Text, Text: p.s[p.pos+1 : end]}
	p.pos = end + 1
	return e, true
}

// closing returns where the string that begins at start ends, -1 when it does not. When there is no quote at the
// end, the last of two quotes side by side is one.
func closing(s string, start int) int {
	quote, last := s[start], -1
	for i := start + 1; i < len(s); i++ {
		switch s[i] {
		case quote:
			if i+1 >= len(s) || s[i+1] != quote {
				return i
			}
			last = i
			i++
		case '\n', '\r':
			return last
		case '\\':
			n := escape(s[i+1:])
			if n == 0 {
				return last
			}
			i += n
		}
	}
	return last
}

// escape returns how much of s belongs to a backslash before it: x with hexadecimal digits, or one rune.
func escape(s string) int {
	if s == "" {
		return 0
	}
	if s[0] != 'x' {
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	n := 1
	for n < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[n]) >= 0 {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// path = element { "." element }, without blanks.
func (p *parser) path() (*Expr, bool) {
	var b strings.Builder
	if !p.element(&b) {
		return nil, false
	}
	for p.pos < len(p.s) && p.s[p.pos] == '.' {
		p.pos++
		b.WriteByte('.')
		if !p.element(&b) {
			p.pos--
			return &Expr{Kind: Path, Text: b.String()[:b.Len()-1]}, true
		}
	}
	return &Expr{Kind: Path, Text: b.String()}, true
}

// element = ( chars | enum ) { enum | chars }
func (p *parser) element(b *strings.Builder) bool {
	n := b.Len()
	for p.chars(b) || p.enum(b) {
	}
	return b.Len() > n
}

// enum = "{" chars { "," chars } "}"
func (p *parser) enum(b *strings.Builder) bool {
	if p.pos >= len(p.s) || p.s[p.pos] != '{' {
		return false
	}
	start := p.pos
	var inner strings.Builder
	for next := byte('{'); p.pos < len(p.s) && p.s[p.pos] == next; next = ',' {
		p.pos++
		inner.WriteByte(next)
		if !p.chars(&inner) {
			p.pos = start
			return false
		}
	}
	if p.pos >= len(p.s) || p.s[p.pos] != '}' {
		p.pos = start
		return false
	}
	p.pos++
	b.WriteString(inner.String())
	b.WriteByte('}')
	return true
}

// symbols end a path, unless a backslash is before them.
const symbols = `(){},.'"\|`

// chars are what a part of a path is made of.
func (p *parser) chars(b *strings.Builder) bool {
	n := b.Len()
	for p.pos < len(p.s) {
		r, size := utf8.DecodeRuneInString(p.s[p.pos:])
		switch {
		case r == '\\' && p.pos+1 < len(p.s) && strings.IndexByte(symbols+"=", p.s[p.pos+1]) >= 0:
			b.WriteByte(p.s[p.pos+1])
			p.pos += 2
			continue
		case r < utf8.RuneSelf && strings.IndexByte(symbols, byte(r)) >= 0, r <= ' ', r == 0x7f,
			r > unicode.MaxASCII && (unicode.IsSpace(r) || unicode.IsControl(r)), r == utf8.RuneError && size <= 1:
			return b.Len() > n
		}
		b.WriteString(p.s[p.pos : p.pos+size])
		p.pos += size
	}
	return b.Len() > n
}
