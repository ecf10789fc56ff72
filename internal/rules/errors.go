package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/near"
)

// Error is a fault in the rules, with its place.
type Error struct {
	File         string // as the user named it; a flag's name for a rule given as a flag
	Line, Column int    // from 1, the column in characters
	Reason       string
	Excerpt      string // the line, and a caret under the column
}

// Error returns place, reason and, on lines of their own, the excerpt.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s\n%s", e.File, e.Line, e.Column, e.Reason, e.Excerpt)
}

// source is where rules were written.
type source struct {
	name  string
	lines []string
}

func newSource(name, text string) *source {
	return &source{name: name, lines: strings.Split(text, "\n")}
}

// fault returns an Error about the byte at of t's value.
func (s *source) fault(t text, at int, format string, args ...any) error {
	line := ""
	if t.line >= 1 && t.line <= len(s.lines) {
		line = strings.TrimSuffix(s.lines[t.line-1], "\r")
	}
	col := t.col
	// The value stands in the source as it is, unless it was quoted with
	// escapes or spans lines; then its start has to do.
	if from := byteColumn(line, t.col); t.value != "" {
		if i := strings.Index(line[from:], t.value); i >= 0 {
			col = 1 + utf8.RuneCountInString(line[:from+i+min(at, len(t.value))])
		}
	}
	number := fmt.Sprintf("%4d | ", t.line)
	caret := strings.Repeat(" ", len(number)-2) + "| " + strings.Repeat(" ", max(0, col-1)) + "^"
	excerpt := number + strings.ReplaceAll(line, "\t", " ") + "\n" + caret
	return &Error{File: s.name, Line: t.line, Column: col, Reason: fmt.Sprintf(format, args...), Excerpt: excerpt}
}

// byteColumn returns the byte at which the character col, from 1, stands.
func byteColumn(line string, col int) int {
	for i := range line {
		if col--; col <= 0 {
			return i
		}
	}
	return len(line)
}

// nearNames returns " (near: a, b)" with up to three of names that resemble name,
// or else of all of them when there are no more than five.
func nearNames(name string, names []string) string {
	list := near.Names(name, names)
	if len(list) == 0 && len(names) <= 5 {
		list = names
	}
	if len(list) == 0 {
		return ""
	}
	return " (near: " + strings.Join(list[:min(3, len(list))], ", ") + ")"
}
