package ingest

import (
	"math"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/wire/otlp"
	"github.com/logmetrics/logmetrics/metric"
)

// appendBound appends the end of a bin, or a quantile, as Prometheus has it in
// the label le.
func appendBound(dst []byte, v float64) []byte {
	if math.IsInf(v, 1) {
		return append(dst, "+Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// moments puts what all histograms have.
func (o *otlpWriter) moments(pt *otlp.Point) {
	o.total(pt, ".count", float64(pt.Count))
	if pt.Sum.OK {
		o.total(pt, ".sum", pt.Sum.Value)
	}
	if pt.Min.OK {
		o.level(pt, ".min", metric.Min, pt.Min.Value)
	}
	if pt.Max.OK {
		o.level(pt, ".max", metric.Max, pt.Max.Value)
	}
}

// histogram puts a histogram with bounds. Like Prometheus' its bins are
// cumulative: le=5 has all values up to 5. A histogram without bounds has no bins.
func (o *otlpWriter) histogram(pt *otlp.Point) {
	if len(pt.Bins) > 0 && len(pt.Bins) != len(pt.Bounds)+1 {
		o.refuse(badPoint)
		return
	}
	for i, b := range pt.Bounds {
		if !finite(b) || i > 0 && b <= pt.Bounds[i-1] {
			o.refuse(badPoint)
			return
		}
	}
	o.moments(pt)
	if len(pt.Bounds) == 0 {
		return
	}
	n := uint64(0)
	for i, count := range pt.Bins {
		n += count
		bound := math.Inf(1)
		if i < len(pt.Bounds) {
			bound = pt.Bounds[i]
		}
		o.bin(pt, ".bucket", "le", bound, float64(n))
	}
}

// maxScale is far beyond what histograms have: bins whose ends no float64 tells apart.
const maxScale = 52

// exponential puts an exponential histogram: each power of 2 is one bin, le being
// its upper end, and those that hold nothing are left out. Unlike a histogram's they are not cumulative: which ones there are
// changes from point to point, and a sum over several needs no bin that is not there.
func (o *otlpWriter) exponential(pt *otlp.Point) {
	if pt.Scale > maxScale || pt.Scale < -maxScale {
		o.refuse(badPoint)
		return
	}
	o.moments(pt)
	if pt.Zero > 0 {
		o.bin(pt, ".bin", "le", 0, float64(pt.Zero))
	}
	powers(pt.Scale, pt.Positive, true, func(exponent int, n uint64) {
		end := math.Inf(1)
		if exponent < 1023 {
			end = math.Ldexp(1, max(exponent+1, minExponent))
		}
		o.bin(pt, ".bin", "le", end, float64(n))
	})
	powers(pt.Scale, pt.Negative, false, func(exponent int, n uint64) {
		o.bin(pt, ".bin", "le", -math.Ldexp(1, min(max(exponent, minExponent), 1023)), float64(n))
	})
}

// minExponent is that of the smallest float64.
const minExponent = -1074

// powers calls fn with the bins of scale 0 that hold something: exponent e is of
// the sizes in (2^e, 2^(e+1)]. Bins of finer scales join exactly; one of a coarser
// scale becomes the last, or the first, of those that it covers.
func powers(scale int32, bins otlp.Bins, last bool, fn func(exponent int, n uint64)) {
	at, sum := 0, uint64(0)
	for i, n := range bins.Counts {
		exponent := powerOf(scale, int64(bins.Offset)+int64(i), last)
		if exponent != at && sum > 0 {
			fn(at, sum)
			sum = 0
		}
		at = exponent
		sum += n
	}
	if sum > 0 {
		fn(at, sum)
	}
}

// beyond is an exponent that no float64 has.
const beyond = 1 << 11

// powerOf returns the bin of scale 0 for one of another scale.
func powerOf(scale int32, index int64, last bool) int {
	index = max(min(index, math.MaxInt32), math.MinInt32)
	switch {
	case scale >= 0:
		index >>= scale
	default:
		shift := min(-scale, 12) // then one bin covers all sizes above 1, and one those below
		first := index << shift
		index = first
		if last {
			index = first + 1<<shift - 1
		}
	}
	return int(max(min(index, beyond), -beyond))
}
