package extract_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

var seed = flag.Uint64("seed", 0, "of random tests; 0: a new one")

// newRand returns the source of a random test, which says how to run it again.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64N(1 << 32)
	}
	t.Logf("seed %d", s)
	return rand.New(rand.NewPCG(s, 1))
}

// world is a log that is written and rotated, the program that reads it, and
// the sinks that the program sends to.
type world struct {
	t       testing.TB
	rand    *rand.Rand
	dir     string // of the logs
	kept    string // the state's directory
	bin     string
	args    []string // before the parser
	parser  string
	logs    []string
	uid     uint32 // of the program; 0: the test's own
	sink    *sink
	ledger  *ledger
	outputs []string // the sinks that must have everything in the end
	written int
	half    string // what is still to be written of an unfinished line
	lost    map[int]bool
	killed  int
	rotated int    // since a run came to its end
	said    string // on stderr, by all runs
	step    func() // in place of a run to its end, where the program follows; nil: it does not
}

// newWorld returns a world whose log has lines that were read by a first run:
// that one reads the live file alone, from then on nothing may be missed.
func newWorld(t testing.TB, args ...string) *world {
	t.Helper()
	w := emptyWorld(t, args...)
	w.write(10)
	w.exits(0)
	return w
}

func emptyWorld(t testing.TB, args ...string) *world {
	t.Helper()
	w := &world{t: t, rand: newRand(t), dir: t.TempDir(), kept: filepath.Join(memDir(t), "state"), bin: program(t), ledger: newLedger(), lost: map[int]bool{}}
	w.sink = newSink(t, "graphite", w.ledger)
	w.logs = []string{w.log()}
	w.outputs = []string{"stdout", "graphite"}
	w.parser = "RegexParser"
	w.args = append([]string{
		"--state-dir", w.state(), "--from=begin", "--self-metrics", "--max-series=1000000",
		"--graphite-host", w.sink.address,
	}, args...)
	return w
}

func (w *world) log() string { return w.file("") }

// file returns the path of the log with a suffix.
func (w *world) file(suffix string) string { return filepath.Join(w.dir, "app.log"+suffix) }

func (w *world) state() string { return w.kept }

// memDir returns a directory in memory, where the system has that: hundreds of
// runs would wait for the disk at each fsync, which only a power cut would miss.
func memDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "logmetrics-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// line returns the next line.
func (w *world) line() string {
	w.written++
	return fmt.Sprintf("event id=%d %s\n", w.written-1, strings.Repeat("x", w.rand.IntN(200)))
}

// raw appends text to the log with the suffix.
func (w *world) raw(suffix, text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.file(suffix), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(w.t, err)
	defer f.Close()
	_, err = f.WriteString(text)
	require.NoError(w.t, err)
}

// write appends n lines, some of them in two writes, after the end of one that
// was begun.
func (w *world) write(n int) { w.t.Helper(); w.writeTo("", n) }

func (w *world) writeTo(suffix string, n int) {
	w.t.Helper()
	f, err := os.OpenFile(w.file(suffix), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(w.t, err)
	defer f.Close()
	for range n {
		line := w.half
		if w.half = ""; line == "" {
			line = w.line()
		}
		cut := w.rand.IntN(len(line))
		for _, part := range []string{line[:cut], line[cut:]} {
			_, err = f.WriteString(part)
			require.NoError(w.t, err)
		}
	}
}

// begin writes a line without its end, which the next write brings.
func (w *world) begin() {
	w.t.Helper()
	line := w.line()
	cut := 1 + w.rand.IntN(len(line)-1)
	w.raw("", line[:cut])
	w.half = line[cut:]
}

// loses writes n lines that nobody will find.
func (w *world) loses(n int) {
	w.t.Helper()
	for i := range n {
		w.lost[w.written+i] = true
	}
	w.write(n)
}

func (w *world) create() { w.t.Helper(); require.NoError(w.t, os.WriteFile(w.log(), nil, 0o644)) }

func (w *world) move(from, to string) {
	w.t.Helper()
	require.NoError(w.t, os.Rename(w.file(from), w.file(to)))
}

func (w *world) remove(suffix string) { w.t.Helper(); require.NoError(w.t, os.Remove(w.file(suffix))) }

func (w *world) truncate() { w.t.Helper(); require.NoError(w.t, os.Truncate(w.log(), 0)) }

func (w *world) copyTo(suffix string) {
	w.t.Helper()
	data, err := os.ReadFile(w.log())
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(w.file(suffix), data, 0o644))
}

