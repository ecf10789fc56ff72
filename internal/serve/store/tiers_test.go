package store_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

func rules(t testing.TB, retentions string) schema.Schemas {
	t.Helper()
	s, err := schema.Parse(schema.File{Name: "s", Text: "[a]\npattern = .*\nretentions = " + retentions + "\n"}, schema.File{})
	require.NoError(t, err)
	return s
}

func openedWith(t testing.TB, fs vfs.FS, c *clock, s schema.Schemas) *store.DB {
	t.Helper()
	db, err := store.Open(store.Options{Dir: "data", FS: fs, Now: c.now, Schemas: s, SealEvery: -1})
	require.NoError(t, err)
	return db
}

// fill puts a value each 10 s from the clock on, and tends the store each 10 minutes.
func fill(t testing.TB, db *store.DB, c *clock, seconds int64, names ...string) {
	t.Helper()
	w := db.NewWriter()
	for end := c.unix + seconds; c.unix < end; c.forward(10) {
		for _, name := range names {
			require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, c.unix, float64(c.unix%1000)))
		}
		require.NoError(t, w.Flush())
		if c.unix%600 == 0 {
			require.NoError(t, db.Tend(t.Context()))
		}
	}
}

// checkFilled compares with what fill put into [from,until).
func checkFilled(t testing.TB, db *store.DB, name string, from, until int64) {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: from, Until: until, Step: 10})
	require.NoError(t, err)
	require.Len(t, c.Value, int(until-from)/10)
	for i, v := range c.Value {
		require.Equal(t, float64((from+int64(i)*10)%1000), v, "at %d", i)
	}
}

func TestEdgesOfTiers(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1h,1m:6h,10m:1d"))
	defer db.Close()
	fill(t, db, c, 8*3600, "a.b")
	now := c.unix
	for _, tc := range []struct{ ago, step int64 }{{3600, 10}, {3601, 60}, {6 * 3600, 60}, {6*3600 + 1, 600}, {86400 * 3, 600}} {
		got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: now - tc.ago, Until: now})
		require.NoError(t, err)
		assert.Equal(t, tc.step, got.Step, "%d s ago", tc.ago)
	}
	checkFilled(t, db, "a.b", now-3600, now)
	got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: now - 7*3600, Until: now, Step: 600})
	require.NoError(t, err)
	for i, n := range got.Count {
		assert.EqualValues(t, 60, n, "bucket %d of %d", i, len(got.Count))
	}
	_, err = db.Fetch(t.Context(), "a.b", store.FetchOptions{From: now - 60, Until: now, Step: 7})
	assert.Error(t, err)
}

func TestExpiredPartitionsGo(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1h,1m:1d"))
	defer db.Close()
	start := c.unix
	fill(t, db, c, 12*3600, "a.b")
	got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: start + 3600, Step: 10})
	require.NoError(t, err)
	for _, n := range got.Count {
		require.Zero(t, n)
	}
	got, err = db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: start + 3600, Step: 60})
	require.NoError(t, err)
	for _, n := range got.Count {
		require.EqualValues(t, 6, n)
	}
	assert.Positive(t, db.Stats().Expired)
	assert.Positive(t, db.Stats().Folds)
}

func TestSeriesThatHoldNothingGo(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	s := rules(t, "10s:1h,1m:1d")
	db := openedWith(t, fs, c, s)
	fill(t, db, c, 1200, "old.one", "old.two", "a.b")
	for range 100 {
		c.forward(3600)
		fill(t, db, c, 10, "a.b")
		require.NoError(t, db.Tend(t.Context()))
	}
	assert.Equal(t, 1, db.Stats().Series)
	require.NoError(t, db.Close())

	// Their numbers are used again, and nothing of them shows.
	db = openedWith(t, fs, c, s)
	start := c.unix
	fill(t, db, c, 1200, "new.one", "new.two", "new.three", "a.b")
	info, ok := db.Series("new.one")
	require.True(t, ok)
	assert.Less(t, info.ID, store.ID(3))
	checkFilled(t, db, "new.one", start, c.unix)
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, s)
	checkFilled(t, db, "new.two", start, c.unix)
	checkFilled(t, db, "a.b", start, c.unix)
	require.NoError(t, db.Close())
}

