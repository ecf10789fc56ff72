package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-grok/patterns"
)

// What a grok pattern may expand to: the deepest nesting and the longest text.
// The longest of the patterns known here has 8 KB.
const (
	maxGrokDepth = 32
	maxGrokBytes = 64 << 10
)

// grokTables returns the patterns known by name, the more general ones first.
func grokTables() []map[string]string {
	return []map[string]string{
		patterns.Default, patterns.Syslog, patterns.Httpd, patterns.Java, patterns.HAProxy, patterns.PostgreSQL,
		patterns.MongoDB, patterns.Redis, patterns.Squid, patterns.Exim, patterns.Bind9, patterns.AWS,
		patterns.Firewalls, patterns.Junos, patterns.Rails, patterns.Ruby, patterns.MCollective, patterns.Maven, patterns.Bro,
	}
}

// grok expands %{NAME}, %{NAME:field} and %{NAME:field:type} in a pattern. A
// field becomes a named group; groups inside grok's own texts capture nothing
// unless they have a field, so that the user's groups keep their numbers' order.
type grok struct {
	own   map[string]string
	out   strings.Builder
	stack []string
}

// grokError says what is wrong and at which byte of the user's pattern.
type grokError struct {
	at     int
	reason string
}

func (g *grok) expand(pattern string) *grokError {
	for at := 0; ; {
		i := strings.Index(pattern[at:], "%{")
		if i < 0 {
			g.out.WriteString(pattern[at:])
			return nil
		}
		g.out.WriteString(pattern[at : at+i])
		at += i
		end := strings.IndexByte(pattern[at:], '}')
		if end < 0 {
			return &grokError{at, "%{ without }"}
		}
		if reason := g.reference(pattern[at+2 : at+end]); reason != "" {
			return &grokError{at, reason}
		}
		at += end + 1
	}
}

// reference writes the pattern that "NAME:field:type" stands for.
func (g *grok) reference(ref string) (reason string) {
	name, field, _ := strings.Cut(ref, ":")
	field, _, _ = strings.Cut(field, ":")
	text, ok := g.find(name)
	switch {
	case !ok:
		return fmt.Sprintf("unknown grok pattern %q%s", name, nearNames(name, g.names()))
	case slices.Contains(g.stack, name):
		return fmt.Sprintf("grok pattern %s contains itself: %s", name, strings.Join(append(g.stack, name), " > "))
	case len(g.stack) == maxGrokDepth:
		return fmt.Sprintf("grok patterns nested more than %d deep", maxGrokDepth)
	case g.out.Len() > maxGrokBytes:
		return fmt.Sprintf("pattern expands to more than %d KiB", maxGrokBytes>>10)
	}
	g.open(field)
	g.stack = append(g.stack, name)
	if err := g.expand(withoutGroups(text)); err != nil {
		return err.reason
	}
	g.stack = g.stack[:len(g.stack)-1]
	g.out.WriteByte(')')
	return ""
}

func (g *grok) open(field string) {
	if field == "" {
		g.out.WriteString("(?:")
		return
	}
	g.out.WriteString("(?P<" + groupName(field) + ">")
}

func (g *grok) find(name string) (string, bool) {
	if text, ok := g.own[name]; ok {
		return text, true
	}
	for _, t := range grokTables() {
		if text, ok := t[name]; ok {
			return text, true
		}
	}
	return "", false
}

func (g *grok) names() (list []string) {
	for _, t := range append([]map[string]string{g.own}, grokTables()...) {
		for name := range t {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// groupName makes a group's name of a field's: "client.address" and
// "[client][address]" become client_address.
func groupName(field string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ReplaceAll(strings.Trim(field, "[]"), "][", "_")) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// withoutGroups makes all groups of a pattern such that capture nothing.
func withoutGroups(pattern string) string {
	var b strings.Builder
	last := 0
	eachGroup(pattern, func(at int) {
		rest := pattern[at+1:]
		b.WriteString(pattern[last : at+1])
		last = at + 1
		switch {
		case !strings.HasPrefix(rest, "?"):
			b.WriteString("?:")
		case strings.HasPrefix(rest, "?P<") || strings.HasPrefix(rest, "?<") && !strings.HasPrefix(rest, "?<=") && !strings.HasPrefix(rest, "?<!"):
			if i := strings.IndexByte(rest, '>'); i >= 0 {
				b.WriteString("?:")
				last += i + 1
			}
		}
	})
	b.WriteString(pattern[last:])
	return b.String()
}

// eachGroup calls open with the place of each '(' that opens a group, and
// returns the place of the last one that is not closed, or -1.
func eachGroup(pattern string, open func(at int)) (unclosed int) {
	var stack []int
	class := -1 // where the character class started in which we are
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case class >= 0:
			if c == ']' && i > class+1 && pattern[class+1:i] != "^" {
				class = -1
			}
		case c == '[':
			class = i
		case c == '(':
			stack = append(stack, i)
			open(i)
		case c == ')' && len(stack) > 0:
			stack = stack[:len(stack)-1]
		}
	}
	if len(stack) == 0 {
		return -1
	}
	return stack[len(stack)-1]
}
