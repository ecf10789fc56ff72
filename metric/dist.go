package metric

import (
	"math"
	"slices"
)

// MaxExact is how many values a Dist keeps one by one before it becomes a
// sketch: 40 KB a series, and more than most intervals have.
const MaxExact = 5000

// Dist is a distribution of values: exact up to [MaxExact] values, then a
// DDSketch (Masson, Rim, Lee, VLDB 2019) whose quantiles are within 1 % of the
// exact ones. The result of merging does not depend on the order.
// The zero value is empty and ready. Not safe for concurrent use.
type Dist struct {
	exact  []float64 // empty once sketched
	sorted bool
	n      uint64
	pos    bins   // values > 0
	neg    bins   // values < 0, by magnitude
	zero   uint64 // magnitudes under minMagnitude
}

// The sketch's bins grow by gamma: 1 % relative error. Magnitudes beyond the
// limits share the last bin on their side, which bounds a sketch to 2800 bins a side.
const (
	relativeError = 0.01
	minMagnitude  = 1e-9
	maxMagnitude  = 1e15
)

const gamma = (1 + relativeError) / (1 - relativeError) // the largest ratio of a bin's ends

// bins counts values by their index, densely from the lowest index seen.
type bins struct {
	first  int // index of counts[0]
	counts []uint64
}

func (b *bins) add(i int, n uint64) {
	switch {
	case len(b.counts) == 0:
		b.first, b.counts = i, append(b.counts[:0], n)
		return
	case i < b.first:
		b.counts = slices.Insert(b.counts, 0, make([]uint64, b.first-i)...)
		b.first = i
	case i >= b.first+len(b.counts):
		b.counts = append(b.counts, make([]uint64, i-b.first-len(b.counts)+1)...)
	}
	b.counts[i-b.first] += n
}

// Add adds one value; it must not be NaN.
func (d *Dist) Add(v float64) {
	d.n++
	if d.n <= MaxExact {
		d.exact = append(d.exact, v)
		d.sorted = false
		return
	}
	d.sketch()
	d.bin(v)
}

// AddAll adds values; none may be NaN.
func (d *Dist) AddAll(values []float64) {
	d.n += uint64(len(values))
	if d.n <= MaxExact {
		d.exact = append(d.exact, values...)
		d.sorted = false
		return
	}
	d.sketch()
	for _, v := range values {
		// The bin of nearly all values is there; the others take the long way.
		if v >= minMagnitude {
			if i := binIndex(v) - d.pos.first; uint(i) < uint(len(d.pos.counts)) {
				d.pos.counts[i]++
				continue
			}
		}
		d.bin(v)
	}
}

// Count returns the number of values.
func (d *Dist) Count() uint64 { return d.n }

// Exact returns the values in ascending order, or nil when the Dist has become
// a sketch. The slice belongs to the Dist and is valid until its next change.
func (d *Dist) Exact() []float64 {
	if d.n > MaxExact {
		return nil
	}
	if !d.sorted {
		slices.Sort(d.exact)
		d.sorted = true
	}
	return d.exact
}

// Merge adds the values of o, which is not changed.
func (d *Dist) Merge(o *Dist) {
	if o == nil {
		return
	}
	d.n += o.n
	if d.n <= MaxExact {
		d.exact = append(d.exact, o.exact...)
		d.sorted = false
		return
	}
	d.sketch()
	for _, v := range o.exact {
		d.bin(v)
	}
	d.zero += o.zero
	d.pos.merge(&o.pos)
	d.neg.merge(&o.neg)
}

func (b *bins) merge(o *bins) {
	for i, n := range o.counts {
		if n > 0 {
			b.add(o.first+i, n)
		}
	}
}

// Quantile returns the value at q in [0,1]: for exact values by linear
// interpolation between the closest ranks, q*(n-1), as Logster's percentiles
// are; for a sketch the value of the bin that holds that rank. NaN when empty.
func (d *Dist) Quantile(q float64) float64 {
	if d == nil || d.n == 0 {
		return math.NaN()
	}
	rank := q * float64(d.n-1)
	if d.n <= MaxExact {
		v := d.Exact()
		i := int(rank)
		if i+1 >= len(v) {
			return v[len(v)-1]
		}
		return v[i] + (v[i+1]-v[i])*(rank-float64(i))
	}
	return d.atRank(uint64(rank))
}

func (d *Dist) atRank(rank uint64) (v float64) {
	var seen uint64
	d.Bins(func(value float64, n uint64) bool {
		v = value
		seen += n
		return seen <= rank
	})
	return v
}

// Bins calls yield with each bin's value and count, ascending, until yield
// returns false. Exact values are bins of their own.
func (d *Dist) Bins(yield func(value float64, n uint64) bool) {
	for _, v := range d.Exact() {
		if !yield(v, 1) {
			return
		}
	}
	for i := len(d.neg.counts) - 1; i >= 0; i-- {
		if n := d.neg.counts[i]; n > 0 && !yield(-binValue(d.neg.first+i), n) {
			return
		}
	}
	if d.zero > 0 && !yield(0, d.zero) {
		return
	}
	for i, n := range d.pos.counts {
		if n > 0 && !yield(binValue(d.pos.first+i), n) {
			return
		}
	}
}

// sketch moves the exact values into bins.
func (d *Dist) sketch() {
	for _, v := range d.exact {
		d.bin(v)
	}
	d.exact = d.exact[:0]
}

func (d *Dist) bin(v float64) {
	switch m := math.Abs(v); {
	case m < minMagnitude:
		d.zero++
	case v > 0:
		d.pos.add(binIndex(m), 1)
	default:
		d.neg.add(binIndex(m), 1)
	}
}

// The bins are DDSketch's cubically interpolated ones: in place of the
// logarithm to base 2 stands the exponent plus a cubic of the significand's
// fraction, which costs a third and needs 1 % more bins. Within a power of two
// the cubic runs from 0 to 1. Where it grows slowest against the logarithm, as
// at 0, a bin's ends have the ratio gamma; elsewhere less.
const (
	cubic3, cubic2, cubic1 = 6.0 / 35, -3.0 / 5, 10.0 / 7
	binOffset              = 4096 // keeps what is truncated positive
)

var binScale = 1 / (cubic1 * math.Log(gamma)) // bins per power of two

func binIndex(m float64) int {
	bits := math.Float64bits(min(m, maxMagnitude))
	exponent := float64(int(bits>>52) - 1023)
	s := math.Float64frombits(bits&(1<<52-1)|1023<<52) - 1
	return int((exponent+s*(cubic1+s*(cubic2+s*cubic3)))*binScale+binOffset) - binOffset
}

// binValue is the value whose relative distance to both ends of the bin is at
// most relativeError.
func binValue(i int) float64 {
	exponent, y := math.Modf(float64(i) / binScale)
	if y < 0 {
		exponent, y = exponent-1, y+1
	}
	// Newton's steps towards cubic(s) = y; the cubic is nearly straight.
	s := y
	for range 8 {
		s -= (s*(cubic1+s*(cubic2+s*cubic3)) - y) / (cubic1 + s*(2*cubic2+s*3*cubic3))
	}
	return math.Ldexp(1+s, int(exponent)) * (1 + relativeError)
}