// shift makes room for a new ".1".
func (w *world) shift() {
	for i := generations; i >= 1; i-- {
		for _, ext := range []string{"", ".gz", ".zst", ".bz2", ".xz"} {
			os.Rename(w.file(fmt.Sprintf(".%d%s", i, ext)), w.file(fmt.Sprintf(".%d%s", i+1, ext)))
		}
	}
}

// rotate renames and creates.
func (w *world) rotate() { w.t.Helper(); w.shift(); w.move("", ".1"); w.create() }

func (w *world) copytruncate(suffix string) { w.t.Helper(); w.copyTo(suffix); w.truncate() }

// compress does what logrotate does with a rotated file.
func (w *world) compress(suffix, tool string) { w.t.Helper(); w.compressFile(w.file(suffix), tool) }

func (w *world) compressFile(name, tool string) {
	w.t.Helper()
	args := []string{"-q", name}
	if tool == "zstd" {
		args = append(args, "--rm")
	}
	out, err := exec.CommandContext(w.t.Context(), testutil.Peer(w.t, tool), args...).CombinedOutput()
	require.NoError(w.t, err, "%s", out)
}

// command returns the program with its arguments.
func (w *world) command() *exec.Cmd {
	args := slices.Clone(w.args)
	for _, name := range w.outputs {
		args = append(args, "-o", name)
	}
	if w.parser == "RegexParser" {
		args = append(args, "--parser-options", rule)
	}
	args = append(append(args, w.parser), w.logs...)
	cmd := exec.CommandContext(w.t.Context(), w.bin, args...)
	cmd.Env = os.Environ()
	if w.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: w.uid, Gid: w.uid}}
	}
	return cmd
}

// start starts the program; the result waits for its end, tells the ledger what
// it printed and returns its exit code, -1 if it was killed.
func (w *world) start(env ...string) (cmd *exec.Cmd, wait func() (code int, stderr string)) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd = w.command()
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(w.t, cmd.Start())
	return cmd, func() (int, string) {
		err := cmd.Wait()
		require.NotNil(w.t, cmd.ProcessState, "%v", err)
		w.ledger.take("stdout", stdout.Bytes(), func(f []string) (string, string) { return f[1], f[2] })
		return cmd.ProcessState.ExitCode(), stderr.String()
	}
}

// exits runs the program to its end and returns what it said.
func (w *world) exits(code int, env ...string) string {
	w.t.Helper()
	if w.step != nil {
		w.step()
		return ""
	}
	_, wait := w.start(env...)
	got, stderr := wait()
	require.Equal(w.t, code, got, "%s", stderr)
	w.said += stderr
	if code != 1 {
		w.rotated = 0
	}
	return stderr
}

// run runs the program, and kills it after the given time; 0: lets it end.
func (w *world) run(after time.Duration, env ...string) {
	w.t.Helper()
	cmd, wait := w.start(env...)
	if after > 0 {
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	code, stderr := wait()
	if code == -1 {
		w.killed++
		return
	}
	require.Zero(w.t, code, "%s", stderr)
	w.rotated = 0
}

// exact runs until nothing waits and checks what the sinks have.
func (w *world) exact() {
	w.t.Helper()
	for range 2 {
		w.exits(0)
		for _, name := range w.outputs {
			w.ledger.check(w.t, name, w.written, w.lost)
		}
	}
	w.t.Logf("%d lines, %d kills, %d batches", w.written, w.killed, w.ledger.count(w.sink.name))
}