func TestMethods(t *testing.T) {
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: "data", FS: vfs.NewMem(), Now: c.now, SealEvery: -1})
	require.NoError(t, err)
	defer db.Close()
	w := db.NewWriter()
	for name, m := range map[string]metric.Method{"x.hits": metric.Sum, "x.level": metric.Average, "x.lower": metric.Sum, "x.most": metric.Max, "x.unset": metric.Unset, "x.zero": metric.AvgZero} {
		for i := range int64(3) {
			require.Equal(t, store.Taken, w.Put([]byte(name), m, epoch+i*10, float64(i+1)))
		}
	}
	require.NoError(t, w.Flush())
	for name, want := range map[string]float64{"x.hits": 6, "x.level": 2, "x.lower": 1, "x.most": 3, "x.unset": 2, "x.zero": 6. / 30} {
		assert.Equal(t, []float64{want}, fetched(t, db, name, epoch, epoch+300, 300), name)
		assert.Equal(t, []float64{1, 2, 3}, fetched(t, db, name, epoch, epoch+30, 10), name)
	}
}

func TestMergedSeriesShowTheirMethod(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1h,1m:1d"))
	defer db.Close()
	w := db.NewWriter()
	b := metric.Bucket{Count: 3, Sum: 30, Min: 5, Max: 15, M2: 50, Last: 15}
	for range 2 {
		require.Equal(t, store.Taken, w.Merge([]byte("a"), metric.Sum, epoch+3, b))
	}
	require.NoError(t, w.Flush())
	assert.Equal(t, []float64{60}, fetched(t, db, "a", epoch, epoch+10, 10))
	got, err := db.Fetch(t.Context(), "a", store.FetchOptions{From: epoch, Until: epoch + 60, Step: 60})
	require.NoError(t, err)
	assert.EqualValues(t, 6, got.Count[0])
	assert.InDelta(t, 100, got.M2[0], 1e-9)
}

func TestReloadKeepsWhatWasThere(t *testing.T) {
	c := &clock{unix: epoch}
	fs := vfs.NewMem()
	db := openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	start := c.unix
	fill(t, db, c, 2*3600, "a.b")
	require.NoError(t, db.Reload(rules(t, "20s:2d,5m:20d")))
	middle := c.unix
	fill(t, db, c, 2*3600, "a.b")
	info, ok := db.Series("a.b")
	require.True(t, ok)
	assert.Equal(t, "20:8640,300:5760", info.Tiers.String())
	assert.Len(t, info.Former, 2)
	check := func(db *store.DB) {
		got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: c.unix, Step: 20})
		require.NoError(t, err)
		for i, n := range got.Count {
			require.EqualValues(t, 2, n, "bucket %d, change at %d", i, (middle-start)/20)
		}
		checkFilled(t, db, "a.b", start, middle)
	}
	check(db)
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, rules(t, "20s:2d,5m:20d"))
	check(db)
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, rules(t, "10s:1d,1m:10d"))
	checkFilled(t, db, "a.b", start, middle)
	require.NoError(t, db.Close())
}

// TestLateSamplesAfterAChangeOfRetention: a late sample changes what is there from
// before the change, and does not take its place.
func TestLateSamplesAfterAChangeOfRetention(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,1m:10d,10m:20d"))
	defer db.Close()
	w := db.NewWriter()
	five := metric.Bucket{Count: 1, Sum: 5, Min: 5, Max: 5, Last: 5}
	for i := range int64(6) {
		w.Put([]byte("put"), metric.Sum, epoch+i*10, 5)
		w.Merge([]byte("merged"), metric.Sum, epoch+i*10, five)
	}
	require.NoError(t, w.Flush())
	c.forward(1200)
	require.NoError(t, db.Tend(t.Context()))
	require.NoError(t, db.Reload(rules(t, "10s:2d,1m:12d,10m:20d")))
	w.Put([]byte("put"), metric.Sum, epoch+20, 7)
	w.Merge([]byte("merged"), metric.Sum, epoch+20, five)
	require.NoError(t, w.Flush())
	for range 2 { // before a seal, and behind it
		assert.Equal(t, []float64{5, 5, 7, 5, 5, 5}, fetched(t, db, "put", epoch, epoch+60, 10))
		assert.Equal(t, []float64{5, 5, 10, 5, 5, 5}, fetched(t, db, "merged", epoch, epoch+60, 10))
		for _, step := range []int64{60, 600} {
			assert.Equal(t, []float64{32}, fetched(t, db, "put", epoch-epoch%step, epoch+60, step), step)
			assert.Equal(t, []float64{35}, fetched(t, db, "merged", epoch-epoch%step, epoch+60, step), step)
		}
		require.NoError(t, db.Tend(t.Context()))
	}
}

