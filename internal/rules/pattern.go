package rules

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// pattern is a compiled regular expression and what is known of it.
type pattern struct {
	names   []string // of the groups by number, "" for none; two may have the same
	literal string   // every match contains it; "": not known
	before  int      // how many characters of a match can stand before literal; -1: any, or the line's start matters
	// uniform means that the pattern treats all characters beyond ASCII alike.
	// Then regexp2 may run it on lines that have some, if it is given U+FFFD for
	// each: otherwise it would find \b beside letters that are none to Go.
	uniform bool
	std     *regexp.Regexp
	back    *regexp2.Regexp
}

// compilePattern compiles r.Match for the engines that may run it:
//
//   - both, when Go's syntax has it: regexp2 runs the text that Go's parser
//     prints of its tree, in which classes are spelled out, and so reads it as Go
//     does, on lines of ASCII and, if the pattern is uniform, on others; Go's does the rest;
//   - Go's alone, when a loop can repeat an empty match: there the two differ
//     in what the groups hold;
//   - regexp2 alone, when Go refuses it (lookaround, back-references).
func compilePattern(r *ruleSpec, c *Config) (*pattern, error) {
	g := grok{own: c.patterns}
	if err := g.expand(r.Match.value); err != nil {
		return nil, r.src.fault(r.Match, err.at, "%s", err.reason)
	}
	expanded := g.out.String()
	std, err := regexp.Compile(expanded)
	if err != nil {
		return compileBacktracking(r, expanded, err)
	}
	tree, err := syntax.Parse(expanded, syntax.Perl)
	if err != nil {
		return nil, r.src.fault(r.Match, 0, "%s", err)
	}
	p := &pattern{names: std.SubexpNames(), std: std}
	p.uniform = uniform(tree)
	p.literal, p.before = required(tree)
	if looksAtStart(tree) {
		p.before = -1
	}
	if loopsOverEmpty(tree) {
		return p, nil
	}
	unname(tree)
	p.back, err = regexp2.Compile(tree.String(), regexp2.RE2, regexp2.OptionMaintainCaptureOrder())
	if err != nil {
		p.back = nil // then Go's engine does it
	}
	return p, nil
}

// Start compiles the pattern, with grok names, of the lines that start a
// record; flag is what it was given by. The error is an *Error.
func (c *Config) Start(flag, arg string) (*regexp.Regexp, error) {
	r := ruleSpec{src: newSource(flag, arg), Match: text{arg, 1, 1}}
	g := grok{own: c.patterns}
	if err := g.expand(arg); err != nil {
		return nil, r.src.fault(r.Match, err.at, "%s", err.reason)
	}
	std, err := regexp.Compile(g.out.String())
	if err != nil {
		return nil, patternFault(&r, err)
	}
	return std, nil
}

func compileBacktracking(r *ruleSpec, expanded string, refused error) (*pattern, error) {
	back, err := regexp2.Compile(expanded, regexp2.RE2, regexp2.OptionMaintainCaptureOrder())
	if err != nil {
		return nil, patternFault(r, refused)
	}
	names := back.GetGroupNames()
	for i, name := range names {
		if _, err := strconv.Atoi(name); err == nil {
			names[i] = ""
		}
	}
	return &pattern{names: names, before: -1, back: back}, nil
}

// patternFault points at the part of the pattern that Go's parser names.
func patternFault(r *ruleSpec, err error) error {
	at := 0
	reason := err.Error()
	var fault *syntax.Error
	if errors.As(err, &fault) {
		reason = fault.Code.String() + " in the pattern"
		at = max(0, strings.Index(r.Match.value, fault.Expr))
		if fault.Code == syntax.ErrMissingParen {
			at = max(0, eachGroup(r.Match.value, func(int) {}))
		} else if fault.Expr != "" && fault.Expr != r.Match.value {
			reason += ": " + fault.Expr
		}
	}
	return r.src.fault(r.Match, at, "match: %s", reason)
}

// groups returns the numbers of the groups called name; of a number itself.
func (p *pattern) groups(name string) (list []int) {
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 0 && n < len(p.names) {
			return []int{n}
		}
		return nil
	}
	name = groupName(name)
	for i, have := range p.names {
		if have == name && have != "" {
			list = append(list, i)
		}
	}
	return list
}

