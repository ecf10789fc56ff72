package frame

import "math"

// powers of ten that a float64 holds exactly.
var powers = [16]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

const (
	maxScaled     = 1 << 50 // beyond, v*10^e loses the places after the point
	maxCorrection = 100     // so that it stays one byte in zigzag
)

// ordered maps the bits of a float64 to an integer, so that floats next to each
// other are integers next to each other.
func ordered(v float64) int64 {
	b := int64(math.Float64bits(v))
	return b ^ int64(uint64(b>>63)>>1)
}

// fromOrdered undoes ordered.
func fromOrdered(x int64) float64 {
	return math.Float64frombits(uint64(x ^ int64(uint64(x>>63)>>1)))
}

// exponent returns the smallest e, not below the given one, for which all values
// are scaled integers, or beside.
func exponent(values []float64, e int) (int, bool) {
	p := powers[e]
	for _, v := range values {
		for {
			m := math.RoundToEven(v * p)
			if !(math.Abs(m) <= maxScaled) {
				return 0, false
			}
			if back := m / p; back == v || near(v, back) {
				break
			}
			if e++; e == len(powers) {
				return 0, false
			}
			p = powers[e]
		}
	}
	return e, true
}

func near(v, back float64) bool {
	c := ordered(v) - ordered(back)
	return c >= -maxCorrection && c <= maxCorrection
}

// scale sets ints to the values times 10^e, and corrections to what is missing
// then; it says whether anything is. exponent was true of e.
func scale(ints, corrections []int64, values []float64, e int) (exact bool) {
	p, any := powers[e], int64(0)
	for i, v := range values {
		m := int64(math.RoundToEven(v * p)) // of -0 this is 0, and the correction -1
		c := ordered(v) - ordered(float64(m)/p)
		ints[i], corrections[i] = m, c
		any |= c
	}
	return any == 0
}

// unscale sets values to what the ints were scaled from; corrections may be nil.
func unscale(values []float64, ints, corrections []int64, e int) {
	p := powers[e]
	for i, m := range ints {
		values[i] = float64(m) / p
	}
	for i, c := range corrections {
		values[i] = fromOrdered(ordered(values[i]) + c)
	}
}

// reference is what may be taken away from the integers of a column: those of
// last, or those of count times last.
type reference struct {
	last    []float64
	decimal bool // last was scaled
	exp     int
}

// ints returns the reference of a column that is scaled, or not; count is nil
// or what last is to be multiplied with. The result is nil when there is none;
// else it may be dst.
func (r reference) ints(dst []int64, scaled bool, count []uint64) []int64 {
	if scaled && !r.decimal {
		return nil
	}
	dst = grow(dst, len(r.last))
	p := powers[r.exp]
	for i, v := range r.last {
		times := uint64(1)
		if count != nil {
			times = count[i]
		}
		if scaled {
			dst[i] = int64(math.RoundToEven(v*p)) * int64(times)
		} else {
			dst[i] = ordered(v * float64(times))
		}
	}
	return dst
}

// shortBits is how many bits of the mantissa M2 loses: it keeps 24, as a float32
// does, but not its exponents, for the square of a large value is beyond them.
const shortBits = 29

// shorten returns the ordered bits of v without the last shortBits, rounded. What
// is finite stays finite.
func shorten(v float64) int64 {
	if math.IsNaN(v) {
		v = math.NaN() // others could become infinite
	}
	x := ordered(v)
	if r := (x + 1<<(shortBits-1)) >> shortBits; math.IsInf(v, 0) == math.IsInf(lengthen(r), 0) {
		return r
	}
	return x >> shortBits
}

func lengthen(x int64) float64 { return fromOrdered(x << shortBits) }
