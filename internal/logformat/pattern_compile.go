package logformat

import (
	"fmt"
	"strconv"
	"strings"
)

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
