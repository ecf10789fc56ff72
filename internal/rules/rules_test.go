package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/rules"
	"github.com/logmetrics/logmetrics/metric"
)

// run applies the rules in yaml to a log and returns what comes of it, one
// sample a line: name;tag=value kind value.
func run(t testing.TB, yaml, log string) (rules.Counts, []string) {
	t.Helper()
	var c rules.Config
	require.NoError(t, c.Parse("rules.yaml", []byte(yaml)))
	return runConfig(t, &c, rules.Options{}, log)
}

func runConfig(t testing.TB, c *rules.Config, opt rules.Options, log string) (rules.Counts, []string) {
	t.Helper()
	rec := metric.NewRecorder(metric.RecorderOptions{})
	e, err := rules.New(c, opt, rec)
	require.NoError(t, err)
	rec.Block(1)
	n := e.Parse([]byte(log), 0, rec)
	assert.Empty(t, e.Problems())
	return n, flush(rec)
}

func flush(rec *metric.Recorder) (list []string) {
	b := metric.Batch{Start: 100, End: 110}
	rec.Flush(&b)
	for _, s := range b.Samples {
		name := s.Name
		for _, tag := range s.Tags {
			name += ";" + tag.Key + "=" + tag.Value
		}
		v := s.Sum
		switch s.Kind {
		case metric.Gauge:
			v = s.Last
		case metric.Set:
			v = float64(s.Members.Estimate())
		}
		list = append(list, fmt.Sprintf("%s %s %v", name, s.Kind, v))
	}
	return list
}

func TestKindsValuesTagsAndNames(t *testing.T) {
	n, got := run(t, `
rules:
  - match: 'user=(?P<user>\w+) took (?P<ms>\S+) sent (?P<kib>\d+)KiB load (?P<load>[\d.]+)'
    metrics:
      - counter: requests
      - counter: bytes
        value: kib
        unit: KiB
      - gauge: load
        value: load
      - timer: took
        value: ms
        unit: ms
      - set: users
        value: user
      - counter: by.user
        tags: {user: user, who: 'u-{user}'}
      - counter: 'user.{user}.requests'
`, "user=ann took 250 sent 2KiB load 0.5\nuser=bob took 500 sent 1KiB load 1.5\r\nnothing\n")
	assert.Equal(t, rules.Counts{Lines: 3, Skipped: 1}, n)
	assert.Equal(t, []string{
		"requests counter 2", "bytes counter 3072", "load gauge 1.5", "took timer 0.75", "users set 2",
		"by.user;user=ann;who=u-ann counter 1", "by.user;user=bob;who=u-bob counter 1",
		"user.ann.requests counter 1", "user.bob.requests counter 1",
	}, got)
}

func TestAllRulesApplyUnlessFinal(t *testing.T) {
	const yaml = `
rules:
  - {match: 'GET', %s metrics: [{counter: gets}]}
  - {match: '/x', metrics: [{counter: xs}]}
  - {match: '\d', metrics: [{counter: digits}]}
`
	const log = "GET /x 1\nGET /y\nPUT /x\nPUT\n"
	n, got := run(t, fmt.Sprintf(yaml, ""), log)
	assert.Equal(t, rules.Counts{Lines: 4, Skipped: 1}, n)
	assert.Equal(t, []string{"gets counter 2", "xs counter 2", "digits counter 1"}, got)

	n, got = run(t, fmt.Sprintf(yaml, "final: true,"), log)
	assert.Equal(t, rules.Counts{Lines: 4, Skipped: 1}, n)
	assert.Equal(t, []string{"gets counter 2", "xs counter 1", "digits counter 0"}, got)
}

func TestWhenMustBeInTheLine(t *testing.T) {
	const log = "sshd: failed 1\nsu: failed 2\nsshd: ok 3\n"
	for _, when := range []string{"sshd", "sshd: failed", "failed"} {
		n, got := run(t, "rules: [{match: 'failed (?P<n>.)', when: '"+when+"', metrics: [{counter: n, value: n}]}]", log)
		want := 1.0
		if when == "failed" {
			want = 3
		}
		assert.Equal(t, []string{fmt.Sprint("n counter ", want)}, got, when)
		assert.Equal(t, 3, n.Lines)
	}
}

func TestValueThatIsNoNumberIsRejectedAndAnAbsentOneIsNot(t *testing.T) {
	n, got := run(t, `rules: [{match: 'n=(?P<n>\S*)', metrics: [{counter: n, value: n}, {counter: lines}]}]`,
		"n=5\nn=x\nn=-\nn=\nn=-3\nn=inf\nn=0x10\nn=1e400\nm=3\n")
	assert.Equal(t, rules.Counts{Lines: 9, Skipped: 1, Rejected: 5}, n)
	assert.Equal(t, []string{"n counter 5", "lines counter 8"}, got)
}

