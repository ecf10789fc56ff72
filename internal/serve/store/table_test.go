package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// TestNamesInTheirOrder: a writer finds the right series when names come in the order
// in which they came first, and when some are left out, are new, are gone, or come in
// another order.
func TestNamesInTheirOrder(t *testing.T) {
	const series = 3000 // more than a chunk of the writer's text
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := &clock{unix: epoch}
	db := opened(t, vfs.NewMem(), c)
	w := db.NewWriter()
	var order []string
	for i := range series {
		order = append(order, fmt.Sprintf("a.%s.b%d", "long-name-that-fills-chunks"[:1+i%26], i/2*2)) // some are the beginning of others
	}
	order = slices.Compact(order)
	want := map[string][]float64{}
	for round := range 12 {
		second := epoch + int64(10*round)
		names := slices.Clone(order)
		switch round % 6 {
		case 2:
			names = slices.DeleteFunc(names, func(string) bool { return r.IntN(5) == 0 })
		case 3:
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		case 4:
			for range 20 {
				name := fmt.Sprintf("new.%d.n%d", round, r.IntN(1000))
				names = slices.Insert(names, r.IntN(len(names)), name)
			}
		case 5:
			gone := names[r.IntN(len(names))]
			require.NoError(t, db.Delete(gone))
			delete(want, gone)
		}
		for i, name := range names {
			require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, second, float64(i)))
			if v := want[name]; len(v) > 0 && round > 0 && slices.Index(names, name) < i {
				v[len(v)-1] = float64(i) // a name that is there twice
				continue
			}
			want[name] = append(want[name], float64(i))
		}
		require.NoError(t, w.Flush())
	}
	for name, values := range want {
		got := slices.DeleteFunc(fetched(t, db, name, epoch, epoch+120, 10), func(v float64) bool { return v != v })
		require.Equal(t, values, got, "%s, seed %d", name, seed)
	}
	require.NoError(t, db.Close())
}
