package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fromLogster = "docs/from-logster.md"

var (
	parserHeading = regexp.MustCompile(`^### (\w+Logster)$`)
	figureRow     = regexp.MustCompile("^\\| `([^`]+/[^`]+)` \\| `([^`]+)` \\|.*\\|$")
)

// TestFiguresBesideLogster holds the figures in docs/from-logster.md to what
// Logster printed, which the truths of the logs record, and to a run.
func TestFiguresBesideLogster(t *testing.T) {
	parser, rows := "", 0
	known := map[string]map[string]string{}
	var want strings.Builder
	text := readDoc(t, fromLogster)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := parserHeading.FindStringSubmatch(line); m != nil {
			parser = m[1]
		}
		if m := figureRow.FindStringSubmatch(line); m != nil {
			rows++
			log, metric := m[1], m[2]
			if known[log] == nil {
				known[log] = ours(t, parser, log)
			}
			theirs, ok := logsters(t, parser, log)[metric]
			require.True(t, ok, "Logster sends no %s for %s", metric, log)
			value, ok := known[log][metric]
			require.True(t, ok, "no %s is sent for %s", metric, log)
			row := fmt.Sprintf("| `%s` | `%s` | %s | %s |", log, metric, theirs, value)
			assert.True(t, testutil.Update() || row == line, "it reads\n%s\nand should\n%s\ngo test ./cmd/logmetrics -run TestFiguresBesideLogster -update", line, row)
			line = row
		}
		want.WriteString(line + "\n")
	}
	require.Greater(t, rows, 25)
	if testutil.Update() {
		require.NoError(t, os.WriteFile(root+fromLogster, []byte(want.String()), 0o644))
	}
}

func testLog(name string) string { return root + "testdata/parsers/" + name }

// logsters returns what Logster printed for a log, by metric.
func logsters(t *testing.T, parser, log string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(testLog(log + ".truth.json"))
	require.NoError(t, err)
	var truth struct {
		Logster struct {
			Duration int `json:"duration_s"`
			Runs     []struct {
				Parser  string
				Options *string
				Stdout  []string
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &truth))
	require.Equal(t, 60, truth.Logster.Duration)
	values := map[string]string{}
	for _, run := range truth.Logster.Runs {
		if run.Parser == parser && run.Options == nil {
			collect(values, run.Stdout)
		}
	}
	return values
}

// collect adds lines of the form NAME VALUE.
func collect(values map[string]string, lines []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		values[name] = value
	}
}

// ours returns what a parser sends for a log that was written within a minute.
func ours(t *testing.T, parser, log string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(testLog(log + ".log"))
	require.NoError(t, err)
	args := []string{"-o", "stdout"}
	if options, err := os.ReadFile(testLog(log + ".args")); err == nil {
		args = append(args, "--parser-options", quoteWords(strings.Split(strings.TrimSpace(string(options)), "\n")))
	}
	lines := newMinute(t, string(text)).sends(append(args, parser)...)
	for i := range lines {
		_, lines[i], _ = strings.Cut(lines[i], " ")
	}
	values := map[string]string{}
	collect(values, lines)
	return values
}

func quoteWords(words []string) string {
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	return strings.Join(quoted, " ")
}

// logsOf are read in place of the logs that the command lines name.
var logsOf = map[string]string{
	"PostfixLogster": "postfix/real-rfc3339-first1200.log", "SquidLogster": "squid/real-common.log",
	"SampleLogster": "access/real-apache-vhost-combined.log", "ErrorLogLogster": "error/real-apache-error.log",
	"Log4jLogster": "log4j/real-log4j1-pattern.log", "MetricLogster": "metric/real-log4j-metrics.log", "JsonLogster": "json/clean-numeric.log",
}

// TestLogsterCommandLinesRun runs the command lines of docs/from-logster.md,
// dry, over logs of the tests. Each must end well and print something.
func TestLogsterCommandLinesRun(t *testing.T) {
	lines := commandLines(readDoc(t, fromLogster))
	require.Greater(t, len(lines), 9)
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			args, err := splitWords(line)
			require.NoError(t, err)
			for i, arg := range args {
				switch {
				case strings.HasPrefix(arg, "/var/log/"):
					args[i] = testLog(logsOf[args[i-1][strings.LastIndexByte(args[i-1], '.')+1:]])
				case strings.HasPrefix(arg, "/var/tmp/"):
					args[i] = t.TempDir()
				}
			}
			if !slices.Contains(args, "-s") {
				t.Setenv("LOGMETRICS_STATE_DIR", t.TempDir())
			}
			var stdout, stderr strings.Builder
			c := &console{stdout: &stdout, stderr: &stderr, now: time.Now}
			if !slices.Contains(args, "--parser-help") {
				args = append([]string{"--dry-run"}, slices.DeleteFunc(args, func(arg string) bool { return arg == "-d" })...)
			}
			assert.Zero(t, c.main(t.Context(), args), stderr.String())
			assert.NotEmpty(t, stdout.String())
		})
	}
}