func TestUnits(t *testing.T) {
	for in, want := range map[string]string{
		"3ms": "0.003", "1.5 KiB": "1536", "1m30s": "90", "250": "250", "2h": "7200", "10µs": "1e-05", "1GB": "1e+09", "-4s": "-4",
	} {
		n, got := run(t, `rules: [{match: 'v=(.*)', metrics: [{gauge: v, value: '{1}', unit: auto}]}]`, "v="+in+"\n")
		assert.Zero(t, n.Rejected, in)
		assert.Equal(t, []string{"v gauge " + want}, got, in)
	}
	for _, in := range []string{"3 parsecs", "ms", "1m30q", "1 2 3 4 5 6 7 8 9", "--3s"} {
		n, _ := run(t, `rules: [{match: 'v=(.*)', metrics: [{gauge: v, value: '{1}', unit: auto}]}]`, "v="+in+"\n")
		assert.Equal(t, 1, n.Rejected, in)
	}
}

func TestGrokFieldsBecomeGroups(t *testing.T) {
	_, got := run(t, `
patterns:
  OWN: 'id=%{INT:request.id}'
rules:
  - match: '^%{IP:client} %{WORD:verb} %{OWN} %{NUMBER:took:float}s'
    metrics:
      - {timer: took, value: took, tags: {verb: verb, client: client, id: request.id}}
  - match: '%{COMBINEDAPACHELOG}'
    metrics: [{counter: bytes, value: http.response.body.size}]
`, "192.0.2.7 GET id=77 0.25s\n"+`1.2.3.4 - - [09/Oct/2025:08:53:20 +0000] "GET /x HTTP/1.1" 200 99 "-" "curl"`+"\n")
	assert.Equal(t, []string{"bytes counter 99", "took;client=192_0_2_7;id=77;verb=GET timer 0.25"}, got)
}

func TestOfGroupsWithOneNameTheOneThatMatchedCounts(t *testing.T) {
	for _, match := range []string{`a=(?P<v>\d)|b=(?P<v>\d)`, `a=%{INT:v}|b=%{INT:v}`, `(?<!x)(?:a=(?P<v>\d)|b=(?P<v>\d))`} {
		n, got := run(t, "rules: [{match: '"+match+"', metrics: [{counter: n, value: v}]}]", "a=1\nb=2\n")
		assert.Equal(t, rules.Counts{Lines: 2}, n, match)
		assert.Equal(t, []string{"n counter 3"}, got, match)
	}
}

func TestDerived(t *testing.T) {
	_, got := run(t, `
rules:
  - {match: 'sent', metrics: [{counter: mail.sent}]}
  - {match: 'deferred', metrics: [{counter: deferred}]}
  - {match: 'never', metrics: [{counter: never}, {gauge: nothing, value: 1}]}
  - {match: 'status=(?P<code>\d+)', metrics: [{counter: 'status.{code}'}]}
  - {match: 'took=(?P<t>\d+) (?P<h>\w)', metrics: [{timer: took, value: t, tags: {h: h}}]}
derived:
  pctDeferred: 100 * deferred / (mail.sent + deferred)
  perSecond: rate(mail.sent)
  byZero: deferred / never
  idle: nothing + 1
  notFound: metric("status.404") / sum(metric("status.200"))
  p50: p(took, 50)
  spread: max(took) - min(took)
  average: took - mean(took)
  cond: 'count(took) > 3 ? 1 : 0'
`, "sent\nsent\nsent\ndeferred\nstatus=404\nstatus=200\nstatus=200\ntook=1 a\ntook=2 b\ntook=9 a\ntook=4 c\n")
	var derived []string
	for _, s := range got {
		if strings.Contains(s, "gauge") {
			derived = append(derived, s)
		}
	}
	assert.Equal(t, []string{
		"nothing gauge 0",
		"pctDeferred gauge 25", "perSecond gauge 0.3", "notFound gauge 0.5", "p50 gauge 3", "spread gauge 8", "average gauge 0", "cond gauge 1",
	}, derived)
}

func TestTimeOfLines(t *testing.T) {
	for _, tt := range []struct{ time, line string }{
		{"", "2026-11-21T02:35:01Z took 5"},
		{"", `192.0.2.7 - - [21/Nov/2026:02:35:01 +0000] "GET / HTTP/1.1" took 5`},
		{"", "<13>Nov 21 02:35:01 host took 5"},
		{"time: epoch\n", "1795228501.25 took 5"},
		{"time: epoch\ntime-after: '\"ts\":'\n", `{"n":1,"ts":1795228501,"took 5"}`},
		{"time: rfc3339\n", "at 2026-11-21T02:35:01+00:00 took 5"},
	} {
		var c rules.Config
		require.NoError(t, c.Parse("r", []byte(tt.time+"rules: [{match: 'took (?P<v>.)', metrics: [{counter: n, value: v}]}]")))
		rec := metric.NewRecorder(metric.RecorderOptions{})
		e, err := rules.New(&c, rules.Options{WantTime: true, Zone: time.UTC}, rec)
		require.NoError(t, err)
		rec.Block(1)
		n := e.Parse([]byte(tt.line+"\nno stamp\n"), 1795228600, rec)
		assert.Equal(t, rules.Counts{Lines: 2, Skipped: 1, Untimed: 1}, n, tt.line)
		first, last, ok := rec.Span()
		assert.True(t, ok, tt.line)
		assert.Equal(t, [2]int64{1795228501, 1795228501}, [2]int64{first, last}, tt.line)
	}
}

