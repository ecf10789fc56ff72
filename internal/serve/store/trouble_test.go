package store_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

func TestSecondOpenIsLocked(t *testing.T) {
	fs := vfs.NewMem()
	c := &clock{unix: epoch}
	db := opened(t, fs, c)
	_, err := store.Open(store.Options{Dir: "data", FS: fs, Now: c.now})
	require.ErrorIs(t, err, store.ErrLocked)
	require.NoError(t, db.Close())
	require.NoError(t, opened(t, fs, c).Close())
}

// disk is full while it is told so: nothing can be written or made, but what
// Pebble ends the process for, for which the store holds a reserve; a compaction
// may be under way.
type disk struct{ full atomic.Bool }

func (d *disk) String() string { return "disk" }

func (d *disk) MaybeError(op errorfs.Op) error {
	if strings.Contains(op.Path, "MANIFEST") || strings.Contains(op.Path, "marker.") {
		return nil
	}
	if d.full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose && op.Kind != errorfs.OpRemove {
		return syscall.ENOSPC
	}
	return nil
}

func TestFullDisk(t *testing.T) {
	d := &disk{}
	fs := errorfs.Wrap(vfs.NewMem(), d)
	c := &clock{unix: epoch}
	open := func() *store.DB {
		db, err := store.Open(store.Options{Dir: "data", FS: fs, Now: c.now, SealEvery: -1, MaxPending: 64 << 10, Schemas: rules(t, "10s:1d,1m:10d")})
		require.NoError(t, err)
		return db
	}
	db := open()
	start := c.unix
	fill(t, db, c, 1200, "a.b", "a.c")
	require.NoError(t, db.Sync())
	d.full.Store(true)
	w := db.NewWriter()
	var full error
	for full == nil {
		for _, name := range []string{"a.b", "a.c"} {
			require.Equal(t, store.Taken, w.Put([]byte(name), 0, c.unix, float64(c.unix%1000)))
		}
		if full = w.Flush(); full == nil {
			c.forward(10)
		}
		require.Less(t, c.unix, start+86400/2, "never full")
	}
	require.ErrorIs(t, full, store.ErrFull)
	assert.Error(t, db.Sync())
	assert.Error(t, db.Tend(t.Context()))
	assert.Equal(t, store.Taken, w.Put([]byte("new"), 0, c.unix, 1), "new names wait as samples do")
	require.ErrorIs(t, w.Flush(), store.ErrFull)
	require.ErrorIs(t, db.NewWriter().Flush(), store.ErrFull, "who has nothing to hand on is told, too")
	_, err := w.Commit(metric.BatchID{Seq: 1})
	require.ErrorIs(t, err, store.ErrFull)
	checkFilled(t, db, "a.b", start, c.unix)

	d.full.Store(false)
	require.NoError(t, db.Sync())
	require.NoError(t, w.Flush(), "what was refused is still there")
	assert.Equal(t, []float64{1}, fetched(t, db, "new", c.unix, c.unix+10, 10))
	c.forward(10)
	require.NoError(t, db.Tend(t.Context()))
	checkFilled(t, db, "a.b", start, c.unix)
	require.NoError(t, db.Close())
	db = open()
	checkFilled(t, db, "a.b", start, c.unix)
	checkFilled(t, db, "a.c", start, c.unix)
	require.NoError(t, db.Close())
}

func TestSealThatFailedIsMadeLater(t *testing.T) {
	d := &disk{}
	fs := errorfs.Wrap(vfs.NewMem(), d)
	c := &clock{unix: epoch}
	db := openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	start := c.unix
	fill(t, db, c, 900, "a.b")
	for range 3 {
		d.full.Store(true)
		require.Error(t, db.Tend(t.Context()))
		d.full.Store(false)
		checkFilled(t, db, "a.b", start, c.unix)
		fill(t, db, c, 290, "a.b") // no tending in it
		checkFilled(t, db, "a.b", start, c.unix)
	}
	require.NoError(t, db.Tend(t.Context()))
	checkFilled(t, db, "a.b", start, c.unix)
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	checkFilled(t, db, "a.b", start, c.unix)
	require.NoError(t, db.Close())
}

