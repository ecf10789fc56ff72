package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/parsers"
)

// These tests hold what the documentation says to what the program does.

const root = "../../"

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(root + name)
	require.NoError(t, err)
	return string(text)
}

// minute is a cron job a minute after its first run. It has one worker: with
// several the last digit of a sum depends on who read what.
type minute struct {
	t     *testing.T
	log   string // its path
	state string
}

// newMinute returns a minute in which the log gains the given text.
func newMinute(t *testing.T, text string) *minute {
	t.Helper()
	dir := t.TempDir()
	m := &minute{t: t, log: filepath.Join(dir, "log"), state: filepath.Join(dir, "state")}
	require.NoError(t, os.WriteFile(m.log, nil, 0o600))
	m.run(0, "--job=j", "-o", "stdout", "SyslogParser")
	require.NoError(t, os.WriteFile(m.log, []byte(text), 0o600))
	return m
}

// sends returns the lines that the second run would send: flags and parser.
func (m *minute) sends(args ...string) []string {
	m.t.Helper()
	text := m.run(60, append([]string{"--dry-run", "--job=j"}, args...)...)
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(text), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
}

func (m *minute) run(sec int64, args ...string) string {
	m.t.Helper()
	var stdout, stderr strings.Builder
	now := time.Unix(1795230600+sec, 0)
	c := &console{stdout: &stdout, stderr: &stderr, now: func() time.Time { return now }}
	code := c.main(m.t.Context(), append([]string{"-s", m.state, "--timezone=UTC", "--workers=1"}, append(args, m.log)...))
	require.Zero(m.t, code, "%q: %s", args, stderr.String())
	return stdout.String()
}

var testName = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)")

// TestTestsInTheDocsAreThere: a page that names a test as a proof names one that
// there is.
func TestTestsInTheDocsAreThere(t *testing.T) {
	tests := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
		}
		return err
	}))
	pages, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
			assert.True(t, tests[m[1]], "%s names %s, which there is not", page, m[1])
		}
	}
}

var listed = regexp.MustCompile("(?m)^(- .*|\\[.*|\\| [`0-9].*)$")

// TestNoLineStandsTwice in lists to which many add.
func TestNoLineStandsTwice(t *testing.T) {
	for _, page := range []string{"CHANGELOG.md", "README.md", "docs/decisions/README.md", "docs/architecture.md"} {
		seen := make(map[string]bool)
		for _, line := range listed.FindAllString(readDoc(t, page), -1) {
			first, _, _ := strings.Cut(line, " · ")
			assert.False(t, seen[first], "%s: %s", page, line)
			seen[first] = true
		}
	}
}

// TestEachFlagIsInTheDocs: no flag and no command without a word in docs/.
func TestEachFlagIsInTheDocs(t *testing.T) {
	pages, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	var all strings.Builder
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		all.Write(text)
	}
	c := &console{}
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	text := all.String()
	for _, f := range allFlags(app.Model.Node) {
		assert.True(t, regexp.MustCompile("--"+f.Name+`\b`).MatchString(text), "--%s is in no page of docs/", f.Name)
		if f.Short != 0 {
			assert.True(t, regexp.MustCompile(fmt.Sprintf("`-%c[/`, ].*--%s", f.Short, f.Name)).MatchString(text), "-%c is in no page of docs/ beside --%s", f.Short, f.Name)
		}
	}
	for _, name := range commandNames {
		assert.True(t, strings.Contains(text, "logmetrics "+name), "the command %s is in no page of docs/", name)
	}
}

