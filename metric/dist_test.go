package metric_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/metric"
)

func TestDistIsExactUpToItsBound(t *testing.T) {
	var d Dist
	assert.True(t, math.IsNaN(d.Quantile(0.5)))
	for i := range MaxExact {
		d.Add(float64(MaxExact - i))
	}
	assert.Equal(t, 1+0.5*(MaxExact-1), d.Quantile(0.5))
	assert.Len(t, d.Exact(), MaxExact)
	d.Add(1)
	assert.Nil(t, d.Exact())
	assert.EqualValues(t, MaxExact+1, d.Count())
}

func TestSketchIsWithinOnePercent(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, 0))
	var d Dist
	values := make([]float64, 50000)
	for i := range values {
		values[i] = math.Exp(rnd.NormFloat64() * 4)
		if i%3 == 0 {
			values[i] = -values[i]
		}
	}
	d.AddAll(values)
	slices.Sort(values)
	for q := 0.0; q <= 1; q += 0.01 {
		exact := values[int(q*float64(len(values)-1))]
		assert.InEpsilon(t, exact, d.Quantile(q), 0.0101, "seed %d, q %v", seed, q)
	}
}

// The same values give the same bytes, whatever the cut and the order.
func TestDistMergeHasNoOrder(t *testing.T) {
	values := make([]float64, 6000)
	for i := range values {
		values[i] = float64(i*i%977) - 300
	}
	encode := func(parts ...[]float64) []byte {
		var all Dist
		for _, p := range parts {
			var d Dist
			d.AddAll(p)
			all.Merge(&d)
		}
		all.Merge(nil)
		return AppendBatch(nil, &Batch{Samples: []Sample{{Name: "a", Kind: Timer, Dist: &all}}})
	}
	one := encode(values)
	assert.Equal(t, one, encode(values[3000:], values[:10], values[10:3000]))
	assert.Equal(t, one, encode(values[5500:], values[:5500]))
}

func TestMembers(t *testing.T) {
	var s, even, odd Members
	for i := range 20000 {
		m := fmt.Append(nil, "user", i)
		s.Add(m)
		s.Add(m)
		if i == MaxMembers-1 {
			require.Len(t, s.Exact(), MaxMembers)
		}
		if i%2 == 0 {
			even.Add(m)
		} else {
			odd.Add(m)
		}
	}
	assert.Nil(t, s.Exact())
	assert.InEpsilon(t, 20000, s.Estimate(), 0.03)
	even.Merge(&odd)
	even.Merge(nil)
	assert.Equal(t, s.Estimate(), even.Estimate())
	s = Members{}
	s.Add([]byte("b"))
	s.Add([]byte("a"))
	assert.Equal(t, []string{"a", "b"}, s.Exact())
	assert.Zero(t, (*Members)(nil).Estimate())
}

// A hostile log cannot make a set larger than its bound by long members.
func TestLongMembersAreKeptAsHashes(t *testing.T) {
	var s Members
	long := strings.Repeat("x", MaxMemberLen)
	for _, tail := range []string{"", "1", "1", "2"} {
		s.Add([]byte(long + tail))
	}
	assert.EqualValues(t, 3, s.Estimate())
	for _, m := range s.Exact() {
		assert.LessOrEqual(t, len(m), MaxMemberLen)
	}
}
