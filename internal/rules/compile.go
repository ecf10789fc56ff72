package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// series is one metric of a rule.
type series struct {
	kind   metric.Kind
	id     metric.ID      // when name is nil and family is nil
	name   template       // with groups in it; else nil
	family *metric.Family // when the metric has tags; else nil
	tags   []template     // in the order of the family's keys
	value  value
	one    bool // a counter of lines

	texts  [][]byte // scratch: the tags' values
	joined [][]byte // scratch: the memory of those that are joined of parts
}

// nameTable knows the kinds of all names that the rules can record.
type nameTable map[string]nameUse

type nameUse struct {
	kind metric.Kind
	tmpl template
}

func compileRule(spec *ruleSpec, c *Config, names nameTable, rec *metric.Recorder) (*rule, error) {
	src := spec.src
	if !spec.Match.given() || spec.Match.value == "" {
		return nil, src.fault(spec.place(), 0, "a rule needs match: 'PATTERN'")
	}
	p, err := compilePattern(spec, c)
	if err != nil {
		return nil, err
	}
	if len(spec.Metrics) == 0 {
		return nil, src.fault(spec.Match, 0, "a rule needs metrics: a list of counter, gauge, timer or set")
	}
	if strings.ContainsAny(spec.When.value, "\r\n") {
		return nil, src.fault(spec.When, 0, "when: is text within one line")
	}
	r := &rule{where: fmt.Sprintf("%s:%d", src.name, spec.Match.line), matcher: newMatcher(p), final: spec.Final}
	r.prefilter(p, spec.When.value)
	for i := range spec.Metrics {
		s, err := compileSeries(&spec.Metrics[i], p, src, names, rec)
		if err != nil {
			return nil, err
		}
		r.metrics = append(r.metrics, s)
	}
	return r, nil
}

// place is where to point at for a rule without a pattern.
func (r *ruleSpec) place() text {
	for i := range r.Metrics {
		for _, t := range r.Metrics[i].names() {
			return text{line: t.line, col: t.col}
		}
	}
	return text{line: max(1, r.When.line), col: max(1, r.When.col)}
}

// prefilter searches for the longer of the pattern's literal and when.
func (r *rule) prefilter(p *pattern, when string) {
	r.literal, r.before = []byte(p.literal), p.before
	switch {
	case strings.Contains(p.literal, when):
	case len(when) > len(p.literal):
		r.literal, r.before = []byte(when), -1
	default:
		r.when = []byte(when)
	}
}

// names returns those of the four names that are given.
func (m *metricSpec) names() (list []text) {
	for _, k := range []metric.Kind{metric.Counter, metric.Gauge, metric.Timer, metric.Set} {
		if t := *m.name(k); t.given() {
			list = append(list, t)
		}
	}
	return list
}

// kind returns the kind whose name is given.
func (m *metricSpec) kind() metric.Kind {
	for _, k := range []metric.Kind{metric.Gauge, metric.Timer, metric.Set} {
		if m.name(k).given() {
			return k
		}
	}
	return metric.Counter
}

func compileSeries(m *metricSpec, p *pattern, src *source, names nameTable, rec *metric.Recorder) (*series, error) {
	given := m.names()
	if len(given) != 1 {
		at := m.Value
		if len(given) > 0 {
			at = given[1]
		}
		return nil, src.fault(text{line: max(1, at.line), col: max(1, at.col)}, 0, "a metric is one of counter, gauge, timer or set, with a name")
	}
	s := &series{kind: m.kind()}
	var err error
	if s.name, err = parseTemplate(given[0], p, src); err != nil {
		return nil, err
	}
	if err := names.add(given[0], s, src); err != nil {
		return nil, err
	}
	if err := s.setValue(m, given[0], p, src); err != nil {
		return nil, err
	}
	return s, s.register(given[0], m.Tags, p, src, rec)
}

// add notes the name, which may have only one kind.
func (n nameTable) add(t text, s *series, src *source) error {
	plain := strings.NewReplacer("{", "", "}", "").Replace(t.value)
	if !metric.ValidName(plain) || len(plain) > metric.MaxNameLen {
		return src.fault(t, 0, "%q cannot be a name: letters, digits, _ - + %% @, parts joined by single dots, and {group}", t.value)
	}
	if have, ok := n[t.value]; ok && have.kind != s.kind {
		return src.fault(t, 0, "%q is a %s already", t.value, have.kind)
	}
	n[t.value] = nameUse{s.kind, s.name}
	return nil
}

// find returns the kind of the series called name.
func (n nameTable) find(name string) (metric.Kind, bool) {
	if use, ok := n[name]; ok {
		return use.kind, true
	}
	for _, use := range n {
		if use.tmpl.fits(name) {
			return use.kind, true
		}
	}
	return 0, false
}

