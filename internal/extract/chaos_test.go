package extract_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	kills = flag.Int("kills", 30, "how often TestChaos kills the program")
	seed  = flag.Uint64("seed", 0, "of TestChaos; 0: a new one")
)

// The oracle: every line carries a number, each number becomes a series of its
// own, and each batch carries its own number. Then every line must be in
// exactly one batch, and every delivery of a batch must be the same.

// program builds the real binary with its fault points.
func program(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "logmetrics")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "faults", "-o", bin, "github.com/logmetrics/logmetrics/cmd/logmetrics").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

// ledger is what the sinks were told.
type ledger struct {
	mu      sync.Mutex
	batches map[string]map[string][]string // sink -> batch -> its lines, sorted
	partial map[string][]string            // sink -> lines of batches that broke off
	faults  []string
}

func newLedger() *ledger {
	return &ledger{batches: make(map[string]map[string][]string), partial: make(map[string][]string)}
}

// take reads a stream of metrics; the line with the batch's number tells which
// batch the lines around it are, for the account is the end of each batch.
func (l *ledger) take(sink string, stream []byte, name func(fields []string) (series, value string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	batch := ""
	for line := range strings.Lines(string(stream)) {
		f := strings.Fields(line)
		if !strings.HasSuffix(line, "\n") || len(f) != 3 {
			break
		}
		series, value := name(f)
		switch {
		case strings.HasSuffix(series, "logmetrics.batch"), strings.HasSuffix(series, "logmetrics_batch"), strings.HasSuffix(series, "_logmetrics.batch"):
			batch = value
		case strings.Contains(series, "durationSeconds"):
			l.close(sink, batch, lines)
			lines, batch = nil, ""
		case strings.Contains(series, "n.") && !strings.Contains(series, "logmetrics"):
			lines = append(lines, series+" "+value)
		}
	}
	l.partial[sink] = append(l.partial[sink], lines...)
}

func (l *ledger) close(sink, batch string, lines []string) {
	slices.Sort(lines)
	of := l.batches[sink]
	if of == nil {
		of = make(map[string][]string)
		l.batches[sink] = of
	}
	if before, ok := of[batch]; ok && !slices.Equal(before, lines) {
		l.faults = append(l.faults, fmt.Sprintf("%s: batch %s came twice with different content", sink, batch))
	}
	of[batch] = lines
}

// check holds a sink to the oracle: lines 0 to n-1 once each.
func (l *ledger) check(t *testing.T, sink string, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.faults)
	seen := make(map[int]string)
	for batch, lines := range l.batches[sink] {
		for _, line := range lines {
			id, value := lineNumber(line)
			require.Equal(t, "1", value, "%s: line %d counted %s times in batch %s", sink, id, value, batch)
			other, twice := seen[id]
			require.False(t, twice, "%s: line %d in batches %s and %s", sink, id, other, batch)
			seen[id] = batch
		}
	}
	for id := range n {
		_, ok := seen[id]
		require.True(t, ok, "%s: line %d is lost", sink, id)
	}
	assert.Equal(t, n, len(seen), "%s has lines that were never written", sink)
}

func lineNumber(line string) (id int, value string) {
	name, value, _ := strings.Cut(line, " ")
	id, _ = strconv.Atoi(name[strings.LastIndexAny(name, ".n")+1:])
	return id, value
}

// carbon is a sink on loopback that takes Graphite's line protocol; every
// connection is one delivery.
func carbon(t *testing.T, l *ledger) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				stream, _ := io.ReadAll(c)
				l.take("graphite", stream, func(f []string) (string, string) { return f[0], f[1] })
			})
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return listener.Addr().String()
}

// world is a log that is written and rotated, and the program that reads it.
type world struct {
	t       *testing.T
	rand    *rand.Rand
	dir     string
	bin     string
	args    []string
	ledger  *ledger
	written int
	killed  int
	rotated int // since a run came to its end
}

func (w *world) log() string { return filepath.Join(w.dir, "app.log") }

