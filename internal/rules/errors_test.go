package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/rules"
	"github.com/logmetrics/logmetrics/metric"
)

// Each case holds ^ under the place that the error must name, and the words
// that it must say.
func TestFaultsNameTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"syntax of the pattern", `
rules:
  - match: 'a(b'
             ^
    metrics: [{counter: n}]
`, "missing closing )"},
		{"class", `
rules:
  - match: 'xx[z-a]'
               ^
    metrics: [{counter: n}]
`, "invalid character class range in the pattern: z-a"},
		{"repeat", `
rules:
  - match: 'x*** %{IP:a}'
             ^
    metrics: [{counter: n}]
`, "invalid nested repetition operator"},
		{"unknown grok name", `
rules:
  - match: 'x %{IPP:client}'
              ^
    metrics: [{counter: n}]
`, `unknown grok pattern "IPP" (near: IP`},
		{"grok in a circle", `
patterns: {AA: 'x%{BB}', BB: '%{AA}'}
rules:
  - match: '%{AA:x}'
            ^
    metrics: [{counter: n}]
`, "grok pattern AA contains itself: AA > BB > AA"},
		{"grok unclosed", `
rules:
  - match: 'a %{IP:client'
              ^
    metrics: [{counter: n}]
`, "%{ without }"},
		{"unknown key", `
rules:
  - match: 'a'
    wenn: b
    ^
    metrics: [{counter: n}]
`, "unknown field"},
		{"key twice", `
rules:
  - match: 'a'
    match: 'b'
    ^
    metrics: [{counter: n}]
`, "already defined"},
		{"no pattern", `
rules:
  - metrics: [{counter: n}]
                        ^
`, "needs match"},
		{"no metrics", `
rules:
  - match: abc
           ^
`, "needs metrics"},
		{"two kinds", `
rules:
  - match: 'a'
    metrics: [{counter: n, gauge: g}]
                                  ^
`, "one of counter, gauge, timer or set"},
		{"no value", `
rules:
  - match: 'a'
    metrics: [{timer: took}]
                      ^
`, "a timer needs value: GROUP"},
		{"unknown value", `
rules:
  - match: '(?P<bytes>a)'
    metrics: [{counter: n, value: byts}]
                                  ^
`, `no group "byts" (near: bytes)`},
		{"unknown group in a name", `
rules:
  - match: '(?P<status>a)'
    metrics: [{counter: 'n.{stat}'}]
                            ^
`, `no group "stat" (near: status)`},
		{"unknown tag group", `
rules:
  - match: '(?P<status>a)'
    metrics: [{counter: n, tags: {s: statuss}}]
                                     ^
`, `no group "statuss"`},
		{"name and tags", `
rules:
  - match: '(?P<s>a)'
    metrics: [{counter: 'n.{s}', tags: {s: s}}]
                         ^
`, "cannot have tags"},
		{"bad name", `
rules:
  - match: 'a'
    metrics: [{counter: 'a b'}]
                         ^
`, "cannot be a name"},
		{"two kinds of one name", `
rules:
  - match: 'a'
    metrics: [{counter: n}, {gauge: n, value: 1}]
                                    ^
`, `"n" is a counter already`},
		{"unit", `
rules:
  - match: '(a)'
    metrics: [{timer: n, value: '{1}', unit: mss}]
                                             ^
`, `unknown unit "mss" (near:`},
		{"unit of a timer", `
rules:
  - match: '(a)'
    metrics: [{timer: n, value: '{1}', unit: KiB}]
                                             ^
`, "a timer is a duration"},
		{"derived of an unknown metric", `
rules: [{match: 'a', metrics: [{counter: deferred}]}]
derived:
  pct: 100 * deferrd / 2
             ^
`, "no rule records deferrd (near: deferred)"},
		{"derived syntax", `
rules: [{match: 'a', metrics: [{counter: n}]}]
derived:
  pct: '100 * (n + '
                  ^
`, "derived pct"},
		{"derived function", `
rules: [{match: 'a', metrics: [{counter: n}]}]
derived:
  pct: 1 + avg(n)
           ^
`, "no rule records avg"},
		{"derived text", `
rules: [{match: 'a', metrics: [{counter: n}]}]
derived:
  pct: '"x"'
        ^
`, "derived pct"},
		{"derived name", `
rules: [{match: 'a', metrics: [{counter: n}]}]
derived:
  n: n + 1
  ^
`, `"n" is the name of a counter`},
		{"time", `
time: rfc3146
      ^
rules: []
`, `unknown time layout "rfc3146" (near: rfc3164)`},
		{"double quotes", `
rules:
  - match: "\bfoo"
           ^
    metrics: [{counter: n}]
`, "use single quotes"},
		{"backslash in double quotes", `
rules:
  - match: "\d foo"
             ^
    metrics: [{counter: n}]
`, "single quotes"},
		{"not a list", `
rules:
  match: [a, b]
       ^
`, "sequence is expected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			yaml, line, col := cutCaret(tt.yaml)
			var c rules.Config
			err := c.Parse("my.yaml", []byte(yaml))
			if err == nil {
				_, err = rules.New(&c, rules.Options{}, metric.NewRecorder(metric.RecorderOptions{}))
			}
			var fault *rules.Error
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, [2]int{line, col}, [2]int{fault.Line, fault.Column}, "%v", err)
			assert.Contains(t, err.Error(), tt.want)
			assert.Contains(t, err.Error(), "my.yaml:")
		})
	}
}

