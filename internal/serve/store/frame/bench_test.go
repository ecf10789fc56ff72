package frame_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/frame"
)

// shapes make the value of step j of series i.
var shapes = []struct {
	name string
	make func(r *rand.Rand, n int) []float64
}{
	{"constant", func(r *rand.Rand, n int) []float64 { return fill(n, func(float64, int) float64 { return 42.5 }) }},
	{"load", func(r *rand.Rand, n int) []float64 { // what bench/load sends
		i := r.IntN(100000)
		return fill(n, func(_ float64, j int) float64 { return float64((i*7919+j*104729)%100000) / 100 })
	}},
	{"counts", func(r *rand.Rand, n int) []float64 { // of events in an interval
		rate := r.ExpFloat64() * 20
		return fill(n, func(float64, int) float64 { return math.Round(math.Max(0, rate+math.Sqrt(rate)*r.NormFloat64())) })
	}},
	{"counter", func(r *rand.Rand, n int) []float64 { // that only grows
		rate := r.ExpFloat64() * 1000
		return fill(n, func(v float64, _ int) float64 { return v + math.Round(rate*(1+0.1*r.NormFloat64())) })
	}},
	{"walk", func(r *rand.Rand, n int) []float64 { // two decimals, as a temperature
		x := 2000 + float64(r.IntN(6000))
		return fill(n, func(float64, int) float64 { x = math.Round(x + 20*r.NormFloat64()); return x / 100 })
	}},
	{"percent", func(r *rand.Rand, n int) []float64 { // one decimal, without memory
		at := 100 * r.Float64()
		return fill(n, func(float64, int) float64 { return math.Round(10*math.Min(100, math.Abs(at+5*r.NormFloat64()))) / 10 })
	}},
	{"steps", func(r *rand.Rand, n int) []float64 { // bytes in use, which seldom change
		return fill(n, func(v float64, _ int) float64 {
			if v == 0 || r.IntN(20) == 0 {
				return 4096 * float64(r.IntN(1<<20))
			}
			return v
		})
	}},
	{"mean", func(r *rand.Rand, n int) []float64 { // all bits of the mantissa
		at := r.ExpFloat64()
		return fill(n, func(float64, int) float64 { return at * (1 + 0.1*r.NormFloat64()) })
	}},
}

func fill(n int, next func(v float64, j int) float64) []float64 {
	values, v := make([]float64, n), 0.0
	for j := range values {
		v = next(v, j)
		values[j] = v
	}
	return values
}

// framesOf returns 64 series of a shape, or of all mixed, in n buckets of one or
// more values.
func frameOf(shape, n, perBucket int) *frame.Frame {
	r := rand.New(rand.NewPCG(7, uint64(shape)))
	f := &frame.Frame{Start: 1_700_000_000, Step: 10, N: n}
	for i := range f.Rows {
		s := shape
		if s == len(shapes) {
			s = i % (len(shapes) - 1) // without mean, as most stores are
		}
		values := shapes[s].make(r, n*perBucket)
		f.Rows[i] = one(values[:n]...)
		if perBucket > 1 {
			f.Rows[i] = buckets(values, perBucket)
		}
	}
	return f
}

// buckets gathers values, some at a time.
func buckets(values []float64, perBucket int) frame.Row {
	r := newRow(len(values) / perBucket)
	for i := range r.Count {
		for j, v := range values[i*perBucket:][:perBucket] {
			if j == 0 || v < r.Min[i] {
				r.Min[i] = v
			}
			if j == 0 || v > r.Max[i] {
				r.Max[i] = v
			}
			old := r.Sum[i] / math.Max(1, float64(j))
			r.Count[i]++
			r.Sum[i] += v
			if j > 0 {
				r.M2[i] += (v - old) * (v - r.Sum[i]/float64(j+1))
			}
			r.Last[i] = v
		}
	}
	return r
}

// each calls fn for each shape of benchmark.
func each(b *testing.B, fn func(b *testing.B, f *frame.Frame)) {
	for _, size := range []struct {
		name         string
		n, perBucket int
	}{{"60", 60, 1}, {"720", 720, 1}, {"30x288", 288, 30}} {
		for s := range len(shapes) + 1 {
			name := "mixed"
			if s < len(shapes) {
				name = shapes[s].name
			}
			b.Run(size.name+"/"+name, func(b *testing.B) { fn(b, frameOf(s, size.n, size.perBucket)) })
		}
	}
}

func perSample(b *testing.B, f *frame.Frame, size int) {
	samples := frame.Rows * f.N
	b.ReportAllocs()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(samples), "ns/sample")
	b.ReportMetric(float64(size)/float64(samples), "B/sample")
	b.SetBytes(int64(8 * samples))
}

func BenchmarkEncode(b *testing.B) {
	each(b, func(b *testing.B, f *frame.Frame) {
		var e frame.Encoder
		var dst []byte
		for b.Loop() {
			dst = e.Append(dst[:0], f)
		}
		perSample(b, f, len(dst))
	})
}

func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, f *frame.Frame) {
		var e frame.Encoder
		var d frame.Decoder
		src, got := e.Append(nil, f), &frame.Frame{}
		for b.Loop() {
			require.NoError(b, d.Decode(got, src))
		}
		perSample(b, f, len(src))
	})
}

// BenchmarkDecodeRow reads one series of a frame: ns/op counts.
func BenchmarkDecodeRow(b *testing.B) {
	each(b, func(b *testing.B, f *frame.Frame) {
		var e frame.Encoder
		var d frame.Decoder
		var r frame.Row
		src := e.Append(nil, f)
		b.ReportAllocs()
		b.SetBytes(int64(8 * f.N))
		for b.Loop() {
			_, _, err := d.DecodeRow(&r, src, 37)
			require.NoError(b, err)
		}
	})
}