// TestNumbersAreKeptAsLongAsPartitions: what a partition still has of a deleted
// series is not read under the name of one that got its number.
func TestNumbersAreKeptAsLongAsPartitions(t *testing.T) {
	c := &clock{unix: epoch - epoch%86400 + 3600}
	fs := vfs.NewMem()
	s := rules(t, "10s:1h,1m:1d")
	db := openedWith(t, fs, c, s)
	start := c.unix
	fill(t, db, c, 300, "old.one")
	c.forward(3600)
	require.NoError(t, db.Tend(t.Context())) // one frame, so none is folded
	require.NoError(t, db.Delete("old.one"))
	for _, tc := range []struct {
		later int64
		name  string
		id    store.ID
	}{{86400 + 3600, "new.one", 1}, {86400, "new.two", 0}} {
		require.NoError(t, db.Tend(t.Context()))
		c.forward(tc.later)
		require.NoError(t, db.Tend(t.Context()))
		require.NoError(t, db.Close())
		db = openedWith(t, fs, c, s)
		fill(t, db, c, 10, tc.name)
		info, ok := db.Series(tc.name)
		require.True(t, ok)
		assert.Equal(t, tc.id, info.ID)
		got, err := db.Fetch(t.Context(), tc.name, store.FetchOptions{From: start, Until: start + 600, Step: 60})
		require.NoError(t, err)
		for _, n := range got.Count {
			require.Zero(t, n, tc.name)
		}
	}
	require.NoError(t, db.Close())
}

func TestClockThatJumps(t *testing.T) {
	for _, years := range []int64{-20, 20} {
		t.Run(fmt.Sprint(years), func(t *testing.T) {
			c := &clock{unix: epoch}
			db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,1m:10d"))
			defer db.Close()
			start := c.unix
			fill(t, db, c, 3600, "a.b")
			end := c.unix
			c.forward(years * 365 * 86400)
			w := db.NewWriter()
			assert.Equal(t, store.BadTime, w.Put([]byte("a.b"), 0, end, 1))
			require.Equal(t, store.Taken, w.Put([]byte("a.b"), 0, c.unix, 1))
			require.NoError(t, w.Flush())
			require.NoError(t, db.TendYoung(t.Context()))
			c.forward(600)
			require.NoError(t, db.TendYoung(t.Context()))
			c.forward(end - c.unix)
			fill(t, db, c, 3600, "a.b")
			c.forward(-10)
			checkFilled(t, db, "a.b", start, c.unix)
		})
	}
}

func TestMinuteOfManyPuts(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,1m:10d"))
	defer db.Close()
	w := db.NewWriter()
	for i := range int64(60) {
		require.Equal(t, store.Taken, w.Put([]byte("a"), 0, epoch+i, float64(i)))
	}
	require.NoError(t, w.Flush())
	c.forward(3600)
	for range 2 {
		got, err := db.Fetch(t.Context(), "a", store.FetchOptions{From: epoch, Until: epoch + 60, Step: 10})
		require.NoError(t, err)
		assert.Equal(t, []uint64{10, 10, 10, 10, 10, 10}, got.Count)
		assert.Equal(t, []float64{9, 19, 29, 39, 49, 59}, got.Value)
		got, err = db.Fetch(t.Context(), "a", store.FetchOptions{From: epoch, Until: epoch + 60, Step: 60})
		require.NoError(t, err)
		assert.InDelta(t, 29.5, got.Value[0], 1e-9)
		assert.InDelta(t, math.Sqrt(3599./12), math.Sqrt(got.M2[0]/60), 1e-5)
		require.NoError(t, db.Tend(t.Context()))
	}
}

