package query

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testCall(t testing.TB) *Call {
	t.Helper()
	e := New(Options{Functions: NewTable(), Limits: Limits{Bytes: 1 << 40}})
	return &Call{ev: newEvaluation(context.WithoutCancel(t.Context()), e, Request{})}
}

// randomSeries has a null now and then, and lengths that differ.
func randomSeries(r *rand.Rand, n, length int) []*Series {
	list := make([]*Series, n)
	for i := range list {
		values := make([]float64, length-i%3)
		for j := range values {
			values[j] = math.Round(r.NormFloat64() * 100)
			if r.IntN(4) == 0 {
				values[j] = Null()
			}
		}
		list[i] = NewSeries("a", 0, int64(length)*60, 60, values)
	}
	return list
}

func TestAggregateIsWhatItsFunctionSaysOfEachRow(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := testCall(t)
	for i := range aggs {
		a := &aggs[i]
		list := randomSeries(rand.New(rand.NewPCG(seed, 1)), 5, 2500)
		for _, xff := range []float64{0, 0.5, 1} {
			got := c.Aggregate(list, a, xff)
			want := c.Rows(list, func(row []float64) float64 {
				if !Xff(int(Count(row)), len(row), xff) {
					return Null()
				}
				return a.Of(row)
			})
			require.Len(t, got, 2500)
			assert.Equal(t, str(want), str(got), "%s %v", a.Name, xff)
		}
	}
}

func str(values []float64) (list []string) {
	for _, v := range values {
		list = append(list, FormatFloat(v))
	}
	return list
}

func TestAggFunctions(t *testing.T) {
	values := []float64{Null(), 4, 1, Null(), 7}
	for name, want := range map[string]float64{
		"average": 4, "avg_zero": 2.4, "median": 4, "sum": 12, "min": 1, "max": 7, "diff": -4, "stddev": math.Sqrt(6), "count": 3, "range": 6,
		"last": 7, "sumSeries": 12, "current": 7,
	} {
		a, err := AggByName(name)
		require.NoError(t, err)
		assert.InDelta(t, want, a.Of(values), 1e-12, name)
		if name != "count" && name != "avg_zero" {
			assert.True(t, IsNull(a.Of([]float64{Null()})), name)
			assert.True(t, IsNull(a.Of(nil)), name)
		}
	}
	_, err := AggByName("Series")
	assert.EqualError(t, err, "Invalid parameters (Unsupported aggregation function: Series)")
	assert.True(t, IsNull(Multiply(values)))
	assert.EqualValues(t, 28, Multiply([]float64{4, 7}))
}

func TestNormalizeMeetsAtTheLeastCommonStep(t *testing.T) {
	a, b := NewSeries("a", 60, 600, 60, make([]float64, 9)), NewSeries("b", 90, 630, 90, make([]float64, 6))
	g, err := Normalize([]*Series{a, b})
	require.NoError(t, err)
	assert.Equal(t, Grid{Start: 60, End: 600, Step: 180}, g)
	assert.Equal(t, []int{3, 2}, []int{a.ValuesPerPoint, b.ValuesPerPoint})
	_, err = Normalize(nil)
	require.ErrorIs(t, err, ErrEmpty)
	_, err = Normalize([]*Series{NewSeries("a", 0, 1, 1<<31-1, nil), NewSeries("b", 0, 1, 1<<31-2, nil)})
	require.ErrorIs(t, err, ErrLimit)
}

func TestConsolidate(t *testing.T) {
	values := []float64{1, Null(), 3, Null(), Null(), Null(), 5, 9, 2}
	for how, want := range map[string][]float64{
		"sum": {1, 3, Null(), 14, 2}, "avg": {1, 3, Null(), 7, 2}, "": {1, 3, Null(), 7, 2}, "avg_zero": {0.5, 1.5, Null(), 7, 2},
		"max": {1, 3, Null(), 9, 2}, "min": {1, 3, Null(), 5, 2}, "first": {1, 3, Null(), 5, 2}, "last": {1, 3, Null(), 9, 2},
	} {
		assert.Equal(t, str(want), str(Consolidate(nil, values, 2, how, 0.5)), how)
		assert.True(t, CanConsolidate(how))
	}
	assert.Equal(t, str([]float64{Null(), Null(), Null(), 14, Null()}), str(Consolidate(nil, values, 2, "sum", 0.6)))
	assert.False(t, CanConsolidate("median"))
}

func BenchmarkAggregate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]*Series, 1000)
	for i := range list {
		values := make([]float64, 8640)
		for j := range values {
			values[j] = r.Float64()
		}
		list[i] = NewSeries("a", 0, 8640*10, 10, values)
	}
	c := testCall(b)
	for i := range aggs {
		b.Run(aggs[i].Name, func(b *testing.B) {
			b.SetBytes(1000 * 8640 * 8)
			b.ReportAllocs()
			for b.Loop() {
				c.Aggregate(list, &aggs[i], 0)
			}
		})
	}
}
