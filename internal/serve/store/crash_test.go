package store_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// life is a small workload: all that a store does, in a few hundred steps.
type life struct {
	t     testing.TB
	fs    vfs.FS
	rng   *rand.Rand
	clock clock
	db    *store.DB
	w     *store.Writer

	mu        sync.Mutex // crashes are taken by goroutines of the engine, too
	now       *ledger
	states    []*ledger // after each record of the log: a crash leaves one of them
	confirmed int       // this one, or a later one
}

func newLife(t testing.TB, fs vfs.FS, seed uint64) *life {
	l := &life{t: t, fs: fs, rng: rand.New(rand.NewPCG(seed, 3)), clock: clock{unix: epoch}, now: newLedger()}
	l.states = []*ledger{l.now.clone()}
	return l
}

func (l *life) options(log *slog.Logger) store.Options {
	return store.Options{Dir: "data", FS: l.fs, Now: l.clock.now, Schemas: shortSchemas(l.t), SealEvery: -1, Log: log}
}

// open opens the store; it reports whether it could.
func (l *life) open() bool {
	db, err := store.Open(l.options(nil))
	if err != nil {
		l.db = nil
		return false
	}
	l.db, l.w = db, db.NewWriter()
	return true
}

// issue notes that a record is on its way. do changes the ledger.
func (l *life) issue(do func(now *ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do(l.now)
	l.states = append(l.states, l.now.clone())
}

// confirm notes that all that was issued is durable.
func (l *life) confirm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirmed = len(l.states) - 1
}

const putSeries, mergeSeries = 70, 3 // more than one block of the first ones

func (l *life) put(name string, unix int64, v float64) {
	require.Equal(l.t, store.Taken, l.w.Put([]byte(name), metric.Sum, unix, v))
}

// puts hands on a value of many series for this time, and some late ones.
func (l *life) puts() {
	unix := l.clock.unix
	values := map[string]float64{}
	for range 5 + l.rng.IntN(10) {
		values[fmt.Sprintf("put.n%d", l.rng.IntN(putSeries))] = float64(1 + l.rng.IntN(1000))
	}
	l.issue(func(now *ledger) {
		for name, v := range values {
			now.put(name, unix, v)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(values)) {
		l.put(name, unix, values[name])
	}
	require.NoError(l.t, l.w.Flush())
}

// again puts other values where there are some: late ones replace them.
func (l *life) again() {
	name := fmt.Sprintf("put.n%d", l.rng.IntN(putSeries))
	l.issue(func(now *ledger) {
		for _, unix := range slices.Sorted(maps.Keys(now.puts[name])) {
			if unix < l.clock.unix-90*60 || l.rng.IntN(3) > 0 {
				continue
			}
			v := float64(1 + l.rng.IntN(1000))
			now.put(name, unix, v)
			l.put(name, unix, v)
		}
	})
	require.NoError(l.t, l.w.Flush())
}

// commit hands on a batch of buckets, some of them late.
func (l *life) commit() {
	id := metric.BatchID{Job: [16]byte{byte(1 + l.rng.IntN(2))}}
	l.issue(func(now *ledger) {
		id.Seq = now.batches[id.Job] + 1
		now.batches[id.Job] = id.Seq
		for range 1 + l.rng.IntN(8) {
			name := fmt.Sprintf("merge.n%d", l.rng.IntN(mergeSeries))
			unix := l.clock.unix - int64(l.rng.IntN(2))*int64(l.rng.IntN(90*60))
			v := float64(l.rng.IntN(100))
			b := metric.Bucket{Count: 2, Sum: 2 * v, Min: v, Max: v, Last: v}
			now.merge(name, unix, b)
			require.Equal(l.t, store.Taken, l.w.Merge([]byte(name), metric.Sum, unix, b))
		}
	})
	repeated, err := l.w.Commit(id)
	assert.False(l.t, repeated)
	if err == nil {
		l.confirm()
	}
}

func (l *life) removeOrRename() {
	from, to := fmt.Sprintf("put.n%d", l.rng.IntN(putSeries)), fmt.Sprintf("put.n%d", l.rng.IntN(putSeries))
	remove := l.rng.IntN(2) == 0
	if l.now.puts[from] == nil || !remove && (from == to || l.now.puts[to] != nil) {
		return
	}
	l.issue(func(now *ledger) {
		if remove {
			now.remove(from)
			return
		}
		now.rename(from, to)
	})
	if remove {
		require.NoError(l.t, l.db.Delete(from))
		return
	}
	require.NoError(l.t, l.db.Rename(from, to))
}

// keep changes a value kept beside series.
func (l *life) keep() {
	key, value := fmt.Sprintf("key.%d", l.rng.IntN(4)), fmt.Sprint("value ", l.rng.IntN(1000))
	drop := l.rng.IntN(4) == 0
	l.issue(func(now *ledger) {
		if now.kept[key] = value; drop {
			delete(now.kept, key)
		}
	})
	var err error
	if drop {
		err = l.db.Drop(key)
	} else {
		err = l.db.Keep(key, []byte(value))
	}
	if err == nil {
		l.confirm()
	}
}

func (l *life) sync() {
	if l.db.Sync() == nil {
		l.confirm()
	}
}

// step does one thing; mostly time goes on by ten seconds or a minute, sometimes
// by so much that partitions end or expire.
func (l *life) step() {
	switch n := l.rng.IntN(20); {
	case n < 7:
		l.puts()
	case n < 9:
		l.again()
	case n < 12:
		l.commit()
	case n < 13:
		l.removeOrRename()
	case n < 14:
		l.keep()
	case n < 16:
		l.sync()
	default:
		_ = l.db.Tend(l.t.Context()) // errors are met by the next one
	}
	l.clock.forward(10 + 50*int64(l.rng.IntN(2)))
	if l.rng.IntN(20) == 0 {
		_ = l.db.Tend(l.t.Context()) // late ones must find what they replace
		l.clock.forward(3600 * int64(1+l.rng.IntN(2)))
	}
}

// run lives n steps, with a reopening in the middle.
func (l *life) run(n int) {
	require.True(l.t, l.open())
	for i := range n {
		l.step()
		if i == n/2 {
			require.NoError(l.t, l.db.Close())
			l.confirm()
			require.True(l.t, l.open())
		}
	}
	require.NoError(l.t, l.db.Close())
	l.confirm()
}

// eagerFS makes the removal of a file durable at once. A crash of vfs.MemFS leaves
// files whose removal was not synced, so one that comes too early is not seen.
type eagerFS struct{ vfs.FS }

func (fs eagerFS) Remove(name string) error {
	err := fs.FS.Remove(name)
	if err == nil {
		err = fs.syncDir(filepath.Dir(name))
	}
	return err
}

func (fs eagerFS) syncDir(dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return err
	}
	return d.Close()
}

// linkFS keeps links and crashes apart: a vfs.MemFS that is cloned during a Link
// waits for itself.
type linkFS struct {
	*vfs.MemFS
	mu sync.Mutex
}

func (fs *linkFS) Link(from, to string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.MemFS.Link(from, to)
}

func (fs *linkFS) CrashClone(cfg vfs.CrashCloneCfg) *vfs.MemFS {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.MemFS.CrashClone(cfg)
}

// crash is what a crash leaves, and what may be in it.
type crash struct {
	fs       *vfs.MemFS
	now      int64
	from, to int // states
	what     string
}

// eachFlag is how many operations there are for one crash, or for an error: all of
// them take minutes, so each run of the tests takes others.
var eachFlag = flag.Uint64("each", 4, "of how many operations of a store one is followed by a crash; 1: each")

// crashes lives a life on a file system that crashes before each operation that
// writes, and returns what is left.
func crashes(t *testing.T, seed uint64, steps int, eager bool) (l *life, list []crash) {
	t.Helper()
	mem := &linkFS{MemFS: vfs.NewCrashableMem()}
	rng := rand.New(rand.NewPCG(seed, 4))
	op := 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		op++
		if uint64(op)%*eachFlag != seed%*eachFlag {
			return nil
		}
		percent := []int{0, 100}[rng.IntN(2)]
		list = append(list, crash{
			fs:  mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}),
			now: l.clock.now().Unix(), from: l.confirmed, to: len(l.states) - 1,
			what: fmt.Sprintf("seed %d, operation %d on %s, %d %%", seed, op, o.Path, percent),
		})
		return nil
	}))
	l = newLife(t, fs, seed)
	if eager {
		l.fs = eagerFS{fs}
	}
	l.run(steps)
	return l, list
}

