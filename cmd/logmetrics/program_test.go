package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInitIsCheap: cron starts the program each minute, on every machine. Memory
// is held to a limit, for it is the same everywhere; the time is shown, and
// docs/performance.md has what it is on a quiet machine.
func TestInitIsCheap(t *testing.T) {
	const maxKB, maxAllocations = 740, 3950 // more than half of it is of Pebble and what comes with it
	bin := program(t)
	costs := initCosts(t, bin)
	for range 9 {
		for pkg, c := range initCosts(t, bin) {
			least := costs[pkg] // what goes on beside it counts, too
			costs[pkg] = initCost{min(c.ms, least.ms), min(c.bytes, least.bytes), min(c.allocations, least.allocations)}
		}
	}
	var sum initCost
	for pkg, c := range costs {
		sum = initCost{sum.ms + c.ms, sum.bytes + c.bytes, sum.allocations + c.allocations}
		if strings.HasPrefix(pkg, "github.com/logmetrics/") {
			assert.LessOrEqual(t, c.bytes, 512, "%s makes tables that only some runs need: see internal/lazy", pkg)
		}
	}
	t.Logf("package init: %.3f ms, %d KB, %d allocations", sum.ms, sum.bytes/1000, sum.allocations)
	assert.LessOrEqual(t, sum.bytes/1000, maxKB, "%v", costs)
	assert.LessOrEqual(t, sum.allocations, maxAllocations, "%v", costs)
}

// TestCommandLineIsCheap: kong describes each flag to itself in 8 KB.
func TestCommandLineIsCheap(t *testing.T) {
	const maxAllocations = 3700
	for _, v := range os.Environ() { // what is set there has all flags described
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, "LOGMETRICS_") {
			t.Setenv(name, value) // and so back again
			require.NoError(t, os.Unsetenv(name))
		}
	}
	line := []string{"-p", "servers.myhost.postfix", "--output=stdout", "PostfixParser", "/var/log/mail.log"}
	allocations := math.Inf(1)
	for range 5 { // what goes on beside it counts, too
		allocations = min(allocations, testing.AllocsPerRun(1, func() {
			_, _, _, err := new(console).parse(line, nil)
			require.NoError(t, err)
		}))
	}
	t.Logf("%.0f allocations", allocations)
	assert.LessOrEqual(t, allocations, float64(maxAllocations))
}

