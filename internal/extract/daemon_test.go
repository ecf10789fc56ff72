package extract_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// interval is that of jobs in a fleet, in seconds. Two, so that one that was
// cut shows: its end is an odd second.
const interval = 2

// patience is how long a process on a busy machine may take for anything.
const patience = time.Minute

// crewed is a world that is a job of a daemon: its log is read by that alone,
// and its sink remembers stamps.
type crewed struct {
	*world
	name    string // "": the state's name is made of the settings
	prefix  string // of its names; changing it makes another job without a name
	workers int

	mu     sync.Mutex // protects the field below
	stamps []int64    // of the batches, in the order in which they came
}

func newCrewed(t *testing.T, name string) *crewed {
	t.Helper()
	c := &crewed{world: emptyWorld(t, "--job="+name), name: name, workers: 1}
	c.outputs = []string{"graphite"}
	c.sink.is(func(conn *net.TCPConn) []byte {
		stream := good(conn)
		if f := bytes.Fields(stream); len(f) > 2 {
			stamp, _ := strconv.ParseInt(string(f[2]), 10, 64)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.stamps = append(c.stamps, stamp)
		}
		// The ledger knows names without prefixes, and one row of numbers of batches.
		stream = numbered.ReplaceAll(stream, []byte("logmetrics.batch 9${1}000$2"))
		return prefixes.ReplaceAll(stream, nil)
	})
	c.write(10)
	c.exits(0) // a first run, which reads the live file alone; from then on nothing may be missed
	c.forget()
	return c
}

// forget has stampsOfBatches begin anew.
func (c *crewed) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamps = nil
}

// stampsOfBatches are those of the batches that came, in their order.
func (c *crewed) stampsOfBatches() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.stamps)
}

// prefixes are those of crewed.prefix; numbers are those of the batches under
// them, for each job begins with 1.
var (
	prefixes = regexp.MustCompile(`(?m)^v\d+\.`)
	numbered = regexp.MustCompile(`(?m)^v(\d+)\.logmetrics\.batch (\d+)`)
)

// job is the world as a job of a configuration file.
func (c *crewed) job() string {
	return fmt.Sprintf(`
  - job: '%s'
    metric-prefix: '%s'
    logs: %s
    state-dir: %s
    graphite-host: %s
    workers: %d
`, c.name, c.prefix, c.log(), c.state(), c.sink.address, c.workers)
}

// nextBatch waits for a batch that holds all that is written.
func (c *crewed) nextBatch() {
	c.t.Helper()
	testutil.Eventually(c.t, patience, func() bool { return c.ledger.lines("graphite") >= c.written-len(c.lost) })
}

// lines returns how many lines a sink has.
func (l *ledger) lines(sink string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.batches[sink] {
		n += len(d.lines)
	}
	return n
}

// fleet is a daemon and its jobs.
type fleet struct {
	*process
	t        *testing.T
	interval time.Duration
	config   string
}

// configure writes the configuration of the jobs.
func (f *fleet) configure(jobs ...*crewed) {
	f.t.Helper()
	text := fmt.Sprintf("parser: RegexParser\nparser-options: '%s'\noutput: graphite\nfrom: begin\nmax-series: 1000000\ninterval: %v\njobs:\n",
		strings.ReplaceAll(rule, "'", "''"), f.interval)
	for _, c := range jobs {
		text += c.job()
	}
	require.NoError(f.t, os.WriteFile(f.config, []byte(text), 0o600))
}

// newFleet starts a daemon of the jobs, whose logs must be there, and waits until
// all have read them.
func newFleet(t *testing.T, interval time.Duration, jobs ...*crewed) *fleet {
	t.Helper()
	f := &fleet{t: t, interval: interval, config: filepath.Join(t.TempDir(), "c.yaml")}
	f.configure(jobs...)
	address := testutil.FreeAddress(t)
	f.process = launch(t, exec.Command(program(t), "daemon", "--config", f.config, "--telemetry", address))
	ready(t, address)
	return f
}

