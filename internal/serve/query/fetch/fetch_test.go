package fetch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/fetch"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// now is where the clock stands: 7 s after a full minute.
const now = 1772453467

// filled opens a store with a value each 10 s of the last hour, which is the time's tenth minus a number of the series'.
func filled(t testing.TB, seconds int64, list ...string) *store.DB {
	t.Helper()
	schemas, err := schema.Parse(schema.File{Name: "test", Text: "[coarse]\npattern = ^coarse\nretentions = 60s:1d\n[all]\npattern = .*\nretentions = 10s:2h,1m:1d\n"}, schema.File{})
	require.NoError(t, err)
	db, err := store.Open(store.Options{Dir: t.TempDir(), SealEvery: -1, Schemas: schemas, Now: func() time.Time { return time.Unix(now, 0) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := db.NewWriter()
	for at := now - now%10 - seconds; at <= now; at += 10 {
		for i, name := range list {
			require.Equal(t, store.Taken, w.Put([]byte(name), metric.Average, at, float64(at%100_000)/10-float64(i)))
		}
		require.NoError(t, w.Flush())
	}
	require.NoError(t, db.Tend(t.Context()))
	return db
}

func one(path string) []query.Pattern { return []query.Pattern{{Text: path}} }

func read(t *testing.T, db *store.DB, q query.Fetch) [][]*query.Series {
	t.Helper()
	if q.Now == 0 {
		q.Now = now
	}
	q.MaxSeries, q.MaxPoints = 1000, 1_000_000
	got, err := fetch.New(db).Fetch(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, got, len(q.Patterns))
	return got
}

func TestFetchIsAsWhisper(t *testing.T) {
	db := filled(t, 3600, "a.x", "coarse.y")
	last := int64(now - now%10)
	for _, c := range []struct {
		what             string
		path             string
		from, until, now int64
		start, end, step int64
	}{
		{"from is exclusive, until inclusive", "a.x", last - 60, last - 30, 0, last - 50, last - 20, 10},
		{"both are cut to the step", "a.x", last - 61, last - 29, 0, last - 60, last - 20, 10},
		{"the open bucket is there", "a.x", last - 60, now, 0, last - 50, last + 10, 10},
		{"nothing of the future", "a.x", last - 60, now + 1000, 0, last - 50, last + 10, 10},
		{"now is the request's", "a.x", last - 600, last, last - 300, last - 590, last - 290, 10},
		{"an empty range has one point", "a.x", last + 1, last + 3, 0, last + 10, last + 20, 10},
		{"a coarser tier where the finest does not reach", "a.x", now - 7201, now, 0, now - 7201 - (now-7201)%60 + 60, now - now%60 + 60, 60},
		{"the finest tier up to its retention", "a.x", now - 7200, now, 0, now - 7200 - (now-7200)%10 + 10, last + 10, 10},
		{"the longest retention is the end", "a.x", 0, now, 0, now - 86400 - (now-86400)%60 + 60, now - now%60 + 60, 60},
		{"other schemas", "coarse.y", last - 120, last, 0, last - 120 - (last-120)%60 + 60, last - last%60 + 60, 60},
	} {
		got := read(t, db, query.Fetch{Patterns: one(c.path), From: c.from, Until: c.until, Now: c.now})[0]
		if assert.Len(t, got, 1, c.what) {
			s := got[0]
			assert.Equal(t, []int64{c.start, c.end, c.step}, []int64{s.Start, s.End, s.Step}, c.what)
			assert.Len(t, s.Values, int((c.end-c.start)/c.step), c.what)
		}
	}
	got := read(t, db, query.Fetch{Patterns: one("a.x"), From: last - 30, Until: now})[0]
	assert.Equal(t, []float64{float64((last-20)%100_000) / 10, float64((last-10)%100_000) / 10, float64(last%100_000) / 10}, got[0].Values)
	for _, q := range []query.Fetch{{From: now + 1, Until: now + 100}, {From: 0, Until: 86400}} {
		q.Patterns = one("a.x")
		assert.Empty(t, read(t, db, q)[0], "outside of what is kept there is no series")
	}
}

// A deviation of a value a bucket is none, and their mean says nothing: of as many buckets as are drawn it is what was meant.
func TestMeansAndDeviationsAreOfBucketsAsWideAsDrawn(t *testing.T) {
	db := filled(t, 3600, "a.x")
	for _, c := range []struct {
		statistic  string
		want, step int64
	}{
		{"stddev", 0, 10},
		{"stddev", 360, 10},
		{"stddev", 359, 60},
		{"stddev", 10, 60},   // there is none coarser
		{"average", 359, 60}, // what is drawn on both sides of it
		{"max", 359, 10},
		{"max", 60, 60},
		{"", 10, 10},
	} {
		got := read(t, db, query.Fetch{Patterns: []query.Pattern{{Text: "a.x", Statistic: c.statistic}}, From: now - 3600, Until: now, Want: int(c.want)})[0]
		if assert.Len(t, got, 1) {
			assert.Equal(t, c.step, got[0].Step, "%+v", c)
		}
	}
	got := read(t, db, query.Fetch{Patterns: []query.Pattern{{Text: "a.x", Statistic: "stddev"}}, From: now - 600, Until: now - 60, Want: 30})[0]
	require.NotEmpty(t, got)
	assert.Positive(t, got[0].Values[2])
}

func TestFetchFinds(t *testing.T) {
	db := filled(t, 60, "s.b.x", "s.a.x", "s.c.y", "d;host=b", "d;host=a")
	q := query.Fetch{Patterns: []query.Pattern{{Text: "s.*.x"}, {Text: "s.{a,c}.*"}, {Text: "d;host=a"}, {Text: "nothing.*"},
		{Text: `seriesByTag("name=d")`, Exprs: []string{"name=d"}}, {Text: "s.a.x"}}, From: now - 60, Until: now}
	var got []string
	all := read(t, db, q)
	for _, list := range all {
		for _, s := range list {
			got = append(got, s.Name)
		}
		got = append(got, "|")
	}
	assert.Equal(t, []string{"s.a.x", "s.b.x", "|", "s.a.x", "s.c.y", "|", "d;host=a", "|", "|", "d;host=a", "d;host=b", "|", "s.a.x", "|"}, got)
	assert.Equal(t, query.Tags{{Key: "host", Value: "a"}, {Key: "name", Value: "d"}}, all[2][0].Tags)
	assert.Same(t, &all[0][0].Values[0], &all[5][0].Values[0], "what two patterns find is read once")
}

func TestAnOutlineIsNotRead(t *testing.T) {
	db := filled(t, 60, "s.a")
	q := query.Fetch{Patterns: []query.Pattern{{Text: "s.a", Outline: true}, {Text: "s.*"}}, From: now - 60, Until: now}
	got := read(t, db, q)
	require.Len(t, got[0], 1)
	assert.Nil(t, got[0][0].Values)
	assert.NotNil(t, got[1][0].Values)
	assert.Equal(t, []int64{got[1][0].Start, got[1][0].End, 10}, []int64{got[0][0].Start, got[0][0].End, got[0][0].Step})
	q.Now, q.MaxSeries, q.MaxPoints = now, 2, 6
	_, err := fetch.New(db).Fetch(t.Context(), q)
	require.NoError(t, err, "it has no points")
}

func TestFetchRefuses(t *testing.T) {
	db := filled(t, 60, "s.a", "s.b")
	s := fetch.New(db)
	q := query.Fetch{Patterns: one("s.*"), From: now - 3600, Until: now, Now: now, MaxSeries: 1, MaxPoints: 1000}
	_, err := s.Fetch(t.Context(), q)
	require.ErrorIs(t, err, query.ErrLimit)
	q.MaxSeries, q.MaxPoints = 2, 700
	_, err = s.Fetch(t.Context(), q)
	require.ErrorIs(t, err, query.ErrLimit)
	q.MaxPoints = 720
	_, err = s.Fetch(t.Context(), q)
	require.NoError(t, err)
	q.Patterns = []query.Pattern{{Text: "x", Exprs: []string{"a=~("}}}
	_, err = s.Fetch(t.Context(), q)
	require.ErrorIs(t, err, names.ErrPattern)
}

// What the store answers through all layers is what the same series in memory do.
func TestFunctionsOverTheStoreAreAsInMemory(t *testing.T) {
	list := make([]string, 200)
	memory := &querytest.Memory{}
	for i := range list {
		list[i] = fmt.Sprintf("s.h%03d.m", i)
		values := make([]float64, 61)
		for k := range values {
			values[k] = float64((now-now%10-600+int64(k)*10)%100_000)/10 - float64(i)
		}
		memory.Add(list[i], now-now%10-600, 10, values...)
	}
	db := filled(t, 600, list...)
	req := query.Request{From: now - 300, Until: now, Now: now,
		Targets: []string{"sumSeries(s.*.m)", "movingAverage(s.h00*.m, '1min')", "timeShift(s.h1[0-9]5.m, '2min')", "s.h*.m"}}
	want, err := query.New(query.Options{Functions: functions.Table(), Source: memory}).Evaluate(t.Context(), req)
	require.NoError(t, err)
	got, err := query.New(query.Options{Functions: functions.Table(), Source: fetch.New(db)}).Evaluate(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i, w := range want {
		assert.Equal(t, w.Name, got[i].Name)
		assert.Equal(t, w.Values, got[i].Values, w.Name)
		assert.Equal(t, []int64{w.Start, w.End}, []int64{got[i].Start, got[i].End}, w.Name)
	}
}
