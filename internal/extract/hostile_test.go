package extract_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

const (
	maxPeak     = 64 << 20               // resident bytes of a run, whatever the log holds
	maxPerMiB   = 100 * time.Millisecond // CPU of a parser on the worst MiB
	hostileLine = 1<<20 - 1              // bytes: the longest line that is read
)

// monotone are bytes that parsers may look for, over and over, in long lines of
// nothing else.
const monotone = "a([{\"'< \t\x1b\xff1=,:%\\/-.[]|"

// odd are lines that writers and attackers leave, each counted as one.
var odd = []string{
	"", "\x00", "a\x00\x00\x00b", "\r", "\r\r\r", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\xff\xfe\xfd", "\xc3\x28", "\xed\xa0\x80",
	"\x7f\b\v\f", "((((((((", "%s%n%x", "${jndi:x}", "{\"a\":", "\u202e\u2066", "' OR 1=1 --",
}

// hostileLog writes a log with clean lines before and after hostile ones, and
// returns how many lines are to be counted.
func hostileLog(t testing.TB, path string, clean []byte) (lines int) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	w.Write(clean)
	for _, line := range odd {
		w.WriteString(line + "\n")
	}
	w.Write(make([]byte, holeLength))
	for _, c := range []byte(monotone) {
		repeat(w, c, hostileLine)
	}
	for _, c := range []byte("x\xff") {
		repeat(w, c, 4<<20)
	}
	w.Write(clean)
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	return 2*bytes.Count(clean, []byte("\n")) + len(odd) + len(monotone)
}

// holeLength is how many NULs a crash left.
const holeLength = 70000

// repeat writes a line of n times c without holding it in memory.
func repeat(w *bufio.Writer, c byte, n int) {
	for range n {
		w.WriteByte(c)
	}
	w.WriteByte('\n')
}

// child is a run of the program that ended.
type child struct {
	stdout, stderr string
	peak           int64         // resident bytes
	cpu            time.Duration // user and system
}

