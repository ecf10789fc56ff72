package functions

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// inCall calls fn within a request, for it needs its budget.
func inCall(t *testing.T, fn func(c *query.Call)) {
	t.Helper()
	table := query.NewTable([]query.Function{{Name: "test", Call: func(c *query.Call) ([]*query.Series, error) {
		fn(c)
		return nil, nil
	}}})
	_, err := query.New(query.Options{Functions: table}).Evaluate(t.Context(), query.Request{Targets: []string{"test()"}, Until: 60})
	require.NoError(t, err)
}

// Sums are those that are added from left to right, to the last bit; also of numbers of which no sum is rounded.
func TestSlidingIsWhatEachWindowGives(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	inCall(t, func(c *query.Call) {
		for range 100 {
			values := randomValues(r)
			n, factor := 1+r.IntN(len(values)), r.Float64()
			for _, name := range query.AggNames() {
				agg, err := query.AggByName(name)
				require.NoError(t, err)
				got := slide(c, values, n, agg, factor)
				require.Len(t, got, len(values)-n)
				for i := range got {
					window, want := query.NotNull(nil, values[i:i+n]), query.Null()
					if query.Xff(len(window), n, factor) {
						want = agg.Of(window)
					}
					require.Equal(t, query.FormatFloat(want), query.FormatFloat(got[i]), "%s of %v", name, window)
				}
			}
		}
	})
}

// randomValues are whole numbers, decimals or both, from close to each other to far apart, some null.
func randomValues(r *rand.Rand) []float64 {
	values := make([]float64, 1+r.IntN(300))
	size, decimals, nulls := math.Ldexp(1, r.IntN(60)), r.IntN(3), r.IntN(2)
	for i := range values {
		switch values[i] = math.Floor((r.Float64() - 0.3) * size); {
		case nulls == 1 && r.IntN(4) == 0:
			values[i] = query.Null()
		case decimals == 2 || decimals == 1 && r.IntN(10) == 0:
			values[i] /= 10
		}
	}
	return values
}

func TestNumbersThatAddExactly(t *testing.T) {
	assert.True(t, addExactly([]float64{0, 3, -1.5, 1 << 40}, 10))
	assert.True(t, addExactly([]float64{1 << 52}, 1))
	assert.False(t, addExactly([]float64{1 << 52, 1}, 4))
	assert.False(t, addExactly([]float64{0.1, 0.2, 1}, 2))
	for _, v := range []float64{math.Inf(1), math.NaN(), math.SmallestNonzeroFloat64} {
		assert.False(t, addExactly([]float64{1, v}, 1), v)
	}
}