func (n nameTable) list() (names []string) {
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *series) setValue(m *metricSpec, name text, p *pattern, src *source) error {
	if !m.Value.given() {
		if s.kind != metric.Counter {
			return src.fault(name, 0, "a %s needs value: GROUP", s.kind)
		}
		s.one = true
		return nil
	}
	number, isNumber := metric.ParseValue([]byte(m.Value.value))
	switch {
	case isNumber && s.kind == metric.Set:
		return src.fault(m.Value, 0, "a set counts distinct texts: value: GROUP; a group's number is written {%s}", m.Value.value)
	case isNumber && number < 0 && s.kind != metric.Gauge:
		return src.fault(m.Value, 0, "a %s takes no negative value", s.kind)
	case isNumber:
		s.value.number = number
	default:
		groups, err := groupsOf(m.Value, p, src)
		if err != nil {
			return err
		}
		s.value.groups = groups
	}
	return s.setUnit(m.Unit, src)
}

// groupsOf reads "GROUP" or "{GROUP}".
func groupsOf(t text, p *pattern, src *source) ([]int, error) {
	if groups := p.groups(t.value); groups != nil {
		return groups, nil
	}
	if strings.Contains(t.value, "{") {
		tmpl, err := parseTemplate(t, p, src)
		if err != nil {
			return nil, err
		}
		if groups, ok := tmpl.only(); ok {
			return groups, nil
		}
	}
	return nil, src.fault(t, 0, "the pattern has no group %q%s", t.value, nearNames(t.value, p.groupNames()))
}

func (s *series) setUnit(t text, src *source) error {
	s.value.unit = unit{mul: 1}
	if !t.given() {
		return nil
	}
	if s.kind == metric.Set {
		return src.fault(t, 0, "a set has no unit")
	}
	if s.value.auto = t.value == autoUnit; s.value.auto {
		return nil
	}
	u, ok := unitOf([]byte(t.value))
	if !ok || t.value == "" {
		return src.fault(t, 0, "unknown unit %q%s; the units are %s", t.value, nearNames(t.value, unitNames), strings.Join(unitNames, " "))
	}
	if s.kind == metric.Timer && !u.time {
		return src.fault(t, 0, "a timer is a duration, and %s is none; sizes are counters or gauges", t.value)
	}
	s.value.unit = u
	if s.value.groups == nil {
		s.value.number = u.apply(s.value.number)
	}
	return nil
}

// register makes the series known to rec.
func (s *series) register(name text, tags entries, p *pattern, src *source, rec *metric.Recorder) error {
	fixed, isFixed := s.name.fixed()
	if len(tags) == 0 {
		if isFixed {
			s.id, s.name = rec.Series(fixed, s.kind, metric.Shortest), nil
		}
		return nil
	}
	if !isFixed {
		return src.fault(name, 0, "a name with {group} cannot have tags too")
	}
	s.name = nil
	slices.SortFunc(tags, func(a, b entry) int { return cmp.Compare(a.key.value, b.key.value) })
	var keys []string
	for _, t := range tags {
		if !metric.ValidName(t.key.value) || strings.Contains(t.key.value, ".") {
			return src.fault(t.key, 0, "%q cannot be a tag's name", t.key.value)
		}
		tmpl, err := tagTemplate(t.value, p, src)
		if err != nil {
			return err
		}
		keys = append(keys, t.key.value)
		s.tags = append(s.tags, tmpl)
	}
	s.family = rec.Family(fixed, s.kind, keys...)
	s.texts, s.joined = make([][]byte, len(keys)), make([][]byte, len(keys))
	return nil
}

// tagTemplate reads "GROUP" or text with "{GROUP}" in it.
func tagTemplate(t text, p *pattern, src *source) (template, error) {
	if strings.Contains(t.value, "{") {
		return parseTemplate(t, p, src)
	}
	groups, err := groupsOf(t, p, src)
	return template{{groups: groups}}, err
}

// record records what a match gives s, and reports whether its value could be
// decoded.
func (e *Engine) record(s *series, line []byte, loc []int, rec *metric.Recorder) bool {
	if s.kind == metric.Set {
		if member := capture(line, loc, s.value.groups); len(member) > 0 {
			rec.Add(e.id(s, line, loc, rec), member)
		}
		return true
	}
	if s.one {
		rec.Inc(e.id(s, line, loc, rec), 1)
		return true
	}
	v, state := s.value.read(line, loc, s.kind)
	if state == valueGood {
		rec.Observe(e.id(s, line, loc, rec), v)
	}
	return state != valueBad
}

// id returns the series of s for a match.
func (e *Engine) id(s *series, line []byte, loc []int, rec *metric.Recorder) metric.ID {
	switch {
	case s.family != nil:
		for i, t := range s.tags {
			if groups, ok := t.only(); ok {
				s.texts[i] = capture(line, loc, groups)
				continue
			}
			s.joined[i] = t.append(s.joined[i][:0], line, loc, false)
			s.texts[i] = s.joined[i]
		}
		return s.family.ID(s.texts...)
	case s.name != nil:
		e.name = s.name.append(e.name[:0], line, loc, true)
		return rec.SeriesBytes(e.name, s.kind)
	}
	return s.id
}