// unname takes the names off all groups; groups go by number.
func unname(re *syntax.Regexp) {
	re.Name = ""
	for _, sub := range re.Sub {
		unname(sub)
	}
}

// loopsOverEmpty reports whether re repeats something that can be empty.
func loopsOverEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		if minWidth(re.Sub[0]) == 0 {
			return true
		}
	}
	for _, sub := range re.Sub {
		if loopsOverEmpty(sub) {
			return true
		}
	}
	return false
}

// looksAtStart reports whether re asks for the start of the text.
func looksAtStart(re *syntax.Regexp) bool {
	return re.Op == syntax.OpBeginText || re.Op == syntax.OpBeginLine || slices.ContainsFunc(re.Sub, looksAtStart)
}

// uniform reports whether re matches either all or none of the characters beyond
// ASCII wherever it matches one.
func uniform(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			// Beyond ASCII U+017F folds to s, and U+212A to k.
			if c >= utf8.RuneSelf || re.Flags&syntax.FoldCase != 0 && strings.ContainsRune("KkSs", c) {
				return false
			}
		}
	case syntax.OpCharClass:
		if n := len(re.Rune); n > 0 && re.Rune[n-1] >= utf8.RuneSelf {
			return re.Rune[n-2] <= utf8.RuneSelf && re.Rune[n-1] == unicode.MaxRune
		}
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !uniform(sub) })
}

// minWidth returns the least length of a match in characters, at most 1.
func minWidth(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return minWidth(re.Sub[0])
	case syntax.OpRepeat:
		return min(re.Min, minWidth(re.Sub[0]))
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if minWidth(sub) > 0 {
				return 1
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if minWidth(sub) == 0 {
				return 0
			}
		}
		return 1
	}
	return 0
}

// maxWidth returns the greatest length of a match in characters, -1: any.
func maxWidth(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpQuest:
		return maxWidth(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		return -1
	case syntax.OpRepeat:
		if w := maxWidth(re.Sub[0]); re.Max >= 0 && w >= 0 {
			return re.Max * w
		}
		return -1
	case syntax.OpConcat, syntax.OpAlternate:
		return maxOfSubs(re)
	}
	return 0
}

func maxOfSubs(re *syntax.Regexp) (width int) {
	for _, sub := range re.Sub {
		w := maxWidth(sub)
		switch {
		case w < 0:
			return -1
		case re.Op == syntax.OpConcat:
			width += w
		default:
			width = max(width, w)
		}
	}
	return width
}

// required returns the longest text found that every match of re contains, and
// how many characters of the match can stand before its first place in it.
func required(re *syntax.Regexp) (literal string, before int) {
	if s, ok := exact(re); ok {
		return s, 0
	}
	switch re.Op {
	case syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat, syntax.OpCapture:
		return requiredOfConcat(flatten(nil, re))
	}
	return "", -1
}

// flatten appends the parts that re is joined of, looking into groups.
func flatten(list []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	if re.Op != syntax.OpConcat && re.Op != syntax.OpCapture {
		return append(list, re)
	}
	for _, sub := range re.Sub {
		list = flatten(list, sub)
	}
	return list
}

func requiredOfConcat(subs []*syntax.Regexp) (literal string, before int) {
	run, runBefore, width := "", 0, 0 // text gathered so far, what is before it, what is before the next sub
	before = -1
	take := func(s string, b int) {
		if len(s) > len(literal) {
			literal, before = s, b
		}
	}
	for _, sub := range subs {
		w := maxWidth(sub)
		if s, ok := exact(sub); ok {
			if run == "" {
				runBefore = width
			}
			run += s
		} else {
			take(run, runBefore)
			run = ""
			s, b := required(sub)
			take(s, join(width, b))
		}
		width = join(width, w)
	}
	take(run, runBefore)
	return literal, before
}

// join adds two widths of which either may be any (-1).
func join(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// exact returns the one text that re matches. Text with U+FFFD is left out:
// any byte that is not UTF-8 matches it.
func exact(re *syntax.Regexp) (string, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		s := string(re.Rune)
		return s, re.Flags&syntax.FoldCase == 0 && !strings.ContainsRune(s, utf8.RuneError)
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpEmptyMatch:
		return "", true
	case syntax.OpConcat:
		all := ""
		for _, sub := range re.Sub {
			s, ok := exact(sub)
			if !ok {
				return "", false
			}
			all += s
		}
		return all, true
	}
	return "", false
}