func TestFetchAllIsFetch(t *testing.T) {
	c := &clock{unix: epoch}
	db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,1m:10d"))
	defer db.Close()
	var names []string
	for i := range 150 {
		names = append(names, fmt.Sprintf("s.n%03d", i))
	}
	start := c.unix
	fill(t, db, c, 2000, names...)
	var ids []store.ID
	for i := range names {
		info, ok := db.Series(names[(i*7)%150])
		require.True(t, ok)
		ids = append(ids, info.ID)
	}
	require.NoError(t, db.Delete(names[14]))
	for _, step := range []int64{10, 60} {
		opt := store.FetchOptions{From: start, Until: c.unix, Step: step}
		all, err := db.FetchAll(t.Context(), ids[:140], opt)
		require.NoError(t, err)
		assert.Nil(t, all[2], "deleted")
		opt.ValueOnly = true
		lean, err := db.FetchAll(t.Context(), ids[:140], opt)
		require.NoError(t, err)
		assert.Nil(t, lean[2], "deleted")
		opt.ValueOnly = false
		for i, got := range all {
			if i != 2 {
				want, err := db.Fetch(t.Context(), names[(i*7)%150], opt)
				require.NoError(t, err)
				require.Equal(t, want, got, "series %d", i)
				require.Equal(t, fmt.Sprint(want.Value), fmt.Sprint(lean[i].Value), "series %d", i)
				require.Nil(t, lean[i].Count)
			}
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: b.TempDir(), Now: c.now, SealEvery: -1})
	require.NoError(b, err)
	defer db.Close()
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("servers.host%04d.cpu.core%02d.user", i/20, i%20)
	}
	c.forward(5) // away from the times at which fill tends
	b.ReportAllocs()
	b.SetBytes(int64(len(names)) * 60 * 8)
	for b.Loop() {
		b.StopTimer()
		fill(b, db, c, 600, names...)
		b.StartTimer()
		require.NoError(b, db.Tend(b.Context()))
	}
	s := db.Stats()
	b.ReportMetric(float64(s.FrameBytes)/float64(s.Records), "B/record")
}

// between is a context that calls f each time a seal asks it.
type between struct {
	context.Context
	f func()
}

func (b between) Err() error {
	b.f()
	return b.Context.Err()
}

// TestReloadWhileSealing: what a seal took of a series is of the tiers that the series
// is kept with.
func TestReloadWhileSealing(t *testing.T) {
	c := &clock{unix: epoch - epoch%600}
	fs := vfs.NewMem()
	old, now := rules(t, "10s:1d,1m:10d,10m:20d"), rules(t, "10s:1d,10m:20d")
	db := openedWith(t, fs, c, old)
	start := c.unix
	fill(t, db, c, 330, "a.b")
	var wait sync.WaitGroup
	once := sync.OnceFunc(func() {
		done := make(chan struct{})
		wait.Go(func() {
			defer close(done)
			assert.NoError(t, db.Reload(now))
		})
		select {
		case <-done:
		case <-time.After(100 * time.Millisecond): // it waits
		}
	})
	require.NoError(t, db.Tend(between{t.Context(), once}))
	wait.Wait()
	check := func() {
		checkFilled(t, db, "a.b", start, c.unix)
		got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: c.unix, Step: 600})
		require.NoError(t, err)
		assert.Equal(t, []uint64{33}, got.Count)
	}
	check()
	require.NoError(t, db.Close())
	db = openedWith(t, fs, c, now)
	check()
	require.NoError(t, db.Close())
}

// TestTierThatGoesHandsOn: what a tier has open when it goes is in the coarser ones.
func TestTierThatGoesHandsOn(t *testing.T) {
	for _, to := range []string{"10s:1d,10m:20d", "1m:10d,10m:20d", "10s:1d,2m:10d,10m:20d", "30s:1d,10m:30d"} {
		c := &clock{unix: epoch - epoch%600}
		db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,1m:10d,10m:20d"))
		start := c.unix
		fill(t, db, c, 330, "a.b")
		require.NoError(t, db.Reload(rules(t, to)))
		fill(t, db, c, 210, "a.b")
		for range 2 {
			got, err := db.Fetch(t.Context(), "a.b", store.FetchOptions{From: start, Until: start + 600, Step: 600})
			require.NoError(t, err)
			assert.Equal(t, []uint64{54}, got.Count, to)
			c.forward(1200)
			require.NoError(t, db.Tend(t.Context()))
		}
		require.NoError(t, db.Close())
	}
}