func TestDeleteAndRename(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	s := rules(t, "10s:1d,1m:10d")
	db := openedWith(t, fs, c, s)
	start := c.unix
	fill(t, db, c, 3600, "a.b", "a.c", "a.d")
	require.ErrorIs(t, db.Delete("a.x"), store.ErrNoSeries)
	require.ErrorIs(t, db.Rename("a.b", "a.c"), store.ErrExists)
	require.ErrorIs(t, db.Rename("a.x", "a.y"), store.ErrNoSeries)
	require.NoError(t, db.Delete("a.b"))
	require.NoError(t, db.Rename("a.c", "z"))
	check := func() {
		_, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: c.unix})
		require.ErrorIs(t, err, store.ErrNoSeries)
		_, err = db.Fetch(t.Context(), "a.c", store.FetchOptions{From: start, Until: c.unix})
		require.ErrorIs(t, err, store.ErrNoSeries)
		checkFilled(t, db, "z", start, c.unix)
		checkFilled(t, db, "a.d", start, c.unix)
	}
	check()
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, s)
	check()
	require.NoError(t, db.Tend(t.Context()))
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, s)
	check()

	// Under its old name a new series begins, without what the old one had.
	w := db.NewWriter()
	require.Equal(t, store.Taken, w.Put([]byte("a.b"), 0, c.unix, 7))
	require.NoError(t, w.Flush())
	got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: c.unix + 10, Step: 10})
	require.NoError(t, err)
	for _, v := range got.Value[:len(got.Value)-1] {
		require.True(t, math.IsNaN(v))
	}
	assert.InDelta(t, 7, got.Value[len(got.Value)-1], 0)
	require.NoError(t, db.Close())
}

func TestWriterForgetsRenamedNamesAtOnce(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d"))
	w := db.NewWriter()
	put := func(name string, v float64) { require.Equal(t, store.Taken, w.Put([]byte(name), 0, c.unix, v)) }
	last := func(name string) float64 {
		got, err := db.Fetch(t.Context(), name, store.FetchOptions{From: c.unix, Until: c.unix + 10, Step: 10})
		require.NoError(t, err)
		return got.Value[0]
	}
	put("a", 1)
	require.NoError(t, w.Flush())
	require.NoError(t, db.Rename("a", "b"))
	put("a", 2)
	require.NoError(t, w.Flush())
	assert.InDelta(t, 1, last("b"), 0, "went to the series that has another name by now")
	assert.InDelta(t, 2, last("a"), 0)
	require.NoError(t, db.Close())
}

// TestDeleteWhileWriting has writers that know names which others delete and
// rename: a value of one name must never be read under another.
func TestDeleteWhileWriting(t *testing.T) {
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	defer db.Close()
	var wait sync.WaitGroup
	for g := range 2 {
		wait.Go(func() {
			w := db.NewWriter()
			for i := range 3000 {
				n := (i + g) % 20
				w.Put(fmt.Appendf(nil, "d.n%d", n), 0, epoch+int64(i/100)*10, float64(n))
				if i%7 == 0 {
					assert.NoError(t, w.Flush())
				}
			}
			assert.NoError(t, w.Flush())
		})
	}
	wait.Go(func() {
		for i := range 300 {
			err := db.Delete(fmt.Sprintf("d.n%d", i%10))
			assert.True(t, err == nil || errors.Is(err, store.ErrNoSeries))
			if i%50 == 0 {
				assert.NoError(t, db.Tend(t.Context()))
			}
		}
	})
	wait.Wait()
	for n := range 20 {
		got, err := db.Fetch(t.Context(), fmt.Sprintf("d.n%d", n), store.FetchOptions{From: epoch, Until: epoch + 400})
		if n < 10 && errors.Is(err, store.ErrNoSeries) {
			continue
		}
		require.NoError(t, err)
		for _, v := range got.Value {
			assert.True(t, math.IsNaN(v) || v == float64(n), "%v under d.n%d", v, n)
		}
	}
}

// TestFetchWhileSealing reads what was flushed at every moment of seals and folds:
// a bucket that goes from the head into a frame is never missing, nor there twice.
func TestFetchWhileSealing(t *testing.T) {
	var flushed atomic.Int64 // all before this second
	flushed.Store(epoch)
	var wait sync.WaitGroup
	done := make(chan struct{})
	now := func() time.Time { return time.Unix(flushed.Load(), 0) }
	db, err := store.Open(store.Options{Dir: "other", FS: vfs.NewMem(), Now: now, SealEvery: -1, Schemas: rules(t, "10s:10d,1m:20d")})
	require.NoError(t, err)
	defer db.Close()
	wait.Go(func() {
		defer close(done)
		w := db.NewWriter()
		for i := int64(0); i < 3000 || i < 80_000 && db.Stats().Folds == 0; i++ { // on one core, there may be no turn for a fold in 3000
			for n := range 70 {
				w.Put(fmt.Appendf(nil, "s.n%02d", n), metric.Sum, epoch+i*10, 1)
			}
			if !assert.NoError(t, w.Flush()) {
				return
			}
			flushed.Store(epoch + (i+1)*10)
		}
	})
	wait.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				assert.NoError(t, db.TendYoung(t.Context()))
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		until := flushed.Load()
		for _, step := range []int64{10, 60} {
			end := until - until%60
			if end <= epoch {
				continue
			}
			got, err := db.Fetch(t.Context(), "s.n33", store.FetchOptions{From: epoch, Until: end, Step: step})
			require.NoError(t, err)
			for i, n := range got.Count {
				require.EqualValues(t, step/10, n, "bucket %d of %d, step %d", i, len(got.Count), step)
			}
		}
	}
	wait.Wait()
	assert.Positive(t, db.Stats().Folds)
}

