package functions

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

func TestSlidingIsWhatEachWindowGives(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		values := make([]float64, 1+r.IntN(100))
		for i := range values {
			values[i] = float64(r.IntN(10))
			if r.IntN(4) == 0 {
				values[i] = query.Null()
			}
		}
		n := 1 + r.IntN(len(values))
		factor := r.Float64()
		out := [3][]float64{}
		for i := range out {
			out[i] = make([]float64, len(values)-n)
		}
		slideExtreme(values, out[0], n, factor, false)
		slideExtreme(values, out[1], n, factor, true)
		slideMedian(values, out[2], n, factor)
		for i := range len(values) - n {
			window := values[i : i+n]
			for k, fn := range []func([]float64) float64{query.Min, query.Max, query.Median} {
				want := query.Null()
				if query.Xff(int(query.Count(window)), n, factor) {
					want = fn(window)
				}
				require.Equal(t, query.FormatFloat(want), query.FormatFloat(out[k][i]), "%v", window)
			}
		}
	}
}
