package parsers_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// newest is the mtime of all test logs: stamps without a year are of the year
// that ends at 2026-11-22.
var newest = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Unix()

// logCase is one log of a parser's folder with the options to read it with.
//
// testdata/parsers/NAME/BASE.log is read with the options in BASE.args, one a
// line, and gives BASE.golden. BASE@VARIANT.args reads the same log once more
// and gives BASE@VARIANT.golden.
type logCase struct {
	factory parsers.Factory
	name    string // NAME/BASE or NAME/BASE@VARIANT
	log     []byte
	args    []string
	golden  string // path
	joins   bool   // lines into records
}

// readFile reads a file that an option names, beside the logs.
func (c *logCase) readFile(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(folder(c.factory), name))
}

// folder returns where a parser's logs are: its name in lower case without "parser".
func folder(f parsers.Factory) string {
	return filepath.Join("..", "testdata", "parsers", strings.TrimSuffix(strings.ToLower(f.Name), "parser"))
}

// logCases returns all cases of all parsers.
func logCases(tb testing.TB) []logCase {
	tb.Helper()
	var cases []logCase
	for _, f := range parsers.Table() {
		logs, err := filepath.Glob(filepath.Join(folder(f), "*.log"))
		require.NoError(tb, err)
		require.NotEmpty(tb, logs, "%s has no logs in %s", f.Name, folder(f))
		for _, path := range logs {
			cases = append(cases, casesOf(tb, f, strings.TrimSuffix(path, ".log"))...)
		}
	}
	return append(cases, unwrapCases(tb)...)
}

// unwrapCases are the logs testdata/unwrap/KIND/PARSER-BASE.log.
func unwrapCases(tb testing.TB) (cases []logCase) {
	tb.Helper()
	for _, kind := range []string{"cri", "docker", "syslog"} {
		logs, err := filepath.Glob(filepath.Join("..", "testdata", "unwrap", kind, "*.log"))
		require.NoError(tb, err)
		require.NotEmpty(tb, logs, kind)
		for _, path := range logs {
			name, _, _ := strings.Cut(filepath.Base(path), "-")
			f, _, ok := parsers.Find(name)
			require.True(tb, ok, path)
			f, err := parsers.Unwrap(kind, f)
			require.NoError(tb, err)
			cases = append(cases, casesOf(tb, f, strings.TrimSuffix(path, ".log"))...)
		}
	}
	return cases
}

func casesOf(tb testing.TB, f parsers.Factory, base string) []logCase {
	tb.Helper()
	log, err := os.ReadFile(base + ".log")
	require.NoError(tb, err)
	log = log[:bytes.LastIndexByte(log, '\n')+1] // a source holds an unfinished line back
	variants, err := filepath.Glob(base + "@*.args")
	require.NoError(tb, err)
	var cases []logCase
	for _, stem := range append([]string{base + ".args"}, variants...) {
		stem = strings.TrimSuffix(stem, ".args")
		c := logCase{
			factory: f,
			name:    filepath.Base(filepath.Dir(stem)) + "/" + filepath.Base(stem),
			log:     log,
			args:    readArgs(tb, stem+".args"),
			golden:  stem + ".golden",
		}
		c.joins = f.Joins(newWorker(tb, c, setup{}).parser)
		cases = append(cases, c)
	}
	return cases
}

func readArgs(tb testing.TB, path string) []string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(tb, err)
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

// clothes calls fn for the native parser and, if it has one, its alias.
func clothes(c logCase, fn func(alias bool)) {
	fn(false)
	if c.factory.Alias != "" {
		fn(true)
	}
}

// setup is how a log is read.
type setup struct {
	alias    bool
	interval int64 // of the recorder
	workers  int
	rng      *rand.Rand // cuts the log at random line ends; nil: one block
	spoil    bool       // overwrite each block after Parse
	restart  bool       // now and then, with the open intervals kept as in a state
	from     int64      // earlier lines are late; 0: none is
	until    int64      // later ones are not believed; with from
}

// worker is one parser with its recorder.
type worker struct {
	parser parsers.Parser
	rec    *metric.Recorder
}

func newWorker(tb testing.TB, c logCase, s setup) worker {
	tb.Helper()
	rec := metric.NewRecorder(metric.RecorderOptions{Interval: s.interval})
	p, err := c.factory.New(parsers.Options{WantTime: true, Zone: time.UTC, Alias: s.alias, Args: c.args, ReadFile: c.readFile}, rec)
	require.NoError(tb, err)
	if s.from != 0 {
		rec.Bound(s.from, s.until)
	}
	return worker{p, rec}
}