// cutCaret takes the line that holds only a caret out of text, and returns the
// place above it.
func cutCaret(text string) (rest string, line, col int) {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) == "^" {
			return strings.Join(append(lines[:i:i], lines[i+1:]...), "\n"), i, len(l)
		}
	}
	return text, 0, 0
}

func TestErrorShowsTheLine(t *testing.T) {
	var c rules.Config
	err := c.Flag(metric.Counter, `n=a(b`)
	assert.EqualError(t, err, "--counter:1:4: match: missing closing ) in the pattern\n   1 | n=a(b\n     |    ^")
	assert.ErrorContains(t, c.Flag(metric.Gauge, "name"), "NAME=PATTERN")
}

func TestGrokPatternFile(t *testing.T) {
	var c rules.Config
	require.NoError(t, c.ParsePatterns("my.grok", []byte("# mine\n\nQID [0-9A-F]{10}\r\nWHO %{QID:qid}/%{WORD:who}\n")))
	require.NoError(t, c.Flag(metric.Counter, "n=%{WHO}"))
	_, got := runConfig(t, &c, rules.Options{}, "x 0123456789/ann\n")
	assert.Equal(t, []string{"n;qid=0123456789;who=ann counter 1"}, got)
	assert.ErrorContains(t, c.ParsePatterns("my.grok", []byte("A b\nnope\n")), "my.grok:2:1: a grok pattern is")
}

func FuzzRulesYAML(f *testing.F) {
	f.Add("rules: [{match: 'a(?P<x>.)', when: a, metrics: [{counter: 'n.{x}'}]}]\nderived: {d: n + 1}", "ab\n")
	f.Add("patterns: {A: '%{A}'}\nrules: [{match: '%{A:x}'}]", "")
	f.Add("time: epoch\nrules:\n  - match: |\n      x+\n    metrics: [{timer: t, value: 3, unit: ms}]", "xx")
	f.Fuzz(func(t *testing.T, yaml, log string) {
		if len(yaml) > 1000 || len(log) > 1000 {
			return
		}
		var c rules.Config
		if c.Parse("f.yaml", []byte(yaml)) != nil {
			return
		}
		rec := metric.NewRecorder(metric.RecorderOptions{})
		e, err := rules.New(&c, rules.Options{WantTime: true}, rec)
		if err != nil {
			return
		}
		n := e.Parse([]byte(log), 0, rec)
		if n.Skipped+n.Rejected > n.Lines || n.Untimed > n.Lines {
			t.Errorf("%+v", n)
		}
		flush(rec)
	})
}
