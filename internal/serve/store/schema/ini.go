package schema

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// File is the text of a file of rules. Name is what errors call it.
type File struct{ Name, Text string }

// Error is one fault of a file of rules.
type Error struct {
	File    string
	Line    int // from 1
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem) }

// section is "[name]" and what stands below it.
type section struct {
	name string
	line int
	keys map[string]*value // by their lower-case names
}

type value struct {
	text string
	line int
}

// defaults is the section whose keys all others have too, as in Python.
const defaults = "DEFAULT"

// ini reads sections as Python's configparser does: keys end at the first '='
// or ':' and have no case, a line that is indented deeper than its key goes on
// with the value, '#' and ';' start a comment only at the start of a line, "%%"
// stands for '%', and nothing may be said twice.
type ini struct {
	file     File
	sections []*section
	errs     []error

	current *section
	key     *value // that a deeper line goes on with
	indent  int    // of key
}

func parseINI(f File) ([]*section, error) {
	p := ini{file: f}
	for i, line := range strings.Split(f.Text, "\n") {
		p.line(i+1, line)
	}
	for _, s := range p.sections {
		p.finish(s)
	}
	return p.sections, errors.Join(p.errs...)
}

func (p *ini) fault(line int, format string, args ...any) {
	p.errs = append(p.errs, &Error{p.file.Name, line, fmt.Sprintf(format, args...)})
}

func (p *ini) line(number int, line string) {
	text := strings.TrimSpace(line)
	if text == "" || text[0] == '#' || text[0] == ';' {
		return
	}
	indent := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	switch {
	case p.key != nil && indent > p.indent:
		p.key.text += "\n" + text
	case text[0] == '[' && strings.Contains(text, "]"):
		p.header(number, text)
	default:
		p.indent = indent
		p.pair(number, text)
	}
}

func (p *ini) header(number int, text string) {
	p.key, p.current = nil, &section{line: number, keys: map[string]*value{}}
	if !strings.HasSuffix(text, "]") {
		p.fault(number, "text after the section's name, which carbon would then not see; put it on a line of its own")
		return
	}
	p.current.name = text[1 : len(text)-1]
	for _, s := range p.sections {
		if s.name == p.current.name {
			p.fault(number, "section [%s] stands on line %d already; give this one another name", s.name, s.line)
			return
		}
	}
	p.sections = append(p.sections, p.current)
}

func (p *ini) pair(number int, text string) {
	p.key = nil
	at := strings.IndexAny(text, "=:")
	switch {
	case p.current == nil:
		p.fault(number, "before the first section; write [name] above it")
		return
	case at <= 0:
		p.fault(number, "%q is neither [name] nor key = value", cut(text))
		return
	}
	key := strings.ToLower(strings.TrimSpace(text[:at]))
	if have, ok := p.current.keys[key]; ok {
		p.fault(number, "%s stands on line %d already; drop one", key, have.line)
		return
	}
	p.key = &value{strings.TrimSpace(text[at+1:]), number}
	p.current.keys[key] = p.key
}

// finish gives s the keys of the defaults and takes the doubling off '%'.
func (p *ini) finish(s *section) {
	for _, d := range p.sections {
		if d.name != defaults || d == s {
			continue
		}
		for key, v := range d.keys {
			if _, ok := s.keys[key]; !ok {
				s.keys[key] = &value{v.text, v.line}
			}
		}
	}
	for _, v := range s.keys {
		plain := strings.ReplaceAll(v.text, "%%", "")
		if strings.Contains(plain, "%") {
			p.fault(v.line, "a single %% means the value of another key to carbon, which is not done here; write %%%% for the character")
		}
	}
}

// get returns the value of a key, nil when it has none.
func (s *section) get(key string) *value {
	v, ok := s.keys[key]
	if !ok || v.text == "" {
		return nil
	}
	return &value{strings.ReplaceAll(v.text, "%%", "%"), v.line}
}

// cut shortens what a message quotes.
func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