// TestLateSamplesAfterATierComes: a late value replaces, in all coarser tiers, one that
// these had before there was a tier between.
func TestLateSamplesAfterATierComes(t *testing.T) {
	for _, between := range []int{0, 1} { // values of the same 2 minutes, after the change
		c := &clock{unix: epoch - epoch%600}
		db := openedWith(t, vfs.NewMem(), c, rules(t, "10s:1d,10m:20d"))
		start := c.unix
		w := db.NewWriter()
		put := func(at int64, v float64) {
			require.Equal(t, store.Taken, w.Put([]byte("a.b"), metric.Sum, start+at, v))
			require.NoError(t, w.Flush())
		}
		put(0, 1)
		put(10, 2)
		require.NoError(t, db.Reload(rules(t, "10s:1d,2m:10d,10m:20d")))
		for i := range between {
			put(20+int64(i)*10, 4)
		}
		put(300, 8)
		put(5, 100)
		for range 2 {
			assert.Equal(t, []float64{110 + 4*float64(between)}, fetched(t, db, "a.b", start, start+600, 600))
			c.forward(1200)
			require.NoError(t, db.Tend(t.Context()))
		}
		require.NoError(t, db.Close())
	}
}

// TestLateSampleIsSealedLate: a late value replaces what was there when it came, also when
// the finest tier's time is over by the time of the seal.
func TestLateSampleIsSealedLate(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		c := &clock{unix: epoch - epoch%600}
		fs := vfs.NewMem()
		schemas := rules(t, "10s:2h,1m:6h,10m:1d")
		db := openedWith(t, fs, c, schemas)
		start := c.unix
		put := func(v float64) {
			w := db.NewWriter()
			require.Equal(t, store.Taken, w.Put([]byte("a.b"), metric.Sum, start, v))
			require.NoError(t, w.Flush())
		}
		put(1)
		c.forward(3600)
		require.NoError(t, db.Tend(t.Context()))
		put(3)
		put(5)
		c.forward(2 * 3600)
		if reopen {
			require.NoError(t, db.Close())
			db = openedWith(t, fs, c, schemas)
		}
		for range 2 {
			assert.Equal(t, []float64{5}, fetched(t, db, "a.b", start, start+60, 60))
			assert.Equal(t, []float64{5}, fetched(t, db, "a.b", start, start+600, 600))
			require.NoError(t, db.Tend(t.Context()))
		}
		require.NoError(t, db.Close())
	}
}

// TestLateSamplesBeforeAChangeOfStep: late values that wait for a seal do not replace
// each other when they are of one step of the new tiers.
func TestLateSamplesBeforeAChangeOfStep(t *testing.T) {
	old, now := rules(t, "10s:1d,1m:10d,10m:20d"), rules(t, "30s:1d,10m:20d")
	for _, reopen := range []bool{false, true} {
		c := &clock{unix: epoch - epoch%600}
		fs := vfs.NewMem()
		db := openedWith(t, fs, c, old)
		start := c.unix
		c.forward(1800)
		require.NoError(t, db.Tend(t.Context()))
		w := db.NewWriter()
		for i := range int64(60) {
			require.Equal(t, store.Taken, w.Put([]byte("a.b"), metric.Sum, start+i*10, 1))
		}
		require.NoError(t, w.Flush())
		if reopen {
			require.NoError(t, db.Close())
			db = openedWith(t, fs, c, now)
		} else {
			require.NoError(t, db.Reload(now))
		}
		for range 2 {
			assert.Equal(t, []float64{60}, fetched(t, db, "a.b", start, start+600, 600))
			c.forward(1200)
			require.NoError(t, db.Tend(t.Context()))
		}
		require.NoError(t, db.Close())
	}
}
