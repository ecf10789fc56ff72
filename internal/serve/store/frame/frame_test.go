package frame_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
)

// same requires that got is want to the last bit, but for M2.
func same(t testing.TB, want, got *frame.Row, n int) {
	t.Helper()
	if want.Count == nil {
		require.Nil(t, got.Count)
		return
	}
	require.Len(t, got.Count, n)
	for i, c := range want.Count {
		require.Equal(t, c, got.Count[i], "count %d", i)
		if c == 0 {
			require.Zero(t, got.Sum[i]+got.Min[i]+got.Max[i]+got.M2[i]+got.Last[i], "bucket %d", i)
			continue
		}
		bits := math.Float64bits
		if bits(want.Sum[i]) != bits(got.Sum[i]) || bits(want.Min[i]) != bits(got.Min[i]) ||
			bits(want.Max[i]) != bits(got.Max[i]) || bits(want.Last[i]) != bits(got.Last[i]) {
			require.Fail(t, "values", "bucket %d: want %v %v %v %v, got %v %v %v %v", i, want.Sum[i], want.Min[i], want.Max[i], want.Last[i],
				got.Sum[i], got.Min[i], got.Max[i], got.Last[i])
		}
		if want.M2[i] != got.M2[i] && !(math.IsNaN(want.M2[i]) && math.IsNaN(got.M2[i])) {
			require.InEpsilon(t, want.M2[i], got.M2[i], 1.0/(1<<24), "M2 %d", i)
		}
	}
}

func roundTrip(t testing.TB, f *frame.Frame) []byte {
	t.Helper()
	var e frame.Encoder
	var d frame.Decoder
	b := e.Append([]byte("before"), f)[6:]
	got := &frame.Frame{}
	require.NoError(t, d.Decode(got, b))
	require.Equal(t, []int64{f.Start, f.Step, int64(f.N)}, []int64{got.Start, got.Step, int64(got.N)})
	var r frame.Row
	for i := range f.Rows {
		same(t, &f.Rows[i], &got.Rows[i], f.N)
		start, step, err := d.DecodeRow(&r, b, i)
		require.NoError(t, err)
		require.Equal(t, f.Start, start)
		require.Equal(t, f.Step, step)
		same(t, &f.Rows[i], &r, f.N)
	}
	return b
}

func newRow(n int) frame.Row {
	floats := func() []float64 { return make([]float64, n) }
	return frame.Row{Count: make([]uint64, n), Sum: floats(), Min: floats(), Max: floats(), M2: floats(), Last: floats()}
}

// one returns a row whose buckets have one value each.
func one(values ...float64) frame.Row {
	r := newRow(len(values))
	for i, v := range values {
		r.Count[i], r.Sum[i], r.Min[i], r.Max[i], r.Last[i] = 1, v, v, v, v
	}
	return r
}

var odd = []float64{0, math.Copysign(0, -1), 1, -1, 0.1, -0.1, 0.1 + 0.2, 1e15, 1e16, 1e22, 1e300, -1e300, math.MaxFloat64, -math.MaxFloat64,
	math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 2.2250738585072014e-308, 1 << 53, 1<<53 - 1, 1 << 50, 1<<50 + 1, 1<<50 - 0.5,
	math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7FF0000000000001), math.Float64frombits(math.MaxUint64), 1.0 / 3, math.Pi, 123456.789, 1e-15, 1e-16}

func TestOddValues(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 60} {
		f := &frame.Frame{Start: -5, Step: 1, N: n}
		for i := range f.Rows {
			values := make([]float64, n)
			for j := range values {
				values[j] = odd[(i+j*j)%len(odd)]
			}
			f.Rows[i] = one(values...)
		}
		roundTrip(t, f)
	}
}

func TestOddColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		n := 1 + r.IntN(70)
		f := &frame.Frame{Start: 1<<62 - 1, Step: 86400 * 365, N: n}
		for i := range f.Rows {
			if i%7 == 3 {
				continue
			}
			f.Rows[i] = newRow(n)
			for j := range n {
				f.Rows[i].Count[j] = r.Uint64() >> r.IntN(64) * uint64(r.IntN(3))
				for _, column := range [][]float64{f.Rows[i].Sum, f.Rows[i].Min, f.Rows[i].Max, f.Rows[i].Last, f.Rows[i].M2} {
					column[j] = odd[r.IntN(len(odd))]
				}
				f.Rows[i].M2[j] = math.Abs(f.Rows[i].M2[j])
				if math.Float64bits(f.Rows[i].M2[j]) < 1<<52 {
					f.Rows[i].M2[j] = 0 // denormals have fewer bits to keep
				}
			}
		}
		roundTrip(t, f)
	}
}

func TestEmptyFrame(t *testing.T) {
	b := roundTrip(t, &frame.Frame{Step: 10, N: 720})
	assert.Less(t, len(b), 64)
}

func TestRowsWithoutBuckets(t *testing.T) {
	f := &frame.Frame{Step: 10, N: 9}
	f.Rows[63] = newRow(9)
	roundTrip(t, f)
}

func TestShortM2StaysTheSame(t *testing.T) {
	f := &frame.Frame{Step: 10, N: 1}
	f.Rows[0] = one(5)
	for _, v := range []float64{1.0 / 3, 1e300 / 7, math.MaxFloat64, 3, math.Inf(1)} {
		f.Rows[0].M2[0] = v
		var e frame.Encoder
		var d frame.Decoder
		got := &frame.Frame{}
		require.NoError(t, d.Decode(got, e.Append(nil, f)))
		again := &frame.Frame{}
		require.NoError(t, d.Decode(again, e.Append(nil, got)))
		assert.Equal(t, got.Rows[0].M2[0], again.Rows[0].M2[0])
		assert.Equal(t, math.IsInf(v, 0), math.IsInf(got.Rows[0].M2[0], 0))
	}
}
