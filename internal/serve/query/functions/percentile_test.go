package functions

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNthIsThatOfTheSorted(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		values := make([]float64, 1+r.IntN(5000))
		kinds := 1 + r.IntN(len(values))
		for i := range values {
			values[i] = float64(r.IntN(kinds))
		}
		if r.IntN(4) == 0 {
			slices.Sort(values)
		}
		k := r.IntN(len(values))
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		require.Equal(t, sorted[k], nth(values, k), "place %d of %d", k, len(values))
		require.True(t, k == 0 || slices.Max(values[:k]) <= values[k])
		require.True(t, k+1 == len(values) || slices.Min(values[k+1:]) >= values[k])
	}
}

func TestPercentileIsOfThePlacesThereAre(t *testing.T) {
	for _, c := range []struct {
		values      []float64
		n, want     float64
		interpolate bool
	}{
		{[]float64{3, 1, 2}, 50, 2, false}, {[]float64{3, 1, 2}, 0, 1, false}, {[]float64{3, 1, 2}, 100, 3, false},
		{[]float64{4, 1, 2, 3}, 50, 3, false}, {[]float64{4, 1, 2, 3}, 50, 2.5, true}, {[]float64{4}, 99, 4, false},
	} {
		got, ok := percentile(slices.Clone(c.values), c.n, c.interpolate)
		require.True(t, ok)
		require.Equal(t, c.want, got, "%v %v", c.values, c.n)
	}
	for _, n := range []float64{400, 1e300, -400} {
		_, ok := percentile([]float64{1, 2, 3}, n, false)
		require.False(t, ok, n)
	}
}