// write appends up to n lines, some of them in two halves.
func (w *world) write(n int) {
	f, err := os.OpenFile(w.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(w.t, err)
	defer f.Close()
	for range n {
		line := fmt.Sprintf("event id=%d %s\n", w.written, strings.Repeat("x", w.rand.IntN(200)))
		w.written++
		half := w.rand.IntN(len(line))
		for _, part := range []string{line[:half], line[half:]} {
			_, err = f.WriteString(part)
			require.NoError(w.t, err)
		}
	}
}

// generations is how many rotated files are kept. As many rotations between two
// runs that come to their end would lose lines, and rightly so.
const generations = 7

// rotate does what logrotate does, in one of its ways. Nothing is written meanwhile.
func (w *world) rotate() {
	log := w.log()
	w.rotated++
	for i := generations; i >= 1; i-- {
		for _, ext := range []string{"", ".gz"} {
			os.Rename(fmt.Sprintf("%s.%d%s", log, i, ext), fmt.Sprintf("%s.%d%s", log, i+1, ext))
		}
	}
	if w.rand.IntN(4) == 0 { // copytruncate
		data, err := os.ReadFile(log)
		require.NoError(w.t, err)
		require.NoError(w.t, os.WriteFile(log+".1", data, 0o644))
		require.NoError(w.t, os.Truncate(log, 0))
	} else {
		require.NoError(w.t, os.Rename(log, log+".1"))
		if w.rand.IntN(3) > 0 {
			require.NoError(w.t, os.WriteFile(log, nil, 0o644))
		}
	}
	if w.rand.IntN(2) == 0 {
		out, err := exec.CommandContext(w.t.Context(), "gzip", log+".1").CombinedOutput()
		require.NoError(w.t, err, "%s", out)
	}
}

// run runs the program, and kills it after the given time; 0: lets it end.
func (w *world) run(after time.Duration, env ...string) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(w.t.Context(), w.bin, w.args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(w.t, cmd.Start())
	if after > 0 {
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	defer func() {
		w.ledger.take("stdout", stdout.Bytes(), func(f []string) (string, string) { return f[1], f[2] })
	}()
	switch {
	case cmd.ProcessState.ExitCode() == -1:
		w.killed++
		return
	case err != nil:
		w.t.Fatalf("seed %d: %v: %s", *seed, err, stderr.String())
	}
	w.rotated = 0
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if *seed == 0 {
		*seed = rand.Uint64N(1 << 32)
	}
	t.Logf("go test ./internal/extract -run %s -seed %d -kills %d", t.Name(), *seed, *kills)
	w := &world{t: t, rand: rand.New(rand.NewPCG(*seed, 1)), dir: t.TempDir(), bin: program(t), ledger: newLedger()}
	w.args = []string{
		"--state-dir", filepath.Join(w.dir, "state"), "--from=begin", "--self-metrics", "--max-series=1000000",
		"-o", "stdout", "-o", "graphite", "--graphite-host", carbon(t, w.ledger),
		"--parser-options", `--counter 'n.{id}=^event id=(?P<id>\d+) '`, "RegexParser", w.log(),
	}
	// The first run of a job reads the live file alone: from then on nothing may be missed.
	w.write(10)
	w.run(0)
	return w
}

// finish runs until nothing waits and checks what the sinks have.
func (w *world) finish() {
	for range 3 {
		w.run(0)
	}
	for _, sink := range []string{"stdout", "graphite"} {
		w.ledger.check(w.t, sink, w.written)
	}
	w.t.Logf("%d lines, %d kills, %d batches", w.written, w.killed, len(w.ledger.batches["graphite"]))
}

// TestChaos kills the program at random instants while its log is written and rotated.
func TestChaos(t *testing.T) {
	w := newWorld(t)
	for w.killed < *kills {
		w.write(w.rand.IntN(300))
		if w.rand.IntN(3) == 0 {
			w.rotate()
			w.write(w.rand.IntN(50))
		}
		if w.rotated == generations-1 {
			w.run(0)
		}
		w.run(time.Duration(1+w.rand.IntN(20000)) * time.Microsecond)
	}
	w.finish()
}

// TestKilledAtEachFaultPoint kills the program at each named point in turn.
func TestKilledAtEachFaultPoint(t *testing.T) {
	w := newWorld(t)
	points := []string{"after-read", "before-batch", "after-batch", "before-state", "between-states", "after-state", "before-emit", "after-emit", "before-delete"}
	for _, point := range points {
		before := w.killed
		w.write(100)
		w.rotate()
		w.write(100)
		w.run(0, "LOGMETRICS_FAULT="+point+":kill")
		assert.Equal(t, before+1, w.killed, "the program does not pass %s", point)
	}
	w.finish()
}
