package rules

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

func compileText(t testing.TB, match string) *pattern {
	t.Helper()
	p, err := tryCompile(match)
	require.NoError(t, err)
	return p
}

func tryCompile(match string) (*pattern, error) {
	r := ruleSpec{src: newSource("test", match), Match: text{match, 1, 1}}
	return compilePattern(&r, new(Config))
}

func TestEngines(t *testing.T) {
	for _, tt := range []struct {
		match     string
		std, back bool
	}{
		{`a(b)?c`, true, true},
		{`(?P<n>\d+) \pL (?i)x$`, true, true},
		{`(a*)*`, true, false},
		{`(?:a|b*)+c`, true, false},
		{`(a?){2,3}`, true, false},
		{`(\s*x)?`, true, true},
		{`(a*)?b`, true, false},
		{`a(?=b)`, false, true},
		{`(?<!x)a`, false, true},
		{`(?P<q>["'])x\1`, false, true},
		{`a++b`, false, true},
	} {
		p := compileText(t, tt.match)
		assert.Equal(t, tt.std, p.std != nil, "%s: Go's", tt.match)
		assert.Equal(t, tt.back, p.back != nil, "%s: regexp2", tt.match)
	}
}

func TestRequiredLiteral(t *testing.T) {
	for _, tt := range []struct {
		match, literal string
		before         int
	}{
		{`abc`, "abc", 0},
		{`^\d{3} GET (/\S*) x`, " GET /", -1},
		{`\d+ GET`, " GET", -1},
		{`(?P<m>GET|PUT) /`, " /", 3},
		{`"(?P<m>GET) /x`, `"GET /x`, 0},
		{`(?i)abc`, "", -1},
		{`(?i:abc)defg`, "defg", 3},
		{`(abc)+d`, "abc", 0},
		{`(abc)*d`, "d", -1},
		{`(abc){0,2}d`, "d", 6},
		{`(?:x(long text)){2}`, "xlong text", 0},
		{`a|b`, "", -1},
		{`\d*`, "", -1},
		{"a\uFFFDbc", "", -1},
		{`é+\d`, "é", 0},
		{`.é{2}xyz`, "xyz", 3},
		{`[.]log`, ".log", 0},
		{`\bfoo\b \w+ bar baz`, " bar baz", -1},
	} {
		p := compileText(t, tt.match)
		assert.Equal(t, tt.literal, p.literal, tt.match)
		if tt.literal != "" {
			assert.Equal(t, tt.before, p.before, tt.match)
		}
	}
}

// checkEngines fails when the matcher and Go's regexp differ on the line, by
// what they find or where the groups are.
func checkEngines(t *testing.T, p *pattern, line string) {
	t.Helper()
	want := p.std.FindStringSubmatchIndex(line)
	m := newMatcher(p)
	var text lineText
	text.reset([]byte(line))
	from := 0
	if hit := strings.Index(line, p.literal); hit < 0 {
		assert.Nil(t, want, "%q has no %q, which every match of %s contains", line, p.literal, p.std)
	} else if p.before >= 0 {
		from = max(0, hit-p.before)
	}
	if m.match(&text, from) == unmatched {
		assert.Nil(t, want, "%s on %q", p.std, line)
		return
	}
	assert.Equal(t, want, m.loc, "%s on %q", p.std, line)
}

