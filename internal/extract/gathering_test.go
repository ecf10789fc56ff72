package extract_test

import (
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

// mortal is a way into a store that dies now and then around a commit: the
// instants that a kill from outside seldom meets.
type mortal struct {
	*store.Writer
	deaths int // two of so many commits kill the process; 0: none does
}

// Commit implements ingest.BatchWriter.
func (w mortal) Commit(id metric.BatchID) (repeated bool, err error) {
	w.die() // before it is kept
	repeated, err = w.Writer.Commit(id)
	w.die() // when it is kept, and nobody was told
	return repeated, err
}

func (w mortal) die() {
	if w.deaths > 0 && rand.IntN(w.deaths) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// gathererEnv makes the test's own binary a gatherer: the store's directory, the
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

// sealEvery is short, so that the numbers of batches have to outlive seals.
const sealEvery = 50 * time.Millisecond

func gather(dir, address string, deaths int) error {
	db, err := store.Open(store.Options{Dir: dir, SealEvery: sealEvery})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(gatherer.Path, ingest.NewGatherer(ingest.GathererOptions{
		Writer: func() ingest.BatchWriter { return mortal{db.NewWriter(), deaths} },
	}))
	return http.ListenAndServe(address, mux)
}

// gathering is a gatherer in a process of its own, which is started again
// whenever it dies.
type gathering struct {
	t       testing.TB
	dir     string // of the store
	address string

	mu     sync.Mutex // protects the fields below
	deaths int        // see mortal; negative: it is `logmetrics serve`
	cmd    *exec.Cmd
	died   int
	closed bool
	ended  chan struct{}
}

func newGathering(t testing.TB, deaths int) *gathering {
	t.Helper()
	g := &gathering{t: t, dir: filepath.Join(memDir(t), "data"), address: testutil.FreeAddress(t), deaths: deaths, ended: make(chan struct{})}
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
	if g.deaths < 0 {
		g.cmd = exec.Command(program(g.t), "serve", "--data", g.dir, "--http", g.address,
			"--statsd=off", "--carbon=off", "--pickle=off", "--influx-udp=off")
	} else {
		g.cmd = exec.Command(os.Args[0])
		g.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", gathererEnv, g.dir, g.address, g.deaths))
	}
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
	g.deaths = min(g.deaths, 0)
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

// open opens what it has kept, after stop.
func (g *gathering) open() *store.DB {
	g.t.Helper()
	return openStore(g.t, g.dir)
}

func openStore(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(store.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// buckets returns what the store has of a series since the second from, by the
// starts of the buckets, in the tier of step seconds; 0: in the finest.
func buckets(t testing.TB, db *store.DB, name string, from, step int64) map[int64]metric.Bucket {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: from, Until: time.Now().Unix() + 3600, Step: step})
	require.NoError(t, err)
	all := make(map[int64]metric.Bucket)
	for i, n := range c.Count {
		if n > 0 {
			all[c.Start+int64(i)*c.Step] = metric.Bucket{Count: n, Sum: c.Sum[i], Min: c.Min[i], Max: c.Max[i], M2: c.M2[i], Last: c.Last[i]}
		}
	}
	return all
}

// total is the sum of a series' buckets.
func total(of map[int64]metric.Bucket) (sum float64) {
	for _, b := range of {
		sum += b.Sum
	}
	return sum
}