// outcome is what reading a log gave.
type outcome struct {
	stats       parsers.Stats
	first, last int64
	timed       bool
	batches     []metric.Batch // one for each interval
	late        uint64
	unbelieved  uint64
}

// read parses the case's log as s says.
func read(tb testing.TB, c logCase, s setup) outcome {
	tb.Helper()
	workers := newWorkers(tb, c, s)
	var out outcome
	held := []byte(nil)
	blocks := cut(c.log, s.rng)
	for seq, b := range blocks {
		if s.restart && s.rng.IntN(3) == 0 {
			workers = restart(tb, c, s, workers)
		}
		w := workers[0]
		if s.rng != nil {
			w = workers[s.rng.IntN(len(workers))]
		}
		final := seq == len(blocks)-1
		st, rest := parseBlock(tb, c, w, parsers.Block{Bytes: append(held, b...), Newest: newest, Seq: uint64(seq), Final: final}, s.spoil)
		held = rest
		out.stats.Add(st)
	}
	require.Empty(tb, held, "held after the final block")
	main := merge(workers)
	main.Assume(cmp.Or(s.from, newest)) // what has no stamp to go by
	out.first, out.last, out.timed = main.Span()
	out.late, out.unbelieved = main.Late(), main.Unbelieved()
	for _, start := range main.Intervals() {
		b := metric.Batch{Start: start, End: start + 60}
		main.FlushInterval(start, &b)
		out.batches = append(out.batches, b)
	}
	return out
}

func newWorkers(tb testing.TB, c logCase, s setup) []worker {
	tb.Helper()
	workers := make([]worker, max(1, s.workers))
	for i := range workers {
		workers[i] = newWorker(tb, c, s)
	}
	return workers
}

// merge has the last worker's recorder hold all.
func merge(workers []worker) *metric.Recorder {
	main := workers[len(workers)-1].rec
	for _, w := range workers[:len(workers)-1] {
		main.Merge(w.rec)
	}
	return main
}

// restart keeps the open intervals as a state does and goes on with new
// recorders and parsers.
func restart(tb testing.TB, c logCase, s setup, workers []worker) []worker {
	tb.Helper()
	open := merge(workers).AppendOpen(nil)
	workers = newWorkers(tb, c, s)
	for _, b := range open {
		kept, err := metric.ParseBatch(metric.AppendBatch(nil, b))
		require.NoError(tb, err)
		require.NoError(tb, workers[len(workers)-1].rec.Load(kept))
	}
	return workers
}

// parseBlock parses one block and checks what each parser owes to it. rest is
// a copy of what the parser holds.
func parseBlock(tb testing.TB, c logCase, w worker, b parsers.Block, spoil bool) (st parsers.Stats, rest []byte) {
	tb.Helper()
	before := bytes.Clone(b.Bytes)
	w.rec.Block(b.Seq)
	st = w.parser.Parse(b, w.rec)
	require.True(tb, bytes.Equal(before, b.Bytes), "the block was written to")
	require.True(tb, st.Held >= 0 && st.Held <= min(len(before), parsers.MaxHeld), "Held %d", st.Held)
	if !c.joins || b.Final {
		require.Zero(tb, st.Held)
	}
	rest = before[len(before)-st.Held:]
	done := before[:len(before)-st.Held]
	require.Equal(tb, bytes.Count(done, []byte{'\n'}), st.Lines, "Lines")
	require.True(tb, st.Skipped >= 0 && st.Rejected >= 0 && st.Matched() >= 0 && st.Untimed >= 0 && st.Untimed <= st.Lines, "%+v", st)
	if spoil {
		for i := range b.Bytes {
			b.Bytes[i] = 0xff
		}
	}
	return st, rest
}

// cut splits log into blocks of whole lines.
func cut(log []byte, rng *rand.Rand) [][]byte {
	if rng == nil {
		return [][]byte{log}
	}
	var blocks [][]byte
	most := 1 + rng.IntN(len(log)+1)
	for len(log) > 0 {
		n := min(len(log), rng.IntN(most)+1)
		n += bytes.IndexByte(log[n-1:], '\n')
		blocks = append(blocks, log[:n:n])
		log = log[n:]
	}
	return append(blocks, nil) // the source's end brings no line
}

func workers(c logCase, rng *rand.Rand) int {
	if c.joins {
		return 1
	}
	return 1 + rng.IntN(8)
}
