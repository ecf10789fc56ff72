package store_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// TestNewNamesAreLimited: ten seconds' worth at once, then so many a second, and
// never more than there may be in all; names that are known are taken always.
func TestNewNamesAreLimited(t *testing.T) {
	c := &clock{unix: epoch}
	db, err := store.Open(store.Options{Dir: "data", FS: vfs.NewMem(), Now: c.now, MaxNewSeries: 10, MaxSeries: 125})
	require.NoError(t, err)
	w := db.NewWriter()
	next := 0
	takes := func(want int, then store.Refusal) {
		t.Helper()
		for i := range want + 3 {
			r := w.Put(fmt.Appendf(nil, "a.b%d", next+i), metric.Unset, c.unix, 1)
			if i < want {
				require.Equal(t, store.Taken, r, i)
			} else {
				require.Equal(t, then, r, i)
			}
		}
		next += want
		assert.Equal(t, store.Taken, w.Put([]byte("a.b0"), metric.Unset, c.unix, 1))
		assert.Equal(t, store.Taken, db.NewWriter().Put([]byte("a.b1"), metric.Unset, c.unix, 1), "known to another writer")
		assert.Equal(t, next, db.Stats().Series)
	}
	takes(100, store.TooManyNew)
	takes(0, store.TooManyNew)
	c.forward(1)
	takes(10, store.TooManyNew)
	c.forward(-100) // a clock that goes back must not stop it for so long
	takes(10, store.TooManyNew)
	c.forward(1000)
	takes(5, store.TooManySeries)
	require.NoError(t, w.Flush())
	require.NoError(t, db.Close())
}

// TestNumbersFarBeyondTheLimit: names that come and go use up numbers, which are not
// given away again before a new start; that must not fail for it.
func TestNumbersFarBeyondTheLimit(t *testing.T) {
	c := &clock{unix: epoch}
	opt := store.Options{Dir: "data", FS: vfs.NewMem(), Now: c.now, SealEvery: -1, MaxSeries: 3}
	db, err := store.Open(opt)
	require.NoError(t, err)
	w := db.NewWriter()
	put := func(name string) {
		require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, c.unix, 1))
		require.NoError(t, w.Flush())
	}
	put("stays")
	for i := range 1100 {
		name := fmt.Sprint("goes.", i)
		put(name)
		require.NoError(t, db.Delete(name))
	}
	require.NoError(t, db.Tend(t.Context()))
	put("comes")
	require.NoError(t, db.Close())
	db, err = store.Open(opt)
	require.NoError(t, err)
	assert.Equal(t, []float64{1}, fetched(t, db, "comes", c.unix, c.unix+10, 10))
	assert.Equal(t, 2, db.Stats().Series)
	require.NoError(t, db.Close())
}