var initClock = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, ([0-9.]+) ms clock, (\d+) bytes, (\d+) allocs`)

type initCost struct {
	ms                 float64
	bytes, allocations int
}

// initCosts are those of each package.
func initCosts(t *testing.T, bin string) map[string]initCost {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Run())
	costs := make(map[string]initCost)
	for _, line := range initClock.FindAllStringSubmatch(stderr.String(), -1) {
		ms, err := strconv.ParseFloat(line[2], 64)
		require.NoError(t, err)
		n, err := strconv.Atoi(line[3])
		require.NoError(t, err)
		k, err := strconv.Atoi(line[4])
		require.NoError(t, err)
		costs[line[1]] = initCost{ms, n, k}
	}
	require.NotEmpty(t, costs)
	return costs
}

// TestExamplesParse holds the command lines of the documentation to the
// program: every flag, parser and output in them is there.
func TestExamplesParse(t *testing.T) {
	found := 0
	pages, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	for _, file := range append(pages, root+"README.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, line := range commandLines(string(text)) {
			found++
			t.Run(filepath.Base(file)+"/"+line, func(t *testing.T) { parses(t, line) })
		}
	}
	for _, line := range commandLines(examples + shortUsage) {
		found++
		t.Run("help/"+line, func(t *testing.T) { parses(t, line) })
	}
	require.GreaterOrEqual(t, found, 3)
}

var beforeCommand = regexp.MustCompile(`^(    |  |\* \* \* \* \* |\$ )+logmetrics `)

// commandLines returns the lines that are commands of ours, without the program.
func commandLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if at := beforeCommand.FindString(line); at != "" && !strings.Contains(line, "COMMAND") && !strings.Contains(line, "PARSER") {
			lines = append(lines, strings.TrimSpace(line[len(at):]))
		}
	}
	return lines
}

func parses(t *testing.T, line string) {
	line, _, _ = strings.Cut(line, " #")
	args, err := splitWords(line)
	require.NoError(t, err)
	for i, arg := range args {
		if arg == "|" || arg == ">" || arg == "2>" || arg == "&&" {
			args = args[:i]
			break
		}
	}
	t.Setenv("LOGMETRICS_STATE_DIR", t.TempDir())
	c := &console{stdout: new(strings.Builder), stderr: new(strings.Builder)}
	run, kctx, _, err := c.parse(args, nil)
	require.NoError(t, err)
	if strings.HasPrefix(kctx.Command(), "run") && run.Config == "" && !run.ParserHelp {
		_, err = run.job(c)
		require.NoError(t, err)
	}
}

// TestBashCompletes runs the script for bash in bash.
func TestBashCompletes(t *testing.T) {
	bash := testutil.Peer(t, "bash")
	var script strings.Builder
	c := &console{stdout: &script}
	require.NoError(t, (&completionCmd{Shell: "bash"}).Run(c))
	for words, want := range map[string]string{
		"logmetrics ch":                                    "check",
		"logmetrics st":                                    "state",
		"logmetrics dae":                                   "daemon",
		"logmetrics daemon --watch":                        "--watch-config",
		"logmetrics daemon --tele":                         "--telemetry",
		"logmetrics --time lo":                             "log",
		"logmetrics --follow --inter":                      "--interval",
		"logmetrics --prometheus-li":                       "--prometheus-listen",
		"logmetrics --journal-d":                           "--journal-dir",
		"logmetrics state re":                              "rewind",
		"logmetrics --statsd-ty":                           "--statsd-type",
		"logmetrics --statsd-type ga":                      "gauge",
		"logmetrics --statsd-type = ga":                    "gauge",
		"logmetrics -o gra":                                "graphite",
		"logmetrics -o statsd Postfix":                     "PostfixParser PostfixLogster",
		"logmetrics check PostfixL":                        "PostfixLogster",
		"logmetrics parsers PostfixL":                      "PostfixLogster",
		"logmetrics state show --js":                       "--json",
		"logmetrics db ver":                                "verify",
		"logmetrics db dump --unt":                         "--until",
		"logmetrics completion f":                          "fish",
		"logmetrics --output = stdout PostfixParser READ":  "README.md",
		"logmetrics -p run --output stdout --fro":          "--from",
		"logmetrics check PostfixParser --metric-pre":      "--metric-prefix",
		"logmetrics run -s /nowhere PostfixParser LICEN":   "LICENSE",
		"logmetrics --metric-prefix nothing.is.known.here": "",
	} {
		fields := strings.Fields(words)
		run := script.String() + "\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=" + strconv.Itoa(len(fields)-1) + "\n_logmetrics\necho \"${COMPREPLY[*]}\"\n"
		cmd := exec.CommandContext(t.Context(), bash, "--norc", "-c", run)
		cmd.Dir = "../.."
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Equal(t, want, strings.TrimSpace(string(out)), words)
	}
}

func TestFishScriptNamesEveryCommandAndFlag(t *testing.T) {
	var script strings.Builder
	c := &console{stdout: &script}
	require.NoError(t, (&completionCmd{Shell: "fish"}).Run(c))
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	for _, f := range allFlags(app.Model.Node) {
		assert.Contains(t, script.String(), " -l "+f.Name+" ")
	}
	assert.Equal(t, commandNames, childNames(app.Model.Node))
	assert.Contains(t, script.String(), "'__fish_seen_subcommand_from db; and __fish_seen_subcommand_from ls' -l data ")
	assert.NotContains(t, script.String(), "'__fish_seen_subcommand_from ls'")
}
