// Package schema reads storage-schemas.conf and storage-aggregation.conf, and
// tells which tiers and which method a series gets.
//
// It promises to read both files as carbon does: sections in their order, the
// first whose pattern is found anywhere in the name wins, every spelling of a
// retention, whisper's rules about archives. What carbon logs and skips (a
// section without a pattern or with tiers that do not fit) is an error here,
// with the file, the line and what to do: a rule that silently does not apply
// is found a year later, when the history is not there. Interpolation
// ("%(name)s") is not done. Start from [Default], [Load] and [Schemas].
package schema

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/metric"
)

// DefaultXFilesFactor is the share of a coarser bucket's points that must be
// there for whisper to fill it, where no rule says another.
const DefaultXFilesFactor = 0.5

// maxFileBytes bounds what Load reads; the largest such files have some
// thousand rules.
const maxFileBytes = 1 << 20

// Schemas tell which tiers and which method a series gets. They do not change
// and may be used concurrently. The zero value is [Default].
type Schemas struct {
	tiers   []tierRule   // nil: the built-in ones
	methods []methodRule // nil likewise
}

type tierRule struct {
	pattern *pattern
	tiers   Tiers
}

type methodRule struct {
	pattern *pattern
	method  metric.Method // Unset: the rule has none
	xff     float64
}

// The built-in rules, in the language of the files so that docs and code
// cannot differ in meaning. The methods are what statsd's docs advise, for its
// names and for those of the parsers.
const (
	builtinSchemas = `
[flux]
pattern = ^flux\.
retentions = 1s:3d

[default]
pattern = .*
retentions = 10s:3d,5m:90d,1h:3y
`
	builtinAggregation = `
[lower]
pattern = \.lower$
xFilesFactor = 0.1
aggregationMethod = min

[upper]
pattern = \.upper(_\d+)?$
xFilesFactor = 0.1
aggregationMethod = max

[count]
pattern = \.count$
xFilesFactor = 0
aggregationMethod = sum

[stats_counts]
pattern = ^stats_counts\.
xFilesFactor = 0
aggregationMethod = sum
`
)

var builtin = lazy.Value[Schemas]{Make: func() Schemas {
	s, err := Parse(File{"built-in schemas", builtinSchemas}, File{"built-in aggregation", builtinAggregation})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return s
}}

// fallback is what carbon gives a name that no rule of the file matches.
var fallback = Tiers{{Step: 60, Keep: 60 * 10080}}

// Default returns the built-in rules: 10s:3d,5m:90d,1h:3y, before that 1s:3d
// for ^flux\., and statsd's advice about methods.
func Default() Schemas { return builtin.Get() }

// Load reads the files; "" stands for the built-in rules. After an error, which
// holds an [*Error] for each fault of the files, nothing is to be used.
func Load(schemas, aggregation string) (Schemas, error) {
	a, err1 := readFile(schemas)
	b, err2 := readFile(aggregation)
	if err := errors.Join(err1, err2); err != nil {
		return Schemas{}, err
	}
	return Parse(a, b)
}

func readFile(path string) (File, error) {
	if path == "" {
		return File{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("read rules: %w", err)
	}
	defer f.Close() // read only: nothing to lose
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read rules %q: %w", path, err)
	}
	if len(text) > maxFileBytes {
		return File{}, fmt.Errorf("read rules %q: longer than %d bytes, so it is no file of rules", path, maxFileBytes)
	}
	return File{path, string(text)}, nil
}

// Parse makes Schemas of the text of both files. A File without a name stands
// for the built-in rules. A name that no rule of a given schemas file matches
// gets what carbon gives it, a point a minute for seven days.
func Parse(schemas, aggregation File) (s Schemas, err error) {
	var err1, err2 error
	if schemas.Name != "" {
		s.tiers, err1 = parseTierRules(schemas)
	}
	if aggregation.Name != "" {
		s.methods, err2 = parseMethodRules(aggregation)
	}
	if err := errors.Join(err1, err2); err != nil {
		return Schemas{}, err
	}
	return s, nil
}

func (s Schemas) tierRules() []tierRule {
	if s.tiers == nil {
		return builtin.Get().tiers
	}
	return s.tiers
}

func (s Schemas) methodRules() []methodRule {
	if s.methods == nil {
		return builtin.Get().methods
	}
	return s.methods
}

// Tiers returns the tiers of a series by the first rule that matches. name is
// canonical, with its tags. The slice must not be changed.
func (s Schemas) Tiers(name string) Tiers {
	for _, r := range s.tierRules() {
		if r.pattern.found(name) {
			return r.tiers
		}
	}
	return fallback
}

// Method returns the method of a series by the first rule that matches;
// [metric.Unset] when there is none, or when it names none.
func (s Schemas) Method(name string) metric.Method {
	r, _ := s.methodRule(name)
	return r.method
}

// XFilesFactor returns the share of points, 0 to 1, that the first rule that
// matches asks for. The store itself has no use for it: it feeds coarser tiers
// from every sample. Whisper files that are written carry it.
func (s Schemas) XFilesFactor(name string) float64 {
	if r, ok := s.methodRule(name); ok {
		return r.xff
	}
	return DefaultXFilesFactor
}

func (s Schemas) methodRule(name string) (methodRule, bool) {
	for _, r := range s.methodRules() {
		if r.pattern.found(name) {
			return r, true
		}
	}
	return methodRule{}, false
}

// Exhausted lists the patterns that are not searched for any more, because
// names took them to their time limit too often; see the docs about patterns
// with look-around. Each is worth a line in the log, once.
func (s Schemas) Exhausted() (patterns []string) {
	for _, r := range s.tierRules() {
		if r.pattern.exhausted() {
			patterns = append(patterns, r.pattern.text)
		}
	}
	for _, r := range s.methodRules() {
		if r.pattern.exhausted() {
			patterns = append(patterns, r.pattern.text)
		}
	}
	return patterns
}
