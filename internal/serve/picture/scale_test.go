package picture

import (
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ptr[T any](v T) *T { return &v }

func TestScales(t *testing.T) {
	for _, c := range []struct {
		name      string
		low, high float64
		q         request
		labels    []string
	}{
		{"ones", 0.2, 4.8, request{}, []string{"0", "1", "2", "3", "4", "5"}},
		{"thousands without a unit", 0, 2534, request{}, []string{"0", "500", "1000", "1500", "2000", "2500", "3000"}},
		{"thousands", 0, 25340, request{}, []string{"0", "5 k", "10 k", "15 k", "20 k", "25 k", "30 k"}},
		{"millions", 0.5e6, 2.9e6, request{}, []string{"0.5 M", "1.0 M", "1.5 M", "2.0 M", "2.5 M", "3.0 M"}},
		{"below zero", -3, 7, request{}, []string{"-4", "-2", "0", "2", "4", "6", "8"}},
		{"small", 0.001, 0.0049, request{}, []string{"0.001", "0.002", "0.003", "0.004", "0.005"}},
		{"no units", 0, 25340, request{system: "none"}, []string{"0", "5000", "10000", "15000", "20000", "25000", "30000"}},
		{"binary", 0, 5 << 30, request{system: "binary"}, []string{"0", "1 Gi", "2 Gi", "3 Gi", "4 Gi", "5 Gi"}},
		{"seconds", 0, 5000, request{system: "sec"}, []string{"0", "15 m", "30 m", "45 m", "60 m", "75 m", "90 m"}},
		{"days of ms", 0, 5.1 * 86400e3, request{system: "msec"}, []string{"0", "1 D", "2 D", "3 D", "4 D", "5 D", "6 D"}},
		{"one value", 5, 5, request{}, []string{"4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"}},
		{"nothing but zero", 0, 0, request{}, []string{"-1.0", "-0.5", "0.0", "0.5", "1.0"}},
		{"asked for", 3, 9, request{Axis: Axis{Min: ptr(0.), Max: ptr(12.), Step: ptr(4.)}}, []string{"0", "4", "8", "12"}},
		{"bounds between steps", 3, 9, request{Axis: Axis{Min: ptr(1.), Max: ptr(11.), Step: ptr(5.)}}, []string{"5", "10"}},
		{"limit", 0, 90, request{Axis: Axis{Limit: ptr(50.)}}, []string{"0", "10", "20", "30", "40", "50"}},
		{"divisors", 0, 9.5, request{divisors: []int{2}}, []string{"0", "5", "10"}},
		{"decades", 2, 4000, request{log: 10}, []string{"1", "10", "100", "1 k", "10 k"}},
		{"powers of 2", 3, 30, request{log: 2}, []string{"2", "4", "8", "16", "32"}},
		{"powers of nothing", 0, 0, request{log: 10}, []string{"0.1", "1"}},
	} {
		c.q.height, c.q.line = 300, 13
		s := newScale(c.low, c.high, c.q)
		assert.Equal(t, c.labels, s.labels, c.name)
	}
}

func TestLabelsAreThinnedOnLowAxes(t *testing.T) {
	s := newScale(1, 1e9, request{log: 10, height: 60, line: 12})
	assert.Equal(t, []string{"1", "1 k", "1 M", "1 G"}, s.labels)
	assert.Len(t, newScale(0, 10, request{height: 30, line: 12}).labels, 3)
}

func TestMinorLines(t *testing.T) {
	q := request{height: 300, line: 12}
	assert.Equal(t, []float64{0.5, 1.5, 2.5, 3.5, 4.5}, newScale(0, 5, q).minor)
	q.minor = ptr(3)
	assert.Equal(t, []float64{0.25, 0.5, 0.75}, newScale(0, 5, q).minor[:3])
	q.minor = ptr(0)
	assert.Empty(t, newScale(0, 5, q).minor)
	q.minor, q.log = nil, 10
	assert.Equal(t, []float64{2, 3, 4, 5, 6, 7, 8, 9, 20}, newScale(1, 100, q).minor[:9])
}

func TestAnyDataLieOnTheirScale(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	value := func() float64 { return (r.Float64() - 0.5) * math.Pow(10, float64(r.Intn(60)-30)) }
	for range 3000 {
		low, high := value(), value()
		low, high = min(low, high), max(low, high)
		q := request{height: float64(r.Intn(900)), line: 12, system: []string{"si", "binary", "sec", "msec", "none"}[r.Intn(5)]}
		s := newScale(low, high, q)
		require.Less(t, s.bottom, s.top)
		require.LessOrEqual(t, s.bottom, low+epsilon*s.step, "%g %g", low, high)
		require.GreaterOrEqual(t, s.top, high-epsilon*s.step, "%g %g", low, high)
		require.LessOrEqual(t, len(s.values), 22)
		for i := 1; i < len(s.labels); i++ {
			require.NotEqual(t, s.labels[i-1], s.labels[i], "%g %g %s: %q", low, high, q.system, s.labels)
		}
	}
}
