// Package logformat compiles the format strings by which programs are told how
// to write their logs into scanners that read those logs.
//
// It promises linear time in the length of a line, no allocation per line and
// no regular expressions. It knows nothing of metrics: it says where things
// stand in a line. Start from [CompilePattern] for Log4j's PatternLayout,
// from [CompileAccess] for nginx's log_format and Apache's LogFormat.
package logformat

import "bytes"

// Pattern reads the first line of events that a PatternLayout of Log4j 1 or 2,
// or logback, wrote: what its conversion pattern has up to the message. It is
// safe for concurrent use.
type Pattern struct {
	ops    []patternOp
	levels *Levels
	date   *Date
}

// PatternMatch is where things stand in a line.
type PatternMatch struct {
	Level int // its index in the Levels
	Stamp int // where the date starts; -1 when the pattern has none
}

type patternKind uint8

const (
	patternLiteral patternKind = iota
	patternLevel
	patternDate
	patternNumber
	patternColour // escape sequences of a terminal, or none
	patternText   // anything, up to where what follows matches
)

type patternOp struct {
	kind patternKind
	text string
	date *Date
	// width is the least; padding stands left of the value, or right of it.
	width int
	left  bool
}

// Date returns the pattern's date, nil when it has none.
func (p *Pattern) Date() *Date { return p.date }

// Match reads line, without its end, as the first of an event.
func (p *Pattern) Match(line []byte) (m PatternMatch, ok bool) {
	m.Stamp = -1
	at, k := 0, 0
	for {
		end, next, ok := p.fixed(k, line, at, &m)
		if !ok {
			return m, false
		}
		if next == len(p.ops) {
			return m, true
		}
		// A text: the first place from which what follows it matches.
		if at, k = p.skipText(next+1, line, end, m), next+1; at < 0 {
			return m, false
		}
	}
}

// fixed matches the ops from k to the next text at line[at:], and returns
// where they end and the index of that text.
func (p *Pattern) fixed(k int, line []byte, at int, m *PatternMatch) (end, next int, ok bool) {
	for ; k < len(p.ops) && p.ops[k].kind != patternText; k++ {
		if at = p.ops[k].match(p.levels, line, at, m); at < 0 {
			return 0, 0, false
		}
	}
	return at, k, true
}

// skipText returns the first place from at on where the ops from k to the next
// text match; -1 when there is none. Each place is tried once in the whole
// match, so the time is linear in the line's length.
func (p *Pattern) skipText(k int, line []byte, at int, m PatternMatch) int {
	if k == len(p.ops) || p.ops[k].kind == patternText {
		return at
	}
	for ; at <= len(line); at++ {
		if op := &p.ops[k]; op.kind == patternLiteral {
			n := bytes.IndexByte(line[at:], op.text[0])
			if n < 0 {
				return -1
			}
			at += n
		}
		if _, _, ok := p.fixed(k, line, at, &m); ok {
			return at
		}
	}
	return -1
}

// match returns where the op that starts at line[at:] ends; -1 when it does not match.
func (op *patternOp) match(levels *Levels, line []byte, at int, m *PatternMatch) int {
	rest := line[at:]
	switch op.kind {
	case patternLiteral:
		if len(rest) < len(op.text) || string(rest[:len(op.text)]) != op.text {
			return -1
		}
		return at + len(op.text)
	case patternColour:
		return colourEnd(line, at)
	}
	before := 0
	for op.left && before < op.width && before < len(rest) && rest[before] == ' ' {
		before++
	}
	n := op.value(levels, line, at+before, m)
	if n == 0 {
		return -1
	}
	end := at + before + n
	for used := before + n; !op.left && used < op.width && end < len(line) && line[end] == ' '; used++ {
		end++
	}
	return end
}

// value returns the length of the op's value at line[at:], 0 when there is none.
func (op *patternOp) value(levels *Levels, line []byte, at int, m *PatternMatch) (n int) {
	rest := line[at:]
	switch op.kind {
	case patternLevel:
		level, n := levels.At(rest)
		if level < 0 {
			return 0
		}
		m.Level = level
		return n
	case patternDate:
		if _, n, _ = op.date.Read(rest); n > 0 && m.Stamp < 0 {
			m.Stamp = at
		}
		return n
	}
	for n < len(rest) && n < maxDigits && rest[n]-'0' <= 9 {
		n++
	}
	return n
}

// What stands behind a text is tried at many places, so none of it may be long.
const (
	maxDigits  = 20 // as many as 64 bits have
	maxColours = 4  // in a row
	maxColour  = 16 // bytes of one
)

// colourEnd returns the end of the escape sequences "ESC [ ... m" at line[at:].
func colourEnd(line []byte, at int) int {
	for range maxColours {
		if at+1 >= len(line) || line[at] != 0x1b || line[at+1] != '[' {
			break
		}
		n := at + 2
		for n < len(line) && n < at+maxColour && (line[n]-'0' <= 9 || line[n] == ';') {
			n++
		}
		if n == len(line) || line[n] != 'm' {
			break
		}
		at = n + 1
	}
	return at
}
