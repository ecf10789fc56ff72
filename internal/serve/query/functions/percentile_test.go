package functions

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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