func FuzzRulesEngines(f *testing.F) {
	for _, seed := range [][2]string{
		{`HTTP/1\.1" (?P<status>\d{3}) (\d+)`, `GET / HTTP/1.1" 200 1234 x`},
		{`(a|ab)(c|bcd)(d*)`, "abcd"},
		{`(?i)k\b`, "xK k\u212a"},
		{`\bfoo\b`, "xfoo foo"},
		{`^(?:\S+ ){2}(.*?)(\d+)?$`, "a b c 12"},
		{`(a+)(b+)?.{2,3}c`, "aabxxc aabbxc"},
		{`(x*)(?:y|(z))+?`, "xxyzz"},
		{`[^a-c\d]+[[:space:]]\x41\Q[]\E`, "zz A[]"},
		{`(?s).\z`, "ab\r"},
		{`(a{1,2}){1,3}`, "aaaaa"},
		{`(|a)+b`, "aab"},
		{`é(.)`, "aéb"},
		{`(?U)a+(b*)`, "aabb"},
		{`(?m)^a$|b`, "xa b"},
		{`\B.\B`, "a b cc"},
		{`\bw.rt\b|(\S+)`, "\u00e9 w\u00f6rt \u00fc\xff"},
		{`(?i)\bmask`, "xma\u017f\u212a \u00e9mask"},
		{`[^a]{2}$`, "a\u00fc\xc3"},
		{`%{IPV4:ip}`, "300.1.2.3 1.2.3.4"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, match, line string) {
		if len(match) > 200 || len(line) > 500 || strings.Contains(line, "\n") {
			return
		}
		p, err := tryCompile(match)
		if err != nil || p.std == nil {
			return
		}
		checkEngines(t, p, line)
	})
}

// Random patterns of a small grammar reach what a fuzzer seldom writes.
func TestEnginesAgreeOnRandomPatterns(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	both := 0
	for range 3000 {
		match := randomPattern(r, 4)
		if _, err := regexp.Compile(match); err != nil {
			continue
		}
		p := compileText(t, match)
		if p.back != nil {
			both++
		}
		for range 4 {
			checkEngines(t, p, randomText(r))
		}
		if t.Failed() {
			return
		}
	}
	assert.Greater(t, both, 500, "patterns that both engines ran")
}

func randomPattern(r *rand.Rand, depth int) string {
	atoms := []string{"a", "b", "ab", ".", "[^a]", `\w`, `\b`, "^", "$", "(?i:B)", `\d+`, "1", " ", `\S*`}
	if depth == 0 {
		return atoms[r.IntN(len(atoms))]
	}
	sub := func() string { return randomPattern(r, depth-1) }
	switch r.IntN(7) {
	case 0:
		return "(" + sub() + ")"
	case 1:
		return "(?:" + sub() + "|" + sub() + ")"
	case 2:
		return "(?:" + sub() + ")" + []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?"}[r.IntN(9)]
	case 3:
		return atoms[r.IntN(len(atoms))]
	}
	return sub() + sub()
}

func randomText(r *rand.Rand) string {
	b := make([]byte, r.IntN(16))
	for i := range b {
		b[i] = "aabbAB12 _-\xc3"[r.IntN(12)]
	}
	if r.IntN(3) == 0 {
		return string(b) + []string{"é", "a\u017f", "\u212ab", "ü b1"}[r.IntN(4)] + string(b)
	}
	return string(b)
}

func TestUniform(t *testing.T) {
	for match, want := range map[string]bool{
		`a\b[^x]\S.(?i:ab)`: true, `é`: false, `\pL`: false, `(?i)k`: false, `(?i)[a-z]`: false, `[^é]`: false, `(x|[^\x00-\x7f])`: true,
	} {
		assert.Equal(t, want, compileText(t, match).uniform, match)
	}
}

// Rules that look at different parts of one line do not disturb each other.
func TestRulesShareTheLine(t *testing.T) {
	e, rec := engine(t, `
rules:
  - {match: 'late(\d)', metrics: [{counter: a, value: '{1}'}]}
  - {match: '^(\d).*late', metrics: [{counter: b, value: '{1}'}]}
  - {match: '(?<=y)(\d)', metrics: [{counter: c, value: '{1}'}]}
  - {match: 'x(\d)', metrics: [{counter: d, value: '{1}'}]}
  - {match: 'late(\d)$', metrics: [{counter: e, value: '{1}'}]}
`)
	for i, log := range []string{"1 x2 y3 late4\n", "1 ü x2 y3 late4\n", "1 x2 y3 ü late4\n"} {
		assert.Equal(t, Counts{Lines: 1}, e.Parse([]byte(log), 0, rec))
		b := metric.Batch{}
		rec.Flush(&b)
		var got []float64
		for _, s := range b.Samples {
			got = append(got, s.Sum)
		}
		assert.Equal(t, []float64{4, 1, 3, 2, 4}, got, i)
	}
}