// check opens what a crash left: it is one of the states that may be.
func (c crash) check(t *testing.T, l *life) {
	t.Helper()
	after := &life{t: t, fs: c.fs, clock: clock{unix: c.now}, rng: l.rng}
	db, err := store.Open(after.options(nil))
	require.NoError(t, err, c.what)
	got := contentsOf(t, db, c.now)
	state := c.to
	for ; state >= c.from; state-- {
		if maps.EqualFunc(l.states[state].at(c.now), got, bytes.Equal) {
			break
		}
	}
	if state < c.from {
		best, diff := -1, ""
		for s := c.from; s <= c.to; s++ {
			if d := got.differs(l.states[s].at(c.now)); best < 0 || len(d) < len(diff) {
				best, diff = s, d
			}
		}
		require.Fail(t, "no state that may be", "%s: the nearest of states %d to %d is %d, but for\n%s", c.what, c.from, c.to, best, diff)
	}
	checkBatches(t, db, l.states[state], c)
	require.NoError(t, db.Close(), c.what)
}

// checkBatches: a batch that is there is known, one that is not is new.
func checkBatches(t *testing.T, db *store.DB, state *ledger, c crash) {
	t.Helper()
	for job := byte(1); job <= 2; job++ {
		seq := state.batches[[16]byte{job}]
		w := db.NewWriter()
		for n := max(seq, 1); n <= seq+1; n++ {
			require.Equal(t, store.Taken, w.Merge([]byte("probe"), metric.Sum, c.now, metric.Bucket{Count: 1}))
			repeated, err := w.Commit(metric.BatchID{Job: [16]byte{job}, Seq: n})
			require.NoError(t, err, c.what)
			require.Equal(t, n == seq, repeated, "%s: batch %d of %d", c.what, n, seq)
		}
	}
}

// TestCrashAtEachOperation: what was confirmed is there, nothing that was never
// put is, and what is there is all that was put up to some moment.
func TestCrashAtEachOperation(t *testing.T) {
	for _, eager := range []bool{false, true} {
		t.Run(fmt.Sprintf("eager removal %v", eager), func(t *testing.T) {
			t.Parallel()
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("-seed %d", seed)
			l, list := crashes(t, seed, 100, eager)
			t.Logf("%d crashes, %d states", len(list), len(l.states))
			for _, c := range list {
				c.check(t, l)
			}
		})
	}
}
