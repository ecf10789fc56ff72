package store_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// importNow is when these tests take place.
const importNow = 1_795_230_605

func importStore(t *testing.T, dir string) *DB {
	t.Helper()
	rules, err := schema.Parse(schema.File{Name: "s", Text: "[a]\npattern = .*\nretentions = 10s:1h,1m:1d\n"}, schema.File{Name: "m", Text: ""})
	require.NoError(t, err)
	db, err := Open(Options{Dir: dir, Schemas: rules, SealEvery: -1, Now: func() time.Time { return time.Unix(importNow, 0) }})
	require.NoError(t, err)
	return db
}

// line is an archive with the value v(t) at each multiple of step in [from,until).
func line(step, from, until int64, v func(t int64) float64) Archive {
	a := Archive{Step: step, Full: from}
	for t := from; t < until; t += step {
		a.Points = append(a.Points, Point{t, v(t)})
	}
	return a
}

func bucketAt(t *testing.T, db *DB, name string, step, at int64) (b metric.Bucket) {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, FetchOptions{From: at, Until: at + step, Step: step})
	require.NoError(t, err)
	require.Len(t, c.Count, 1)
	if c.Count[0] == 0 {
		return b
	}
	return metric.Bucket{Count: c.Count[0], Sum: c.Sum[0], Min: c.Min[0], Max: c.Max[0], M2: c.M2[0], Last: c.Last[0]}
}

const minuteNow = importNow / 60 * 60

// Each tier is filled from the finest archive that has the whole bucket, as far
// back as it is kept, and the same again changes nothing.
func TestImportFillsEachTier(t *testing.T) {
	dir := t.TempDir()
	db := importStore(t, dir)
	from := int64(minuteNow - 1800 + 20) // in the middle of a minute
	past := func() []Imported {
		return []Imported{{Name: []byte("a;k=v"), Method: metric.Sum, Archives: []Archive{
			line(10, from, importNow, func(int64) float64 { return 1 }),
			line(60, minuteNow-36000, importNow, func(int64) float64 { return 6 }),
		}}}
	}
	check := func() {
		one, six := metric.Bucket{Count: 1, Sum: 1, Min: 1, Max: 1, Last: 1}, metric.Bucket{Count: 1, Sum: 6, Min: 6, Max: 6, Last: 6}
		assert.Equal(t, one, bucketAt(t, db, "a;k=v", 10, from))
		assert.Equal(t, one, bucketAt(t, db, "a;k=v", 10, minuteNow-10))
		assert.Equal(t, one, bucketAt(t, db, "a;k=v", 10, importNow/10*10))
		assert.Zero(t, bucketAt(t, db, "a;k=v", 10, minuteNow-1800), "finer points have a part of it")
		assert.Equal(t, six, bucketAt(t, db, "a;k=v", 10, minuteNow-1860), "older than the finer archive")
		assert.Zero(t, bucketAt(t, db, "a;k=v", 10, minuteNow-7200), "older than the tier")
		assert.Equal(t, six, bucketAt(t, db, "a;k=v", 60, minuteNow-1800), "of which finer points are a part")
		assert.Equal(t, six, bucketAt(t, db, "a;k=v", 60, minuteNow-36000))
		all := bucketAt(t, db, "a;k=v", 60, minuteNow-60)
		assert.Equal(t, uint64(6), all.Count)
		assert.Equal(t, 6.0, all.Sum)
	}
	for range 2 {
		r, err := db.Import(t.Context(), past())
		require.NoError(t, err)
		assert.Equal(t, 1, r.Series[Taken])
		assert.Zero(t, r.Bad+r.Old+r.Refused)
		check()
	}
	require.NoError(t, db.Close())
	db = importStore(t, dir)
	check()
	require.NoError(t, db.Tend(t.Context()))
	check()
	require.NoError(t, db.Close())
}

// A bucket that has taken more values than are imported keeps them.
func TestImportKeepsWhatWasReceived(t *testing.T) {
	db := importStore(t, t.TempDir())
	w := db.NewWriter()
	at := int64(minuteNow - 600)
	require.Equal(t, Taken, w.Merge([]byte("a"), metric.Unset, at, metric.Bucket{Count: 3, Sum: 21, Min: 7, Max: 7, Last: 7}))
	require.NoError(t, w.Flush())
	require.NoError(t, db.Tend(t.Context()))
	require.Equal(t, uint64(3), bucketAt(t, db, "a", 10, at).Count)
	_, err := db.Import(t.Context(), []Imported{{Name: []byte("a"), Archives: []Archive{line(10, at-60, at+60, func(int64) float64 { return 1 })}}})
	require.NoError(t, err)
	assert.Equal(t, uint64(3), bucketAt(t, db, "a", 10, at).Count)
	assert.Equal(t, uint64(1), bucketAt(t, db, "a", 10, at+10).Count)
	require.NoError(t, db.Close())
}

func TestImportCountsWhatItLeavesOut(t *testing.T) {
	db := importStore(t, t.TempDir())
	points := []Point{{minuteNow - 10*86400, 1}, {minuteNow - 600, math.NaN()}, {minuteNow - 540, math.Inf(1)}, {minuteNow - 480, 2}, {importNow + 60, 3}}
	r, err := db.Import(t.Context(), []Imported{
		{Name: []byte("a"), Archives: []Archive{{Step: 60, Points: points}}},
		{Name: []byte("a b"), Archives: []Archive{{Step: 60, Points: []Point{{minuteNow - 60, 1}}}}},
	})
	require.NoError(t, err)
	assert.Equal(t, 6, r.Points)
	assert.Equal(t, 1, r.Old)
	assert.Equal(t, 3, r.Bad)
	assert.Equal(t, 1, r.Refused)
	assert.Equal(t, 1, r.Series[Taken])
	assert.Equal(t, 1, r.Series[BadName])
	assert.Equal(t, 2.0, bucketAt(t, db, "a", 60, minuteNow-480).Sum)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.Import(ended, []Imported{{Name: []byte("b"), Archives: []Archive{line(60, minuteNow-36000, minuteNow, func(int64) float64 { return 1 })}}})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, db.Close())
}
