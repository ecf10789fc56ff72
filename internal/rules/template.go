package rules

import (
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// template is text with {group} in it.
type template []part

// part is text, or the groups of which the first that took part gives the text.
type part struct {
	text   string
	groups []int
}

// parseTemplate reads t for pattern p.
func parseTemplate(t text, p *pattern, src *source) (template, error) {
	var parts template
	for at := 0; at < len(t.value); {
		open := strings.IndexByte(t.value[at:], '{')
		if open < 0 {
			return append(parts, part{text: t.value[at:]}), nil
		}
		if open > 0 {
			parts = append(parts, part{text: t.value[at : at+open]})
		}
		at += open
		n := strings.IndexByte(t.value[at:], '}')
		if n < 0 {
			return nil, src.fault(t, at, "{ without }")
		}
		name := t.value[at+1 : at+n]
		groups := p.groups(name)
		if groups == nil {
			return nil, src.fault(t, at+1, "the pattern has no group %q%s", name, nearNames(name, p.groupNames()))
		}
		parts = append(parts, part{groups: groups})
		at += n + 1
	}
	return parts, nil
}

// groupNames returns the names that the pattern's groups have.
func (p *pattern) groupNames() (list []string) {
	for _, n := range p.names {
		if n != "" && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// fixed returns the text when no group is in it.
func (t template) fixed() (string, bool) {
	if len(t) == 1 && t[0].groups == nil {
		return t[0].text, true
	}
	return "", false
}

// only returns the groups when the template is one {group}.
func (t template) only() ([]int, bool) {
	if len(t) == 1 && t[0].groups != nil {
		return t[0].groups, true
	}
	return nil, false
}

// append appends the template's text; with asName each group becomes a node of
// a name or a part of one, so that no dot from the log makes a node.
func (t template) append(dst, line []byte, loc []int, asName bool) []byte {
	for _, p := range t {
		switch {
		case p.groups == nil:
			dst = append(dst, p.text...)
		case asName:
			dst = metric.AppendNode(dst, capture(line, loc, p.groups))
		default:
			dst = append(dst, capture(line, loc, p.groups)...)
		}
	}
	return dst
}

// fits reports whether name is one that the template can give.
func (t template) fits(name string) bool {
	if len(t) == 0 {
		return name == ""
	}
	if t[0].groups == nil {
		rest, ok := strings.CutPrefix(name, t[0].text)
		return ok && t[1:].fits(rest)
	}
	for i := 1; i <= len(name) && name[i-1] != '.'; i++ {
		if t[1:].fits(name[i:]) {
			return true
		}
	}
	return false
}

// capture returns what the first of groups that took part in the match holds,
// nil when none did.
func capture(line []byte, loc []int, groups []int) []byte {
	for _, g := range groups {
		if from := loc[2*g]; from >= 0 {
			return line[from:loc[2*g+1]]
		}
	}
	return nil
}