// TestEachParserIsInTheReadme holds the README's table to the program's.
func TestEachParserIsInTheReadme(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `(\\w+Parser)` \\| (?:`(\\w+)`)? *\\|")
	var got, want []string
	for _, m := range row.FindAllStringSubmatch(readDoc(t, "README.md"), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	for _, f := range parsers.Table() {
		want = append(want, f.Name+" "+f.Alias)
	}
	assert.ElementsMatch(t, want, got)
}

// examplesOfLogs have a line for each series that the table of names shows.
var examplesOfLogs = map[string]struct {
	options, log string
}{
	"PostfixParser": {log: `Nov 21 03:10:01 mx postfix/smtp[9]: 4XAAA: to=<a@example.com>, relay=m.example.com[192.0.2.1]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, status=sent (250 ok)`},
	"AccessParser": {
		options: `--format='$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time $upstream_response_time' --by=method`,
		log:     `192.0.2.1 - - [21/Nov/2026:03:10:01 +0000] "GET / HTTP/2.0" 200 512 0.004 0.003`,
	},
	"SquidParser":  {log: `1795230601.123     52 192.0.2.1 TCP_MISS/200 4120 GET http://www.example.com/ - HIER_DIRECT/192.0.2.2 text/html`},
	"ErrorParser":  {log: `[Sat Nov 21 03:10:01.000001 2026] [core:error] [pid 9:tid 9] [client 192.0.2.1:5000] AH00126: Invalid URI in request`},
	"Log4jParser":  {log: "2026-11-21 03:10:01,123 ERROR [main] org.example.Shop - lost\n2026-11-21 03:10:02,123 INFO [main] org.example.Shop - found"},
	"JsonParser":   {options: "--timer=took:ms --set=user", log: `{"took":12,"user":"a","pool":{"size":4}}`},
	"MetricParser": {log: "METRIC_COUNT metric=orders value=3\nMETRIC_TIME metric=latency value=120ms"},
	"SyslogParser": {log: `<22>Nov 21 03:10:01 mx postfix/smtp[9]: hello`},
	"RegexParser":  {options: `--counter='orders=order' --gauge='pool=pool (\d+)' --timer='took:ms=took (\d+)' --set='users=user (\w+)'`, log: "order by user a took 12, pool 4"},
}

const namesBegin, namesEnd = "<!-- names -->\n", "<!-- end of names -->\n"

// TestNamesOfOutputs holds the table of resulting names in docs/outputs.md to
// what a dry run prints.
func TestNamesOfOutputs(t *testing.T) {
	const page = "docs/outputs.md"
	text := readDoc(t, page)
	head, rest, ok := strings.Cut(text, namesBegin)
	require.True(t, ok)
	table, tail, ok := strings.Cut(rest, namesEnd)
	require.True(t, ok)
	var want strings.Builder
	for _, f := range parsers.Table() {
		want.WriteString(namesTable(t, f.Name, f.Name))
		if f.Alias != "" {
			want.WriteString(namesTable(t, f.Alias, f.Name))
		}
	}
	if testutil.Update() {
		require.NoError(t, os.WriteFile(root+page, []byte(head+namesBegin+want.String()+namesEnd+tail), 0o644))
		return
	}
	assert.Equal(t, want.String(), table, "go test ./cmd/logmetrics -run TestNamesOfOutputs -update rewrites it")
}

// namesTable returns the section of one parser name.
func namesTable(t *testing.T, name, parser string) string {
	example, ok := examplesOfLogs[parser]
	require.True(t, ok, "no log for %s", parser)
	args := []string{"-p", "web1", name}
	if example.options != "" && name == parser {
		args = append([]string{"--parser-options", example.options}, args...)
	}
	m := newMinute(t, example.log+"\n")
	stdout := fields(m.sends(append([]string{"-o", "stdout"}, args...)...), 1)
	graphite := fields(m.sends(append([]string{"-o", "graphite"}, args...)...), 0)
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n", name)
	if example.options != "" && name == parser {
		fmt.Fprintf(&b, "With `%s`.\n\n", example.options)
	}
	b.WriteString("| stdout | graphite | statsd | behind statsd | without `legacyNamespace` |\n|---|---|---|---|---|\n")
	for _, line := range m.sends(append([]string{"-o", "statsd"}, args...)...) {
		sent, rest, _ := strings.Cut(line, ":")
		kind := rest[strings.LastIndexByte(rest, '|')+1:]
		onStdout, onGraphite := strings.Replace(sent, ".", "_", 1), sent
		note := ""
		if kind == "ms" {
			note = " to `.p99`"
			onStdout, onGraphite = onStdout+".count", onGraphite+".count"
		}
		require.Contains(t, stdout, onStdout)
		require.Contains(t, graphite, onGraphite)
		old, now := behindStatsd(t, sent, kind)
		fmt.Fprintf(&b, "| `%s`%s | `%s`%s | `%s:…\\|%s` | %s | %s |\n", onStdout, note, onGraphite, note, sent, kind, old, now)
	}
	return b.String()
}

// fields returns field n of each line.
func fields(lines []string, n int) (list []string) {
	for _, line := range lines {
		list = append(list, strings.Fields(line)[n])
	}
	return list
}

// behindStatsd says under which names node's statsd hands a metric on to
// Graphite, with its legacy namespace and without.
func behindStatsd(t *testing.T, name, kind string) (legacy, plain string) {
	switch kind {
	case "c":
		return "`stats_counts." + name + "`, `stats." + name + "`", "`stats.counters." + name + ".count`, `.rate`"
	case "g":
		return "`stats.gauges." + name + "`", "the same"
	case "ms":
		return "`stats.timers." + name + ".mean` ...", "the same"
	case "s":
		return "`stats.sets." + name + ".count`", "the same"
	}
	require.Fail(t, "kind", kind)
	return "", ""
}

// TestCommandLinePage holds the rows of docs/command-line.md to the flags and
// their defaults.
func TestCommandLinePage(t *testing.T) {
	c := &console{}
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	var want []string
	for _, f := range allFlags(app.Model.Node) {
		short := ""
		if f.Short != 0 {
			short = "-" + string(f.Short)
		}
		want = append(want, strings.Join([]string{short, f.Name, f.Default}, " "))
	}
	row := regexp.MustCompile("(?m)^\\| (?:`(-\\w)`, )?`--([a-z-]+)[^`]*` \\| (?:`([^`]*)`)? *\\|")
	var got []string
	for _, m := range row.FindAllStringSubmatch(readDoc(t, "docs/command-line.md"), -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	assert.ElementsMatch(t, want, got)
}

// TestSelfMetricsAreInTheDocs holds the table of the run's own account to a run.
func TestSelfMetricsAreInTheDocs(t *testing.T) {
	m := newMinute(t, "")
	var want []string
	for _, name := range fields(strings.Split(strings.TrimSpace(m.run(60, "--job=j", "--self-metrics", "-o", "stdout", "SyslogParser")), "\n"), 1) {
		if own, ok := strings.CutPrefix(name, "logmetrics."); ok {
			want = append(want, own)
		}
	}
	_, section, _ := strings.Cut(readDoc(t, "docs/operating.md"), "## What the tool says of itself")
	section, _, _ = strings.Cut(section, "\n## ")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| (`\\w+`(?:, `\\w+`)*) \\| (counter|gauge)\\b").FindAllStringSubmatch(section, -1) {
		got = append(got, strings.Split(strings.ReplaceAll(m[1], "`", ""), ", ")...)
	}
	assert.ElementsMatch(t, want, got)
}

// TestMessagesInTheDocs: what docs/operating.md says stderr may say is in the code.
func TestMessagesInTheDocs(t *testing.T) {
	_, section, _ := strings.Cut(readDoc(t, "docs/operating.md"), "## Messages")
	section, _, _ = strings.Cut(section, "\n## ")
	var source strings.Builder
	for _, pattern := range []string{"cmd/*/*.go", "internal/*/*.go", "state/*.go"} {
		names, err := filepath.Glob(root + pattern)
		require.NoError(t, err)
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				source.WriteString(readDoc(t, strings.TrimPrefix(name, root)))
			}
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1)
	require.Greater(t, len(rows), 8)
	for _, row := range rows {
		assert.True(t, strings.Contains(source.String(), row[1]), "nothing says %q", row[1])
	}
}

// elsewhere are flags in the docs that are other programs', or Logster's and
// not here.
var elsewhere = []string{"now", "aws-key", "aws-secret-key", "name", "value", "type", "units", "web"}

// TestFlagsInTheDocsAreThere: the docs name no flag and no parser option that
// there is not.
func TestFlagsInTheDocsAreThere(t *testing.T) {
	c := &console{}
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	known := slices.Clone(elsewhere)
	for _, f := range allFlags(app.Model.Node) {
		known = append(known, f.Name)
		if f.Tag.Negatable != "" {
			known = append(known, "no-"+f.Name)
		}
	}
	word := regexp.MustCompile(`(?:^|[^-\w])--([a-z][a-z-]+)`)
	for _, f := range parsers.Table() {
		usage, err := parserUsage(f, false)
		require.NoError(t, err)
		logsters, err := parserUsage(f, f.Alias != "")
		require.NoError(t, err)
		for _, m := range word.FindAllStringSubmatch(usage+logsters, -1) {
			known = append(known, m[1])
		}
	}
	pages, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, root+"README.md") {
		for _, m := range word.FindAllStringSubmatch(readDoc(t, strings.TrimPrefix(page, root)), -1) {
			assert.Contains(t, known, m[1], page)
		}
	}
}
