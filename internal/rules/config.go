package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/logmetrics/logmetrics/metric"
)

// Config is rules as written, not yet compiled. The zero value has none.
type Config struct {
	rules    []ruleSpec
	derived  []derivedSpec
	patterns map[string]string // grok names of the user's own
	time     timeSpec
}

// Empty reports whether there is no rule.
func (c *Config) Empty() bool { return len(c.rules) == 0 }

type ruleSpec struct {
	src     *source
	Match   text         `yaml:"match"`
	When    text         `yaml:"when"`
	Final   bool         `yaml:"final"`
	Metrics []metricSpec `yaml:"metrics"`
}

type metricSpec struct {
	Counter text    `yaml:"counter"`
	Gauge   text    `yaml:"gauge"`
	Timer   text    `yaml:"timer"`
	Set     text    `yaml:"set"`
	Value   text    `yaml:"value"`
	Unit    text    `yaml:"unit"`
	Tags    entries `yaml:"tags"`
}

type derivedSpec struct {
	src *source
	entry
}

type document struct {
	Time      text       `yaml:"time"`
	TimeAfter text       `yaml:"time-after"`
	Patterns  entries    `yaml:"patterns"`
	Rules     []ruleSpec `yaml:"rules"`
	Derived   entries    `yaml:"derived"`
}

// text is a scalar and where it starts.
type text struct {
	value     string
	line, col int // from 1; 0: not given
}

func (t text) given() bool { return t.line > 0 }

// UnmarshalYAML takes any scalar as it is written.
func (t *text) UnmarshalYAML(node ast.Node) error {
	tok := node.GetToken()
	if _, ok := node.(ast.ScalarNode); !ok {
		return &yaml.SyntaxError{Message: "a text is wanted here, in single quotes if it is a pattern", Token: tok}
	}
	t.line, t.col = tok.Position.Line, tok.Position.Column
	switch n := node.(type) {
	case *ast.StringNode:
		t.value = n.Value
	case *ast.LiteralNode:
		t.value = strings.TrimRight(n.Value.Value, "\n")
	case *ast.NullNode:
		return nil
	default:
		t.value = tok.Value
	}
	if tok.Type == token.DoubleQuoteType && strings.ContainsAny(t.value, "\b\f\v\a") {
		return &yaml.SyntaxError{Message: `in double quotes YAML makes a control character of \b, \f, \v and \a: use single quotes`, Token: tok}
	}
	return nil
}

// entry is one key and its text.
type entry struct{ key, value text }

// entries is a mapping in the order in which it was written.
type entries []entry

// UnmarshalYAML takes a mapping of scalars.
func (e *entries) UnmarshalYAML(node ast.Node) error {
	m, ok := node.(*ast.MappingNode)
	if !ok {
		return &yaml.SyntaxError{Message: "lines of the form name: text are wanted here", Token: node.GetToken()}
	}
	for _, v := range m.Values {
		var next entry
		if key, ok := v.Key.(ast.Node); ok {
			if err := next.key.UnmarshalYAML(key); err != nil {
				return err
			}
		}
		if err := next.value.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		*e = append(*e, next)
	}
	return nil
}

// Parse reads rules from the YAML in data and adds them to c; name is the
// file's name in messages. The error is an *Error.
func (c *Config) Parse(name string, data []byte) error {
	src := newSource(name, string(data))
	var f document
	if err := yaml.UnmarshalWithOptions(data, &f, yaml.DisallowUnknownField()); err != nil {
		return src.yamlFault(err)
	}
	for i := range f.Rules {
		f.Rules[i].src = src
	}
	c.rules = append(c.rules, f.Rules...)
	for _, d := range f.Derived {
		c.derived = append(c.derived, derivedSpec{src, d})
	}
	for _, p := range f.Patterns {
		c.pattern(p.key.value, p.value.value)
	}
	if !f.Time.given() && !f.TimeAfter.given() {
		return nil
	}
	c.time = timeSpec{layout: f.Time.value, after: f.TimeAfter.value}
	if !c.time.known() {
		return src.fault(f.Time, 0, "unknown time layout %q%s", f.Time.value, nearNames(f.Time.value, layoutNames))
	}
	return nil
}

