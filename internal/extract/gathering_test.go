package extract_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// journal is a store of batches in one file, synced with each: what a gatherer
// needs, and nothing to be wrong about.
type journal struct {
	mu     sync.Mutex // protects the fields below
	file   *os.File
	newest map[string]uint64
	sums   map[string]map[int64]metric.Bucket // by series, then second
}

// merged is a value of a batch in the journal.
type merged struct {
	Name   string
	Unix   int64
	Bucket metric.Bucket
}

type entry struct {
	Job    string
	Seq    uint64
	Values []merged
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, newest: make(map[string]uint64), sums: make(map[string]map[int64]metric.Bucket)}
	whole := int64(0)
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break // the end, or an entry that was cut
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("journal at %d: %w", whole, err)
		}
		j.apply(e)
		whole += int64(len(line))
	}
	if err := f.Truncate(whole); err != nil {
		return nil, err
	}
	_, err = f.Seek(whole, 0)
	return j, err
}

func (j *journal) apply(e entry) {
	j.newest[e.Job] = e.Seq
	for _, v := range e.Values {
		of := j.sums[v.Name]
		if of == nil {
			of = make(map[int64]metric.Bucket)
			j.sums[v.Name] = of
		}
		b := of[v.Unix]
		b.Merge(v.Bucket)
		of[v.Unix] = b
	}
}

// journalWriter is a way into the journal; it dies now and then, see commit.
type journalWriter struct {
	j      *journal
	deaths int // one of so many commits kills the process; 0: none does
	values []merged
}

func (w *journalWriter) Merge(name []byte, _ metric.Method, unix int64, b metric.Bucket) store.Refusal {
	w.values = append(w.values, merged{string(name), unix, b})
	return store.Taken
}

func (w *journalWriter) Reset() { w.values = nil }

func (w *journalWriter) Commit(id metric.BatchID) (repeated bool, err error) {
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	defer w.Reset()
	e := entry{hex.EncodeToString(id.Job[:]), id.Seq, w.values}
	if w.j.newest[e.Job] >= id.Seq {
		return true, nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return false, err
	}
	w.die() // before it is kept
	if _, err = w.j.file.Write(append(line, '\n')); err == nil {
		err = w.j.file.Sync()
	}
	w.die() // when it is kept, and nobody was told
	w.j.apply(e)
	return false, err
}

func (w *journalWriter) die() {
	if w.deaths > 0 && rand.IntN(w.deaths) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// gathererEnv makes the test's own binary a gatherer: the journal's file, the
// address, and one of how many commits is its end.
const gathererEnv = "LOGMETRICS_TEST_GATHERER"

// beGatherer serves until it is killed.
func beGatherer(spec string) int {
	words := strings.Split(spec, " ")
	deaths, err := strconv.Atoi(words[2])
	if err == nil {
		err = gather(words[0], words[1], deaths)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func gather(path, address string, deaths int) error {
	j, err := openJournal(path)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(gatherer.Path, ingest.NewGatherer(ingest.GathererOptions{
		Writer: func() ingest.BatchWriter { return &journalWriter{j: j, deaths: deaths} },
	}))
	return http.ListenAndServe(address, mux)
}

// gathering is a gatherer in a process of its own, which is started again
// whenever it dies.
type gathering struct {
	t       testing.TB
	path    string
	address string

	mu     sync.Mutex // protects the fields below
	deaths int
	cmd    *exec.Cmd
	died   int
	closed bool
	ended  chan struct{}
}

func newGathering(t testing.TB, deaths int) *gathering {
	t.Helper()
	g := &gathering{t: t, path: filepath.Join(memDir(t), "journal"), address: loopback(t), deaths: deaths, ended: make(chan struct{})}
	g.start()
	go g.supervise()
	t.Cleanup(g.stop)
	testutil.Eventually(t, patience, func() bool {
		res, err := http.Get("http://" + g.address + gatherer.Path)
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return g
}

func (g *gathering) start() {
	g.cmd = exec.Command(os.Args[0])
	g.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", gathererEnv, g.path, g.address, g.deaths))
	g.cmd.Stderr = g.t.Output()
	require.NoError(g.t, g.cmd.Start())
}

func (g *gathering) supervise() {
	defer close(g.ended)
	for {
		_ = g.cmd.Wait() // it is killed
		g.mu.Lock()
		if g.closed {
			g.mu.Unlock()
			return
		}
		g.died++
		g.start()
		g.mu.Unlock()
	}
}

// kill is kill -9; another one is started at once.
func (g *gathering) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.cmd.Process.Kill() // it may be dead already
}

// spare has it die no more.
func (g *gathering) spare() {
	g.mu.Lock()
	g.deaths = 0
	g.mu.Unlock()
	g.kill()
}

func (g *gathering) deadTimes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.died
}

// stop ends it for good.
func (g *gathering) stop() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.kill()
	<-g.ended
}

// kept returns what it has, after stop.
func (g *gathering) kept() *journal {
	g.t.Helper()
	j, err := openJournal(g.path)
	require.NoError(g.t, err)
	require.NoError(g.t, j.file.Close())
	return j
}

// killedAfter has fn run, while the gatherer is killed after the given time.
func (g *gathering) killedAfter(d time.Duration, fn func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(d, func() { g.kill(); close(done) })
	fn()
	if timer.Stop() {
		return
	}
	<-done
}
