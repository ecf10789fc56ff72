package metric

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBinValueIsNear holds the sketch to its promise: a bin's value is within
// 1 % of all values in the bin, also at its ends and at powers of two.
func TestBinValueIsNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	worst := 0.0
	check := func(m float64) {
		worst = max(worst, math.Abs(binValue(binIndex(m))-m)/m)
	}
	for range 500000 {
		check(math.Exp(rng.Float64()*(math.Log(maxMagnitude)-math.Log(minMagnitude)) + math.Log(minMagnitude)))
	}
	for e := -29; e <= 49; e++ {
		p := math.Ldexp(1, e)
		check(p)
		check(math.Nextafter(p, 0))
		check(math.Nextafter(p, math.Inf(1)))
	}
	assert.LessOrEqual(t, worst, relativeError+1e-9)
	assert.Greater(t, worst, relativeError*.99, "bins narrower than need be")
}

func TestBinIndexAscends(t *testing.T) {
	last := binIndex(minMagnitude)
	for m := minMagnitude; m < maxMagnitude; m *= 1.003 {
		i := binIndex(m)
		require.GreaterOrEqual(t, i, last, "at %v", m)
		last = i
	}
	assert.Equal(t, binIndex(maxMagnitude), binIndex(math.MaxFloat64))
	assert.LessOrEqual(t, binIndex(maxMagnitude)-binIndex(minMagnitude), 2800)
}