func (c *Config) pattern(name, text string) {
	if c.patterns == nil {
		c.patterns = make(map[string]string)
	}
	c.patterns[name] = text
}

// ParsePatterns adds grok patterns in the form of Logstash's files: a name, a
// space and the pattern on each line, '#' before comments.
func (c *Config) ParsePatterns(name string, data []byte) error {
	src := newSource(name, string(data))
	for i, line := range src.lines {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		key, pattern, ok := strings.Cut(line, " ")
		if !ok || key == "" {
			return src.fault(text{line, i + 1, 1}, 0, "a grok pattern is a name, a space and a regular expression")
		}
		c.pattern(key, strings.TrimLeft(pattern, " "))
	}
	return nil
}

// yamlFault makes an Error of what the YAML package says.
func (s *source) yamlFault(err error) error {
	var y yaml.Error
	if !errors.As(err, &y) || y.GetToken() == nil {
		return fmt.Errorf("read rules from %q: %w", s.name, err)
	}
	p := y.GetToken().Position
	reason := y.GetMessage()
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && !strings.Contains(reason, "single quotes") {
		reason += " (patterns are best written in single quotes)"
	}
	return s.fault(text{line: p.Line, col: p.Column}, 0, "%s", reason)
}

// Flag adds the rule of a flag such as --counter=NAME=RE or
// --timer=NAME:UNIT=RE. The pattern's group called value gives the value; if
// there is none, a gauge, timer or set takes the first group without a name,
// or else its first group, and a counter counts lines. The other named groups
// become tags, unless NAME holds {group}.
func (c *Config) Flag(kind metric.Kind, arg string) error {
	flag := "--" + kind.String()
	src := newSource(flag, arg)
	name, pattern, ok := strings.Cut(arg, "=")
	if !ok || name == "" || pattern == "" {
		return src.fault(text{arg, 1, 1}, 0, "NAME=PATTERN is wanted")
	}
	r := ruleSpec{src: src, Match: text{pattern, 1, len(name) + 2}}
	m := metricSpec{}
	if n, unit, ok := strings.Cut(name, ":"); ok {
		name, m.Unit = n, text{unit, 1, len(n) + 2}
	}
	*m.name(kind) = text{name, 1, 1}
	p, err := compilePattern(&r, c)
	if err != nil {
		return err
	}
	m.Value, m.Tags = p.flagGroups(kind, name)
	r.Metrics = []metricSpec{m}
	c.rules = append(c.rules, r)
	return nil
}

// name returns the field of the kind's name.
func (m *metricSpec) name(k metric.Kind) *text {
	switch k {
	case metric.Gauge:
		return &m.Gauge
	case metric.Timer:
		return &m.Timer
	case metric.Set:
		return &m.Set
	}
	return &m.Counter
}

// flagGroups chooses value and tags for a rule given as a flag.
func (p *pattern) flagGroups(kind metric.Kind, name string) (value text, tags entries) {
	chosen := p.valueGroup(kind)
	if chosen > 0 {
		value = text{fmt.Sprintf("{%d}", chosen), 1, 1}
	}
	if strings.Contains(name, "{") {
		return value, nil
	}
	seen := make(map[string]bool)
	for i, group := range p.names {
		if i == chosen || group == "" || seen[group] {
			continue
		}
		seen[group] = true
		t := text{group, 1, 1}
		tags = append(tags, entry{t, t})
	}
	return value, tags
}

func (p *pattern) valueGroup(kind metric.Kind) int {
	if g := p.groups("value"); len(g) > 0 {
		return g[0]
	}
	if kind == metric.Counter || len(p.names) < 2 {
		return 0
	}
	for i, name := range p.names[1:] {
		if name == "" {
			return i + 1
		}
	}
	return 1
}
