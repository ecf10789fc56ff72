package logformat

import (
	"fmt"
	"strconv"
	"strings"
)

// conversion is what a conversion of a pattern can stand for.
type conversion uint8

const (
	convUnknown conversion = iota
	convLevel
	convDate
	convNumber
	convText // a name of a thread, logger or file, a context, a marker
	convPaint
	convRest // the message, or what can have its text in it
	convEnd
)

// conversionOf returns what the conversion with the given name stands for, by
// the documents of Log4j 1, Log4j 2 and logback.
func conversionOf(name string) conversion {
	switch name {
	case "p", "level", "le":
		return convLevel
	case "d", "date":
		return convDate
	case "r", "relative", "L", "line", "T", "tid", "threadId", "tp", "threadPriority", "pid", "processId", "sn", "sequenceNumber", "N", "nano":
		return convNumber
	case "m", "msg", "message", "ex", "exception", "throwable", "rEx", "rException", "rThrowable", "xEx", "xException",
		"xThrowable", "wEx", "wex", "enc", "encode":
		return convRest
	case "highlight", "style", "clr", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray",
		"boldRed", "boldGreen", "boldYellow", "boldBlue", "boldMagenta", "boldCyan", "boldWhite":
		return convPaint
	case "t", "tn", "thread", "threadName", "c", "lo", "logger", "C", "class", "F", "file", "l", "location", "M", "method",
		"x", "NDC", "X", "mdc", "MDC", "K", "map", "MAP", "marker", "markerSimpleName", "u", "uuid", "fqcn", "endOfBatch",
		"notEmpty", "varsNotEmpty", "variablesNotEmpty", "maxLen", "maxLength", "replace", "equals", "equalsIgnoreCase",
		"rep", "repeat", "sd", "property", "caller", "contextName", "cn":
		return convText
	case "n":
		return convEnd
	}
	return convUnknown
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

// compile adds the ops of pattern; done says that the message was reached.
func (p *Pattern) compile(pattern string) (done bool, err error) {
	for pattern != "" && !done && err == nil {
		n := strings.IndexAny(pattern, "%$")
		switch {
		case n < 0:
			p.literal(unescapePattern(pattern))
			pattern = ""
		case n > 0:
			p.literal(unescapePattern(pattern[:n]))
			pattern = pattern[n:]
		case strings.HasPrefix(pattern, "%%"):
			p.literal("%")
			pattern = pattern[2:]
		case strings.HasPrefix(pattern, "${"): // what it stands for is known to the program alone
			p.ops = append(p.ops, patternOp{kind: patternText})
			_, pattern, err = braces(pattern[1:])
		case pattern[0] == '$':
			p.literal("$")
			pattern = pattern[1:]
		default:
			pattern, done, err = p.conversion(pattern[1:])
		}
	}
	return done, err
}

func unescapePattern(text string) string {
	return strings.NewReplacer(`\t`, "\t", `\\`, `\`, `\n`, "", `\r`, "").Replace(text)
}

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
	kind, name, s := longestConversion(s)
	if kind == convUnknown {
		return s, false, fmt.Errorf("%%%.10s is no conversion that is known", s)
	}
	args, s, err := braces(s)
	if err != nil {
		return s, false, err
	}
	switch kind {
	case convRest:
		return s, true, nil
	case convEnd:
		return s, false, nil
	case convPaint:
		return p.painted(args, s)
	case convLevel:
		if cut || len(args) > 0 {
			return s, false, fmt.Errorf("%%%s with other words than the levels' own is not supported", name)
		}
		op.kind = patternLevel
	case convDate:
		op.kind = patternDate
		if op.date, err = CompileDate(strings.Join(args[:min(len(args), 1)], "")); err != nil {
			return s, false, err
		}
		if p.date == nil {
			p.date = op.date
		}
	case convNumber:
		op.kind = patternNumber
	default:
		op.kind = patternText
	}
	p.ops = append(p.ops, op)
	return s, false, nil
}

// painted adds a pattern within escape sequences: Log4j's %highlight{...}{...}
// or logback's %red(...){...}.
func (p *Pattern) painted(args []string, s string) (rest string, done bool, err error) {
	if len(args) == 0 && strings.HasPrefix(s, "(") {
		n := closing(s)
		if n < 0 {
			return s, false, fmt.Errorf("a ')' is missing")
		}
		args = []string{s[1:n]}
		if _, s, err = braces(s[n+1:]); err != nil {
			return s, false, err
		}
	}
	if len(args) == 0 {
		return s, false, fmt.Errorf("a colour has nothing to paint")
	}
	p.ops = append(p.ops, patternOp{kind: patternColour})
	done, err = p.compile(args[0])
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

// longestConversion returns the conversion with the longest name that s starts with.
func longestConversion(s string) (kind conversion, name, rest string) {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	for ; n > 0; n-- {
		if kind := conversionOf(s[:n]); kind != convUnknown {
			return kind, s[:n], s[n:]
		}
	}
	return convUnknown, "", s
}

// braces reads the options "{..}{..}" that s starts with; braces nest in them.
func braces(s string) (args []string, rest string, err error) {
	for strings.HasPrefix(s, "{") {
		n := closing(s)
		if n < 0 {
			return nil, "", fmt.Errorf("a '}' is missing")
		}
		args, s = append(args, s[1:n]), s[n+1:]
	}
	return args, s, nil
}

// closing returns the index of what closes the bracket that s starts with; -1
// when nothing does.
func closing(s string) int {
	opening, end, depth := s[0], byte('}'), 0
	if opening == '(' {
		end = ')'
	}
	for i := range len(s) {
		switch s[i] {
		case opening:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
