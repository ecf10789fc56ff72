package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// epoch is when tests take place: the start of an hour.
const epoch = 1_700_003_600 / 3600 * 3600

// clock is the time of a store, which goes on by its test only.
type clock struct {
	mu   sync.Mutex // for those who are not the test
	unix int64
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(c.unix, 0)
}

func (c *clock) forward(seconds int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unix += seconds
}

func opened(t testing.TB, fs vfs.FS, c *clock) *store.DB {
	t.Helper()
	db, err := store.Open(store.Options{Dir: "data", FS: fs, Now: c.now})
	require.NoError(t, err)
	return db
}

func fetched(t testing.TB, db *store.DB, name string, from, until, step int64) []float64 {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: from, Until: until, Step: step})
	require.NoError(t, err)
	return c.Value
}

func TestPutReplacesTheSameSecond(t *testing.T) {
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	w := db.NewWriter()
	name := []byte("a.b")
	for range 2 {
		require.Equal(t, store.Taken, w.Put(name, metric.Unset, epoch, 1))
		require.Equal(t, store.Taken, w.Put(name, metric.Unset, epoch+10, 5))
		require.Equal(t, store.Taken, w.Put(name, metric.Unset, epoch+20, 7))
		require.NoError(t, w.Flush())
	}
	got := fetched(t, db, "a.b", epoch, epoch+30, 10)
	assert.Equal(t, []float64{1, 5, 7}, got)
	assert.Equal(t, []float64{13. / 3}, fetched(t, db, "a.b", epoch, epoch+300, 300))
	require.NoError(t, db.Close())
}

func TestReopenHasAll(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	db := opened(t, fs, c)
	w := db.NewWriter()
	for i := range 1000 {
		name := fmt.Appendf(nil, "n%d", i%100)
		require.Equal(t, store.Taken, w.Put(name, metric.Sum, epoch+int64(i/100)*10, float64(i)))
	}
	repeated, err := w.Commit(metric.BatchID{Job: [16]byte{1}, Seq: 7})
	require.NoError(t, err)
	assert.False(t, repeated)
	require.NoError(t, db.Close())

	db = opened(t, fs, c)
	defer db.Close()
	w = db.NewWriter()
	assert.Equal(t, []float64{42, 142, 242}, fetched(t, db, "n42", epoch, epoch+30, 10))
	assert.Equal(t, []float64{42 + 142 + 242 + 342 + 442 + 542 + 642 + 742 + 842 + 942}, fetched(t, db, "n42", epoch, epoch+300, 300))
	require.Equal(t, store.Taken, w.Put([]byte("n42"), metric.Sum, epoch, 1e6))
	repeated, err = w.Commit(metric.BatchID{Job: [16]byte{1}, Seq: 7})
	require.NoError(t, err)
	assert.True(t, repeated)
	assert.Equal(t, []float64{42}, fetched(t, db, "n42", epoch, epoch+10, 10))
}

func TestRefusals(t *testing.T) {
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	defer db.Close()
	w := db.NewWriter()
	assert.Equal(t, store.BadValue, w.Put([]byte("a"), 0, epoch, math.NaN()))
	assert.Equal(t, store.BadValue, w.Put([]byte("a"), 0, epoch, 1e101))
	assert.Equal(t, store.BadTime, w.Put([]byte("a"), 0, epoch+86401, 1))
	assert.Equal(t, store.BadTime, w.Put([]byte("a"), 0, epoch-4*365*86400, 1))
	assert.Equal(t, store.BadName, w.Put(nil, 0, epoch, 1))
	assert.Equal(t, store.BadValue, w.Merge([]byte("a"), 0, epoch, metric.Bucket{}))
}

// TestTimesAreOfTheClock: a writer that was quiet for days takes what is now.
func TestTimesAreOfTheClock(t *testing.T) {
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	defer db.Close()
	w := db.NewWriter()
	require.Equal(t, store.BadTime, w.Put([]byte("a"), 0, epoch+5*86400, 1))
	c.forward(5 * 86400)
	require.Equal(t, store.Taken, w.Put([]byte("a"), 0, epoch+5*86400, 1))
	require.Equal(t, store.BadTime, w.Put([]byte("a"), 0, c.unix+86401, 1))
}

