// Package logformat compiles the format strings by which programs are told how
// to write their logs into scanners that read those logs.
//
// It promises linear time in the length of a line, no allocation per line and
// no regular expressions. It knows nothing of metrics: it says where things
// stand in a line. Start from [CompilePattern] for Log4j's PatternLayout.
package logformat

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

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

// The conversions, by what can stand for them. Those that are not here are
// text: names of threads, loggers and files, contexts, markers.
var (
	levelWords  = words("p level le")
	dateWords   = words("d date")
	numberWords = words("r relative L line T tid threadId tp threadPriority pid processId sn sequenceNumber N nano")
	restWords   = words("m msg message ex exception throwable rEx rException rThrowable xEx xException xThrowable enc encode wEx wex")
	paintWords  = words("highlight style black red green yellow blue magenta cyan white gray boldRed boldGreen boldYellow boldBlue boldMagenta boldCyan boldWhite clr")
	textWords   = words(`t tn thread threadName c lo logger C class F file l location M method x NDC X mdc MDC K map MAP
		marker markerSimpleName u uuid fqcn endOfBatch notEmpty varsNotEmpty variablesNotEmpty maxLen maxLength replace equals
		equalsIgnoreCase rep repeat sd property caller contextName cn`)
	endWords = words("n")
)

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// CompilePattern returns the Pattern for a conversion pattern. Errors say what
// of it is not known, and that it has no level.
func CompilePattern(pattern string, levels *Levels) (*Pattern, error) {
	p := &Pattern{levels: levels}
	if _, err := p.compile(pattern); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	for _, op := range p.ops {
		if op.kind == patternLevel {
			return p, nil
		}
	}
	return nil, fmt.Errorf("pattern %q: it has no %%p before the message", pattern)
}

// Date returns the pattern's date, nil when it has none.
func (p *Pattern) Date() *Date { return p.date }

// compile adds the ops of pattern; done says that the message was reached.
func (p *Pattern) compile(pattern string) (done bool, err error) {
	for pattern != "" && !done {
		n := strings.IndexByte(pattern, '%')
		if n != 0 {
			if n < 0 {
				n = len(pattern)
			}
			p.literal(unescapePattern.Replace(pattern[:n]))
			pattern = pattern[n:]
			continue
		}
		if strings.HasPrefix(pattern, "%%") {
			p.literal("%")
			pattern = pattern[2:]
			continue
		}
		if pattern, done, err = p.conversion(pattern[1:]); err != nil {
			return false, err
		}
	}
	return done, nil
}

var unescapePattern = strings.NewReplacer(`\t`, "\t", `\\`, `\`, `\n`, "", `\r`, "")

// literal adds text, joined to a literal before it.
func (p *Pattern) literal(text string) {
	if n := len(p.ops); n > 0 && p.ops[n-1].kind == patternLiteral {
		p.ops[n-1].text += text
		return
	}
	if text != "" {
		p.ops = append(p.ops, patternOp{kind: patternLiteral, text: text})
	}
}

// conversion adds what s, behind a '%', starts with, and returns the rest.
func (p *Pattern) conversion(s string) (rest string, done bool, err error) {
	op, cut, s := modifiers(s)
	name, s := conversionName(s)
	if name == "" {
		return s, false, fmt.Errorf("%%%.10s is no conversion that is known", s)
	}
	args, s, err := braces(s)
	if err != nil {
		return s, false, err
	}
	switch {
	case restWords[name]:
		return s, true, nil
	case endWords[name]:
		return s, false, nil
	case paintWords[name]:
		return p.painted(args, s)
	case levelWords[name]:
		if cut || len(args) > 0 {
			return s, false, fmt.Errorf("%%%s with other words than the levels' own is not supported", name)
		}
		op.kind = patternLevel
	case dateWords[name]:
		op.kind = patternDate
		if op.date, err = CompileDate(strings.Join(args[:min(len(args), 1)], "")); err != nil {
			return s, false, err
		}
		if p.date == nil {
			p.date = op.date
		}
	case numberWords[name]:
		op.kind = patternNumber
	default:
		op.kind = patternText
	}
	p.ops = append(p.ops, op)
	return s, false, nil
}

// painted adds a pattern within escape sequences.
func (p *Pattern) painted(args []string, s string) (rest string, done bool, err error) {
	inner := ""
	if len(args) > 0 {
		inner = args[0]
	} else if strings.HasPrefix(s, "(") { // logback's %red(...)
		end := strings.LastIndexByte(s, ')')
		if end < 0 {
			return s, false, fmt.Errorf("a ')' is missing")
		}
		inner, s = s[1:end], s[end+1:]
	}
	p.ops = append(p.ops, patternOp{kind: patternColour})
	done, err = p.compile(inner)
	p.ops = append(p.ops, patternOp{kind: patternColour})
	return s, done, err
}

// modifiers reads "-20.30": cut is set when values may be cut to a length.
func modifiers(s string) (op patternOp, cut bool, rest string) {
	op.left = true
	if strings.HasPrefix(s, "-") {
		op.left, s = false, s[1:]
	}
	n := 0
	for n < len(s) && (s[n]-'0' <= 9 || s[n] == '.' || s[n] == '-') {
		n++
	}
	width, longest, has := strings.Cut(s[:n], ".")
	op.width, _ = strconv.Atoi(width)
	most, _ := strconv.Atoi(strings.TrimPrefix(longest, "-"))
	return op, has && most < 5, s[n:]
}

// conversionName returns the longest name that s starts with.
func conversionName(s string) (name, rest string) {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	for ; n > 0; n-- {
		name := s[:n]
		for _, set := range []map[string]bool{levelWords, dateWords, numberWords, restWords, paintWords, textWords, endWords} {
			if set[name] {
				return name, s[n:]
			}
		}
	}
	return "", s
}

// braces reads the options "{..}{..}" that s starts with; braces nest in them.
func braces(s string) (args []string, rest string, err error) {
	for strings.HasPrefix(s, "{") {
		depth, end := 0, -1
		for i := range len(s) {
			switch s[i] {
			case '{':
				depth++
			case '}':
				depth--
			}
			if depth == 0 {
				end = i
				break
			}
		}
		if end < 0 {
			return nil, "", fmt.Errorf("a '}' is missing")
		}
		args, s = append(args, s[1:end]), s[end+1:]
	}
	return args, s, nil
}

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