// runParser runs the program over a log from its beginning.
func runParser(t testing.TB, parser string, args []string, log string, flags ...string) child {
	t.Helper()
	options := make([]string, len(args))
	for i, arg := range args {
		options[i] = "'" + arg + "'" // none has a quote
	}
	words := append([]string{"run", "-s", memDir(t), "--from=begin", "--self-metrics", "-p", "pre", "--timezone=UTC", "--parser-options", strings.Join(options, " ")}, flags...)
	cmd := exec.CommandContext(t.Context(), program(t), append(words, parser, log)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	forgetPeak()
	require.NoError(t, cmd.Run(), "%s", &stderr)
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	peak := usage.Maxrss
	if runtime.GOOS == "linux" { // there it is in KiB
		peak <<= 10
	}
	return child{stdout.String(), stderr.String(), peak, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// forgetPeak makes this process small: Linux counts the peak of the parent as
// the child's, from before it became another program.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // resets VmHWM, where there is one
}

// values returns what stdout says, without stamps and the last digits, which
// depend on how blocks fell, and the account apart.
func (c child) values(t testing.TB) (metrics []string, account map[string]string) {
	t.Helper()
	account = make(map[string]string)
	for line := range strings.Lines(c.stdout) {
		f := strings.Fields(line)
		require.Len(t, f, 3, "%q", line)
		if own, ok := strings.CutPrefix(f[1], "pre_logmetrics."); ok {
			account[own] = f[2]
			continue
		}
		v, err := strconv.ParseFloat(f[2], 64)
		require.NoError(t, err)
		metrics = append(metrics, fmt.Sprintf("%s %.8g", f[1], v))
	}
	return metrics, account
}

// TestHostileContent: what is hostile changes nothing in what
// the other lines give, is counted, and costs neither memory nor more than
// linear time.
func TestHostileContent(t *testing.T) {
	for _, f := range parsers.Table() {
		t.Run(f.Name, func(t *testing.T) {
			c := casesOf(t, f)[0]
			dir := t.TempDir()
			clean, hostile := filepath.Join(dir, "clean.log"), filepath.Join(dir, "hostile.log")
			require.NoError(t, os.WriteFile(clean, bytes.Repeat(c.log, 2), 0o600))
			lines := hostileLog(t, hostile, c.log)
			want, _ := runParser(t, f.Name, c.args, clean, "-o", "stdout").values(t)
			run := runParser(t, f.Name, c.args, hostile, "-o", "stdout", "--workers=4")
			got, account := run.values(t)
			assert.Equal(t, want, got)
			if !c.joins(t, f) { // it may hold the last record
				assert.Equal(t, metricText(lines), account["lines"])
			}
			assert.Equal(t, metricText(2), account["longLines"])
			assert.Equal(t, metricText(holeLength), account["nulBytes"])
			if !testutil.Race() { // which makes this process large, and so the child's peak, see forgetPeak
				assert.LessOrEqual(t, run.peak, int64(maxPeak))
			}
			fi, err := os.Stat(hostile)
			require.NoError(t, err)
			assert.Less(t, run.cpu, time.Duration(fi.Size()>>20)*maxPerMiB)
			assert.NotRegexp(t, `[^\n -~]`, run.stderr, "text for a terminal is escaped")
			t.Logf("%d MiB resident at most, %v CPU for %d MiB", run.peak>>20, run.cpu, fi.Size()>>20)
		})
	}
}

func metricText(n int) string {
	return string(metric.AppendValue(nil, float64(n), metric.Shortest))
}

// TestWorstMiB gives each parser, in both its clothes, the longest lines of one
// byte, and of its own lines' beginnings.
func TestWorstMiB(t *testing.T) {
	if testutil.Race() {
		t.Skip("times are not measured under the race detector")
	}
	for _, f := range parsers.Table() {
		limit := maxPerMiB
		if f.Name == "RegexParser" { // patterns are the user's; the slower engine is linear, too
			limit *= 10
		}
		t.Run(f.Name, func(t *testing.T) {
			for _, c := range casesOf(t, f) {
				slowest := time.Duration(0)
				for _, unit := range units(c.log) {
					for _, length := range []int{hostileLine, 64<<10 - 1} { // the second is the longest that rules look at
						line := append(bytes.Repeat(unit, length/len(unit)), '\n')
						took := fastest(t, f, c, bytes.Repeat(line, (hostileLine+1)/len(line)))
						assert.LessOrEqual(t, took, limit, "%s: 1 MiB of %.80q in lines of %d", c.name, unit, length)
						slowest = max(slowest, took)
					}
				}
				t.Logf("%s: %v", c.name, slowest)
			}
		})
	}
}

// units are what long lines are made of.
func units(log []byte) (list [][]byte) {
	for i := range len(monotone) {
		list = append(list, []byte{monotone[i]})
	}
	line := log[:bytes.IndexByte(log, '\n')]
	for _, n := range []int{1, 2, 4} {
		list = append(list, line[:max(1, len(line)/n)])
	}
	return list
}

// fastest returns the shortest of up to five parses: the others met the machine.
func fastest(t testing.TB, f parsers.Factory, c logCase, lines []byte) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		rec := metric.NewRecorder(metric.RecorderOptions{})
		p, err := f.New(parsers.Options{WantTime: true, Zone: time.UTC, Args: c.args, ReadFile: os.ReadFile}, rec)
		require.NoError(t, err)
		rec.Block(1)
		start := time.Now()
		st := p.Parse(parsers.Block{Bytes: lines, Seq: 1, Final: true}, rec)
		best = min(best, time.Since(start))
		require.Equal(t, bytes.Count(lines, []byte("\n")), st.Lines)
		if best <= maxPerMiB {
			break
		}
	}
	return best
}

// TestTextForTerminals: names of logs and examples of lines reach people; what
// could steer a terminal or add a line is escaped.
func TestTextForTerminals(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "a\x1b[2J\nforged: line.log")
	state := t.TempDir()
	require.NoError(t, os.WriteFile(log, []byte(strings.Join(odd, "\n")+"\n"), 0o600))
	for _, args := range [][]string{
		{"check", "PostfixParser", log},
		{"check", "JsonParser", log},
		{"run", "-s", state, "-o", "stdout", "--job=one", "JsonParser", log},
		{"state", "ls", "-s", state},
		{"state", "show", "-s", state, "one"},
		{"run", "-s", t.TempDir(), "-o", "stdout", "JsonParser", log},
		{"run", "-s", t.TempDir(), "-o", "stdout", "JsonParser", log + ".none"},
		{"run", "-s", t.TempDir(), "-o", "stdout", "\x1b[2JParser", log},
	} {
		cmd := exec.CommandContext(t.Context(), program(t), args...)
		out, _ := cmd.CombinedOutput()
		assert.NotEmpty(t, out)
		assert.NotRegexp(t, `[^\n -~]`, string(out), "%q", args)
		assert.NotRegexp(t, `(?m)^forged`, string(out), "%q", args)
	}
}