// ready waits until all jobs of the process whose telemetry is there are.
func ready(t testing.TB, address string) {
	t.Helper()
	testutil.Eventually(t, patience, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/readyz", nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// reload has the daemon take the configuration of the jobs.
func (f *fleet) reload(jobs ...*crewed) {
	f.t.Helper()
	const taken = "the configuration is taken"
	before := strings.Count(f.said(), taken)
	f.configure(jobs...)
	require.NoError(f.t, f.cmd.Process.Signal(syscall.SIGHUP))
	testutil.Eventually(f.t, patience, func() bool { return strings.Count(f.said(), taken) > before })
}

// TestNoLineIsLostOrDoubledOverReloads: of five jobs one goes on, one is
// removed, one changed, one changed so that its state gets another name, and one
// added, each while its log is written and rotated.
func TestNoLineIsLostOrDoubledOverReloads(t *testing.T) {
	t.Parallel()
	kept, removed, changed, added := newCrewed(t, "kept"), newCrewed(t, "removed"), newCrewed(t, "changed"), newCrewed(t, "added")
	edited := newCrewed(t, "")
	all := []*crewed{kept, removed, changed, edited, added}
	write := func() {
		for _, c := range all {
			c.write(200)
			if c.rand.IntN(3) == 0 {
				c.rotate()
				c.write(50)
			}
		}
	}
	write()
	f := newFleet(t, interval*time.Second, kept, removed, changed, edited)
	lock := func() time.Time {
		fi, err := os.Stat(filepath.Join(kept.state(), "kept.lock"))
		require.NoError(t, err)
		return fi.ModTime() // each who takes the lock writes its number there
	}
	kept.nextBatch()
	locked := lock()
	for round := range 3 {
		write()
		changed.workers++
		edited.prefix = fmt.Sprint("v", round)
		before := f.said()
		f.reload(edited, kept, changed)
		if round == 0 {
			assert.Contains(t, strings.TrimPrefix(f.said(), before), "jobs=3 undisturbed=1 ended=3 started=2")
		}
		write()
		f.reload(kept, added, changed, edited)
		kept.nextBatch()
		write()
		f.reload(added, changed, edited, kept, removed)
		write()
		for _, c := range all {
			c.nextBatch()
		}
	}
	write()
	f.end()
	assert.Equal(t, locked, lock(), "the job that did not change gave up its lock")
	stamps := kept.stampsOfBatches()
	for i, stamp := range stamps {
		assert.Zero(t, stamp%interval, "batch %d: its interval was cut", i)
		assert.True(t, i == 0 || stamp > stamps[i-1], "batch %d", i)
	}
	assert.Greater(t, len(stamps), 3)
	edited.args = append(edited.args, "--metric-prefix", edited.prefix)
	for _, c := range all {
		c.exact()
	}
	assert.NotContains(t, f.said(), "failed")
}

// TestTheLastBatchIsMadeAtTheEnd: what was read is sent before the interval is over.
func TestTheLastBatchIsMadeAtTheEnd(t *testing.T) {
	t.Parallel()
	c := newCrewed(t, "j")
	for range 3 {
		f := newFleet(t, time.Hour, c)
		c.write(1000)
		f.looks()
		f.end()
		c.ledger.check(t, "graphite", c.written, nil)
	}
	c.exact()
}

// looks waits until the daemon has looked at its logs, which it does each second
// even if it was told of nothing.
func (f *fleet) looks() {
	f.t.Helper()
	began := time.Now()
	testutil.Eventually(f.t, patience, func() bool { return time.Since(began) > 4*time.Second })
}

// TestLogrotate: the snippets of deploy/logrotate, and logrotate itself, while a
// daemon reads.
func TestLogrotate(t *testing.T) {
	t.Parallel()
	logrotate := testutil.Peer(t, "logrotate")
	for _, snippet := range []string{"rename", "copytruncate"} {
		t.Run(snippet, func(t *testing.T) {
			t.Parallel()
			c := newCrewed(t, snippet)
			text, err := os.ReadFile("../../deploy/logrotate/" + snippet)
			require.NoError(t, err)
			conf := strings.ReplaceAll(string(text), "/var/log/app/app.log", c.log())
			if os.Geteuid() != 0 {
				conf = regexp.MustCompile(`create .*`).ReplaceAllString(conf, "create 0640")
			}
			require.NotEqual(t, string(text), conf)
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600))
			rotate := func() {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), logrotate, "-f", "-s", filepath.Join(dir, "state"), filepath.Join(dir, "conf"))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				require.False(t, errors.As(err, &exit), "%s", out)
				require.NoError(t, err)
			}
			c.write(100)
			f := newFleet(t, interval*time.Second, c)
			for range 3 {
				c.write(1000)
				rotate()
				c.write(1000)
				c.nextBatch()
				c.write(1000)
				if snippet == "rename" { // a copy that nobody has read yet is lost when the next is made over it
					rotate()
					c.write(1000)
				}
				rotate()
				c.write(1000)
				c.nextBatch()
			}
			f.end()
			c.exact()
			compressed, err := filepath.Glob(c.file(".*.gz"))
			require.NoError(t, err)
			assert.NotEmpty(t, compressed)
		})
	}
}
