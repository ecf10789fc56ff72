package extract_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// The oracle: every line carries a number, each number becomes a series of its
// own, and each batch carries its own number. Then every line must be in
// exactly one batch, and every delivery of a batch must be the same.

// rule is the RegexParser option that makes a series of each line's number.
const rule = `--counter 'n.{id}=^event id=(?P<id>\d+) '`

// bin builds the real binary, with its fault points, once for all tests.
var bin = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "logmetrics")
	out, err := exec.Command("go", "build", "-tags", "faults", "-o", path, "github.com/logmetrics/logmetrics/cmd/logmetrics").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, err
})

var binDir string // set by TestMain before any test

func TestMain(m *testing.M) {
	if spec := os.Getenv(gathererEnv); spec != "" {
		os.Exit(beGatherer(spec))
	}
	os.Exit(func() int {
		var err error
		if binDir, err = os.MkdirTemp("", "logmetrics-test-"); err == nil {
			err = os.Chmod(binDir, 0o755) // for runs as another user
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(binDir)
		return m.Run()
	}())
}

func program(t testing.TB) string {
	t.Helper()
	path, err := bin()
	require.NoError(t, err)
	return path
}

// delivery is a batch as a sink got it.
type delivery struct {
	lines   []string           // "n.5 1", sorted
	account map[string]float64 // what the program says of itself, by name
}

// ledger is what the sinks were told. It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	batches map[string]map[string]delivery // sink -> batch
	partial map[string][]string            // sink -> lines of batches that broke off
	faults  []string
}

func newLedger() *ledger {
	return &ledger{batches: make(map[string]map[string]delivery), partial: make(map[string][]string)}
}

// take reads a stream of metrics. The account is the end of each batch, and
// the batch's number is in it.
func (l *ledger) take(sink string, stream []byte, name func(fields []string) (series, value string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := delivery{account: make(map[string]float64)}
	for line := range strings.Lines(string(stream)) {
		f := strings.Fields(line)
		if !strings.HasSuffix(line, "\n") || len(f) != 3 {
			break
		}
		series, value := name(f)
		if own, ok := strings.CutPrefix(series, "logmetrics."); ok {
			d.account[own], _ = strconv.ParseFloat(value, 64)
			if own == "durationSeconds" {
				l.close(sink, d)
				d = delivery{account: make(map[string]float64)}
			}
			continue
		}
		d.lines = append(d.lines, series+" "+value)
	}
	l.partial[sink] = append(l.partial[sink], d.lines...)
}

func (l *ledger) close(sink string, d delivery) {
	slices.Sort(d.lines)
	of := l.batches[sink]
	if of == nil {
		of = make(map[string]delivery)
		l.batches[sink] = of
	}
	batch := strconv.FormatFloat(d.account["batch"], 'f', -1, 64)
	if before, ok := of[batch]; ok && !slices.Equal(before.lines, d.lines) {
		l.faults = append(l.faults, fmt.Sprintf("%s: batch %s came twice with different content", sink, batch))
	}
	of[batch] = d
}

// sum adds up a number of the account over a sink's batches.
func (l *ledger) sum(sink, name string) (total float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.batches[sink] {
		total += d.account[name]
	}
	return total
}

// total adds up a series over a sink's batches.
func (l *ledger) total(sink, series string) (total float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.batches[sink] {
		for _, line := range d.lines {
			if name, text, _ := strings.Cut(line, " "); name == series {
				value, _ := strconv.ParseFloat(text, 64)
				total += value
			}
		}
	}
	return total
}

// count returns how many batches a sink has.
func (l *ledger) count(sink string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.batches[sink])
}

// check holds a sink to the oracle: lines 0 to n-1 once each, but for those
// that are lost.
func (l *ledger) check(t testing.TB, sink string, n int, lost map[int]bool) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.faults)
	seen := make(map[int]string)
	for batch, d := range l.batches[sink] {
		for _, line := range d.lines {
			id, value := lineNumber(t, line)
			require.Equal(t, "1", value, "%s: line %d counted %s times in batch %s", sink, id, value, batch)
			other, twice := seen[id]
			require.False(t, twice, "%s: line %d in batches %s and %s", sink, id, other, batch)
			seen[id] = batch
		}
	}
	for id := range n {
		_, ok := seen[id]
		require.Equal(t, !lost[id], ok, "%s: line %d of %d is there", sink, id, n)
	}
	assert.Equal(t, n-len(lost), len(seen), "%s has lines that were never written", sink)
	for _, line := range l.partial[sink] {
		id, _ := lineNumber(t, line)
		require.Less(t, id, n, "%s: a line that was never written, in a batch that broke off", sink)
	}
}

// lineNumber reads "n.5 1".
func lineNumber(t testing.TB, line string) (id int, value string) {
	t.Helper()
	name, value, _ := strings.Cut(line, " ")
	text, ok := strings.CutPrefix(name, "n.")
	id, err := strconv.Atoi(text)
	require.True(t, ok && err == nil, "a series that no line named: %q", line)
	return id, value
}

// sink is a server on loopback that takes Graphite's line protocol; every
// connection is one delivery of one batch.
type sink struct {
	t        testing.TB
	ledger   *ledger
	name     string // in the ledger
	listener *net.TCPListener
	address  string
	wg       sync.WaitGroup // of what serves

	mu     sync.Mutex // protects the field below
	behave behaviour
}

// behaviour reads what comes over a connection in its own way; the sink closes it.
type behaviour func(c *net.TCPConn) (stream []byte)

func good(c *net.TCPConn) []byte {
	stream, _ := io.ReadAll(c)
	return stream
}

// newSink returns a sink that takes everything.
func newSink(t testing.TB, name string, l *ledger) *sink {
	t.Helper()
	s := &sink{t: t, ledger: l, name: name, behave: good}
	require.NoError(t, s.listen(testutil.FreeAddress(t)))
	t.Cleanup(s.close)
	return s
}

// open listens again at the address of a sink that was closed. A process that is
// being started may hold the old socket until it is.
func (s *sink) open(address string) {
	s.t.Helper()
	s.listener = nil
	testutil.Eventually(s.t, patience, func() bool { return s.listen(address) == nil })
}

// listen makes the sink listen, if that is possible.
func (s *sink) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.listener, s.address = listener.(*net.TCPListener), address
	s.wg.Go(func() { s.serve(s.listener) })
	return nil
}

// close refuses connections from now on, and waits for those there are.
func (s *sink) close() {
	s.listener.Close()
	s.wg.Wait()
}

// is makes connections from now on behave so.
func (s *sink) is(b behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behave = b
}

func (s *sink) serve(listener *net.TCPListener) {
	for {
		c, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		s.mu.Lock()
		behave := s.behave
		s.mu.Unlock()
		s.wg.Go(func() {
			defer c.Close()
			s.ledger.take(s.name, behave(c), func(f []string) (string, string) { return f[0], f[1] })
		})
	}
}