func TestFlags(t *testing.T) {
	var c rules.Config
	require.NoError(t, c.Flag(metric.Counter, `hits=" (?P<status>\d{3}) (?P<value>\d+)`))
	require.NoError(t, c.Flag(metric.Counter, `lines=" (\d{3})`))
	require.NoError(t, c.Flag(metric.Counter, `by.{status}=" (?P<status>\d{3})`))
	require.NoError(t, c.Flag(metric.Timer, `took:ms=took=(\d+)`))
	require.NoError(t, c.Flag(metric.Set, `who=^(?P<client>\S+)`))
	_, got := runConfig(t, &c, rules.Options{}, "a \" 200 10 took=5\nb \" 404 7 took=6\n")
	assert.Equal(t, []string{
		"lines counter 2", "took timer 0.011", "who set 2",
		"by.200 counter 1", "by.404 counter 1", "hits;status=200 counter 10", "hits;status=404 counter 7",
	}, got)
}

// Log text gives names and tags only what metric.ValidName allows.
func TestHostileCapturesCannotInject(t *testing.T) {
	var lines strings.Builder
	for _, text := range []string{"a:1|c", "a b", "x;y=z", "../../etc", "<script>", "\x00\x1b[0m", "a\rb", "\xff\xfe", "", strings.Repeat("n.", 5000)} {
		lines.WriteString("v=" + text + "\n")
	}
	_, got := run(t, `rules: [{match: 'v=(?P<v>.*)', metrics: [{counter: 'n.{v}'}, {counter: t, tags: {v: v}}]}]`, lines.String())
	for _, s := range got {
		name, _, _ := strings.Cut(s, " ")
		name, tag, _ := strings.Cut(name, ";v=")
		assert.True(t, metric.ValidName(name), "%q", s)
		assert.True(t, tag == "" || metric.ValidName(tag), "%q", s)
		assert.LessOrEqual(t, len(name), metric.MaxNameLen)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	var c rules.Config
	require.NoError(t, c.Parse("r", []byte(`rules: [{match: 'v=(?P<v>\d+)', metrics: [{counter: 'n.{v}'}]}]`)))
	rec := metric.NewRecorder(metric.RecorderOptions{MaxSeries: 10})
	e, err := rules.New(&c, rules.Options{}, rec)
	require.NoError(t, err)
	var log bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&log, "v=%d\n", i)
	}
	rec.Block(1)
	e.Parse(log.Bytes(), 0, rec)
	dropped, _ := rec.Dropped()
	assert.NotZero(t, dropped)
	assert.Len(t, flush(rec), 11) // and the overflow
}

func TestLongLinesAreRejectedUntried(t *testing.T) {
	long := strings.Repeat("a", rules.MaxLine)
	n, _ := run(t, `rules: [{match: 'x(a+)', metrics: [{counter: n}]}]`, "x"+long+"\n"+long+long+"\nxa\n")
	assert.Equal(t, rules.Counts{Lines: 3, Skipped: 1, Rejected: 1}, n)
}

// The result does not depend on where the log is cut into blocks.
func TestAnyCutGivesTheSame(t *testing.T) {
	const yaml = `
rules:
  - {match: 'b(?P<n>\d)', metrics: [{counter: n, value: n}]}
  - {match: '(?i)c', metrics: [{counter: c}]}
`
	log := "ab1\n\nC\nb2c\r\nzz\nb3"
	want, samples := run(t, yaml, log)
	assert.Equal(t, rules.Counts{Lines: 6, Skipped: 2}, want)
	lines := strings.SplitAfter(log, "\n")
	for cut := range lines {
		var c rules.Config
		require.NoError(t, c.Parse("r", []byte(yaml)))
		rec := metric.NewRecorder(metric.RecorderOptions{})
		e, err := rules.New(&c, rules.Options{}, rec)
		require.NoError(t, err)
		a := e.Parse([]byte(strings.Join(lines[:cut], "")), 0, rec)
		b := e.Parse([]byte(strings.Join(lines[cut:], "")), 0, rec)
		assert.Equal(t, want, rules.Counts{Lines: a.Lines + b.Lines, Skipped: a.Skipped + b.Skipped})
		assert.Equal(t, samples, flush(rec))
	}
}
