package query

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
		require.Equal(t, sorted[k], Nth(values, k), "place %d of %d", k, len(values))
		require.True(t, k == 0 || slices.Max(values[:k]) <= values[k])
		require.True(t, k+1 == len(values) || slices.Min(values[k+1:]) >= values[k])
	}
}