func TestLookaroundGivesByteOffsetsOnUTF8(t *testing.T) {
	m := newMatcher(compileText(t, `(?<=ü )(\S+)(?= ß)(x)?`))
	var text lineText
	text.reset([]byte("é\xff ü wört ß"))
	require.Equal(t, matched, m.match(&text, 0))
	assert.Equal(t, "wört", string(capture(text.line, m.loc, []int{1})))
	assert.Nil(t, capture(text.line, m.loc, []int{2}))
}

// A pattern that only regexp2 can run and that explodes rejects its lines
// within the limit, and in the end disables its rule and says so.
func TestCatastrophicPatternIsStoppedAndDisabled(t *testing.T) {
	t.Parallel() // it waits for time limits
	e, rec := engine(t, `rules: [{match: '^(?=a)(a+)+$', metrics: [{counter: n}]}]`)
	line := strings.Repeat("a", 40) + "!\n"
	start := time.Now()
	n := e.Parse([]byte(line), 0, rec)
	assert.Equal(t, Counts{Lines: 1, Rejected: 1}, n)
	assert.Less(t, time.Since(start), 3*time.Second)
	assert.Empty(t, e.Problems())

	n = e.Parse([]byte(strings.Repeat(line, maxTimeouts+5)), 0, rec)
	assert.Equal(t, Counts{Lines: maxTimeouts + 5, Rejected: maxTimeouts - 1, Skipped: 6}, n)
	problems := e.Problems()
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "rules.yaml:1: disabled")
	assert.Empty(t, e.Problems())
	assert.Equal(t, Counts{Lines: 1, Skipped: 1}, e.Parse([]byte("a\n"), 0, rec))
}

func engine(t testing.TB, yaml string) (*Engine, *metric.Recorder) {
	t.Helper()
	var c Config
	require.NoError(t, c.Parse("rules.yaml", []byte(yaml)))
	rec := metric.NewRecorder(metric.RecorderOptions{})
	e, err := New(&c, Options{}, rec)
	require.NoError(t, err)
	return e, rec
}

// A pattern that both engines know gives Go's answer on the line that takes
// regexp2 to its limit, and from then on.
func TestDemotionGivesTheRightAnswer(t *testing.T) {
	e, rec := engine(t, `rules: [{match: '^(a+)+$', metrics: [{counter: n}]}]`)
	log := strings.Repeat("a", 40) + "!\n" + strings.Repeat("a", 40) + "\naaa\n"
	assert.Equal(t, Counts{Lines: 3, Skipped: 1}, e.Parse([]byte(log), 0, rec))
	problems := e.Problems()
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "more slowly")
	assert.Nil(t, e.rules[0].matcher.back)
}

// TestHostileLinesAreBounded: no line costs more than the time limit, whatever is in it and whichever
// engine looks at it.
func TestHostileLinesAreBounded(t *testing.T) {
	patterns := map[string]string{
		"std":     `(a*)*(\(*)*[xy]`,
		"both":    `(?i)([\w.]+)\s(\d+)`,
		"look":    `(?<!x)([\w.]+)\s(\d+)`,
		"grok":    `%{URI}|%{IPORHOST}\s%{EMAILADDRESS}|%{QS}|%{TIMESTAMP_ISO8601}`,
		"literal": `aaa(b+)`,
	}
	for name, match := range patterns {
		for _, fill := range []string{"a", "(", "1.", "\xff", "\x00"} {
			for _, size := range []int{1 << 20, MaxLine - 1} {
				e, rec := engine(t, "rules: [{match: '"+match+"', metrics: [{counter: n}]}]")
				line := strings.Repeat(fill, size/len(fill)) + "\n"
				start := time.Now()
				n := e.Parse([]byte(line), 0, rec)
				took := time.Since(start)
				assert.Equal(t, 1, n.Lines)
				assert.Less(t, took, 3*time.Second, "%s on %d of %q", name, size, fill)
				t.Logf("%-8s %7d x %-6q %v", name, size, fill, took)
			}
		}
	}
}
