package outputs

import (
	"math"

	"github.com/logmetrics/logmetrics/internal/wire/otlp"
	"github.com/logmetrics/logmetrics/metric"
)

// Timers as exponential histograms: bin i of scale n holds the values in
// (2^(i/2^n), 2^((i+1)/2^n)].

const (
	// otlpScale is the finest scale: a bin's values are within 0.55 % of its
	// middle. A sketch, within 1 %, has nothing finer to tell.
	otlpScale = 6
	// otlpBins is how many bins each side has at most, twice the 160 of
	// OpenTelemetry's own programs. Five powers of 2 (1 to 32 ms) fill them at
	// scale 6, twenty (1 ms to 17 min) at 4, within 2.2 %.
	otlpBins = 320
	// otlpZero is the magnitude below which values are 0, as metric.Dist has it.
	otlpZero = 1e-9
)

// fillHistogram puts what a timer's sample has into its point.
func fillHistogram(pt *otlp.Point, s *metric.Sample) {
	pt.Count = s.Count
	if s.Count == 0 || s.Dist == nil {
		return
	}
	// The protocol leaves the sum out when there are values below 0.
	pt.Sum = otlp.Optional{Value: finite(s.Sum), OK: s.Min >= 0}
	pt.Min, pt.Max = otlp.Optional{Value: s.Min, OK: true}, otlp.Optional{Value: s.Max, OK: true}
	h := binsOf(s.Dist)
	pt.Scale, pt.Zero, pt.ZeroThreshold = h.scale, h.zero, otlpZero
	pt.Positive, pt.Negative = h.positive.bins(), h.negative.bins()
}

// histogram is a Dist in exponential bins.
type histogram struct {
	scale              int32
	zero               uint64
	positive, negative span
}

// span is one side of a histogram: its lowest and highest bin and their counts.
type span struct {
	low, high int
	counts    []uint64
	used      bool
}

// binsOf takes the finest scale at which neither side has more than otlpBins bins.
func binsOf(d *metric.Dist) (h histogram) {
	h.each(d, func(side *span, bin int, _ uint64) {
		if !side.used {
			*side = span{low: bin, high: bin, used: true}
		}
		side.low, side.high = min(side.low, bin), max(side.high, bin)
	})
	shift := 0
	for !h.positive.fits(shift) || !h.negative.fits(shift) {
		shift++
	}
	h.scale = int32(otlpScale - shift)
	h.positive.coarsen(shift)
	h.negative.coarsen(shift)
	h.zero = 0
	h.each(d, func(side *span, bin int, n uint64) { side.counts[bin>>shift-side.low] += n })
	return h
}

// each calls fn with the side and the bin, of scale otlpScale, of each value,
// and counts the zeros.
func (h *histogram) each(d *metric.Dist, fn func(side *span, bin int, n uint64)) {
	d.Bins(func(v float64, n uint64) bool {
		switch {
		case v >= otlpZero:
			fn(&h.positive, binOf(v), n)
		case v <= -otlpZero:
			fn(&h.negative, binOf(-v), n)
		default:
			h.zero += n
		}
		return true
	})
}

func (s *span) fits(shift int) bool { return s.high>>shift-s.low>>shift < otlpBins }

// coarsen joins 2^shift bins each: bin i becomes bin i>>shift, exactly.
func (s *span) coarsen(shift int) {
	s.low, s.high = s.low>>shift, s.high>>shift
	if s.used {
		s.counts = make([]uint64, s.high-s.low+1)
	}
}

// bins has no counts for a side that has no values.
func (s *span) bins() otlp.Bins { return otlp.Bins{Offset: int32(s.low), Counts: s.counts} }

// binOf returns the bin of v > 0 at otlpScale. Powers of 2, the upper ends of
// bins at each scale, are taken exactly.
func binOf(v float64) int {
	fraction, exponent := math.Frexp(min(v, math.MaxFloat64)) // v = fraction * 2^exponent, 0.5 <= fraction < 1
	whole := (exponent - 1) << otlpScale
	if fraction == .5 {
		return whole - 1
	}
	part := math.Ceil(math.Log2(fraction*2) * (1 << otlpScale))
	return whole + int(max(1, min(1<<otlpScale, part))) - 1
}