func TestCopyWhileWriting(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	s := rules(t, "10s:1d,1m:10d")
	db := openedWith(t, fs, c, s)
	start := c.unix
	fill(t, db, c, 1500, "a.b", "a.c")
	taken := c.unix
	require.NoError(t, db.Checkpoint(t.Context(), "copy"))
	require.Error(t, db.Checkpoint(t.Context(), "copy"))
	fill(t, db, c, 1500, "a.b", "a.c")
	checkFilled(t, db, "a.b", start, c.unix)
	require.NoError(t, db.Close())
	db, err := store.Open(store.Options{Dir: "copy", FS: fs, Now: c.now, Schemas: s, SealEvery: -1})
	require.NoError(t, err)
	checkFilled(t, db, "a.b", start, taken)
	checkFilled(t, db, "a.c", start, taken)
	require.NoError(t, db.Close())
}

// TestFlippedBytes damages each file of the engine in places: the store starts,
// notices, and shows nothing wrong.
func TestFlippedBytes(t *testing.T) {
	c := &clock{unix: epoch}
	s := rules(t, "10s:1d,1m:10d")
	fs := vfs.NewMem()
	db := openedWith(t, fs, c, s)
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("series.number%03d", i))
	}
	start := c.unix
	fill(t, db, c, 3000, names...)
	require.NoError(t, db.Close())
	files, err := fs.List("data/pebble")
	require.NoError(t, err)
	seen := 0
	for _, f := range files {
		if strings.HasSuffix(f, ".sst") {
			for _, part := range []int64{3, 2} {
				seen += damagedShows(t, fs, filepath.Join("data/pebble", f), part, c, start, names)
			}
		}
	}
	assert.Positive(t, seen, "no damage was noticed")
}

// damagedShows flips a byte at 1/part of the file, and returns how much damage
// the store noticed.
func damagedShows(t *testing.T, fs vfs.FS, path string, part int64, c *clock, start int64, names []string) int {
	t.Helper()
	flip := func() {
		f, err := fs.OpenReadWrite(path, "test")
		require.NoError(t, err)
		info, err := f.Stat()
		require.NoError(t, err)
		var b [1]byte
		_, err = f.ReadAt(b[:], info.Size()/part)
		require.NoError(t, err)
		b[0] ^= 0x10
		_, err = f.WriteAt(b[:], info.Size()/part)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	mem := vfs.NewMem()
	flip()
	_, err := vfs.Clone(fs, mem, "data", "data")
	require.NoError(t, err)
	flip()
	db, err := store.Open(store.Options{Dir: "data", FS: mem, Now: c.now, Schemas: rules(t, "10s:1d,1m:10d"), SealEvery: -1})
	require.NoError(t, err, path)
	defer func() { assert.NoError(t, db.Close()) }()
	whole := 0
	for _, name := range names {
		got, err := db.Fetch(t.Context(), name, store.FetchOptions{From: start, Until: c.unix, Step: 10})
		if errors.Is(err, store.ErrNoSeries) {
			continue
		}
		require.NoError(t, err)
		missing := 0
		for i, v := range got.Value {
			if math.IsNaN(v) {
				missing++
				continue
			}
			require.Equal(t, float64((start+int64(i)*10)%1000), v, "%s of %s", name, path)
		}
		if missing == 0 {
			whole++
		}
	}
	found := int(db.Stats().Damaged)
	require.NoError(t, db.Verify(t.Context(), func(store.Damage) { found++ }))
	if found > 0 {
		t.Logf("%s at 1/%d: %d of %d series are whole, %d damages", path, part, whole, len(names), found)
	} else {
		require.Equal(t, len(names), whole, "loss that was not noticed: %s at 1/%d", path, part)
	}
	return found
}