// TestAddsOfOneSecond: parts of a sum add up within their second, before and after
// a new start, and a Put replaces them.
func TestAddsOfOneSecond(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	add := func(unix int64, v float64) {
		db := opened(t, fs, c)
		w := db.NewWriter()
		require.Equal(t, store.Taken, w.Add([]byte("a"), metric.Sum, unix, v))
		require.Equal(t, store.Taken, w.Put([]byte("b"), metric.Sum, unix, v))
		require.NoError(t, w.Flush())
		require.NoError(t, db.Close())
	}
	add(epoch, 3)
	add(epoch, 4)
	add(epoch, 0)
	add(epoch+10, 5)
	db := opened(t, fs, c)
	assert.Equal(t, []float64{7, 5}, fetched(t, db, "a", epoch, epoch+20, 10))
	assert.Equal(t, []float64{12}, fetched(t, db, "a", epoch, epoch+300, 300))
	assert.Equal(t, []float64{0, 5}, fetched(t, db, "b", epoch, epoch+20, 10))
	w := db.NewWriter()
	require.Equal(t, store.Taken, w.Put([]byte("a"), metric.Sum, epoch+10, 1))
	require.NoError(t, w.Flush())
	assert.Equal(t, []float64{7, 1}, fetched(t, db, "a", epoch, epoch+20, 10))
	require.NoError(t, db.Close())
}

// TestLateAdds: parts of a sum whose bucket is closed, then sealed, add up in each tier.
func TestLateAdds(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	db := openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	add := func(unix int64, v float64) {
		w := db.NewWriter()
		require.Equal(t, store.Taken, w.Add([]byte("a"), metric.Sum, unix, v))
		require.NoError(t, w.Flush())
	}
	check := func(want float64, what string) {
		t.Helper()
		assert.Equal(t, want, fetched(t, db, "a", epoch, epoch+10, 10)[0], what)
		assert.Equal(t, want+1, fetched(t, db, "a", epoch, epoch+60, 60)[0], what)
	}
	add(epoch, 2)
	add(epoch+10, 1)
	add(epoch, 3)
	check(5, "closed")
	c.forward(600)
	require.NoError(t, db.Tend(t.Context()))
	add(epoch, 4)
	add(epoch, 5)
	check(14, "sealed, and waiting")
	assert.EqualValues(t, 2, db.Stats().Late)
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	check(14, "after a new start")
	require.NoError(t, db.Tend(t.Context()))
	check(14, "sealed")
	require.NoError(t, db.Close())
}

// TestSpellingsAreBounded sends a few series with their tags in ever other orders.
func TestSpellingsAreBounded(t *testing.T) {
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	defer db.Close()
	w := db.NewWriter()
	rng := rand.New(rand.NewPCG(1, 1))
	tags := make([]string, 40)
	for i := range tags {
		tags[i] = fmt.Sprintf(";tag%02d=value", i)
	}
	spellings, bytes := 0, 0
	for range 50_000 {
		rng.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
		require.Equal(t, store.Taken, w.Put([]byte("a.b"+strings.Join(tags, "")), 0, epoch, 1))
		n, size := w.Known()
		spellings, bytes = max(spellings, n), max(bytes, size)
	}
	assert.Equal(t, 1, db.Names().Len())
	assert.LessOrEqual(t, spellings, 40_000)
	assert.LessOrEqual(t, bytes, 5<<20)
	assert.Greater(t, spellings, 5_000, "few are known at a time")
}

func BenchmarkPut(b *testing.B) {
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: b.TempDir(), Now: c.now})
	require.NoError(b, err)
	defer db.Close()
	const n = 100_000
	names := make([][]byte, n)
	for i := range names {
		names[i] = fmt.Appendf(nil, "servers.host%04d.cpu.core%02d.user", i*7919%n/20, i*7919%n%20)
	}
	w := db.NewWriter()
	b.ReportAllocs()
	second := int64(epoch)
	i := 0
	for b.Loop() {
		w.Put(names[i], metric.Unset, second, float64(i%1000)/10)
		if i++; i%1000 == 0 {
			require.NoError(b, w.Flush())
		}
		if i == n {
			i = 0
			second += 10
		}
	}
}
