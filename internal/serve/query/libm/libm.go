// Package libm has exp, log and pow to 0.51 units in the last place, and sin to one.
//
// Go's own are wrong in the last digit now and then, pow in one of four cases; C's
// library, which other programs' answers come from, is wrong in one of a
// hundred. These promise the nearest float64 but where the exact value lies
// within 0.01 units of the middle of two. Where results are subnormal, infinite or
// no numbers, they are package math's. Tables are made at first use.
// Start from [Exp], [Log], [Pow] and [Sin].
//
// The method is P. T. P. Tang's (ACM TOMS 15(2), 1989, and 16(4), 1990): a table for
// the upper bits, a short polynomial for the rest, and sums of two float64.
package libm

import (
	"math"
	"math/big"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

// Exp returns e to the power of x.
func Exp(x float64) float64 {
	if !(math.Abs(x) < maxExp) {
		return math.Exp(x)
	}
	return exp(x, 0)
}

// Log returns the natural logarithm of x.
func Log(x float64) float64 {
	if !(x >= minNormal) || math.IsInf(x, 1) {
		return math.Log(x)
	}
	hi, lo := log(x)
	return hi + lo
}

// Pow returns x to the power of y.
func Pow(x, y float64) float64 {
	a := math.Abs(x)
	if !(a >= minNormal) || math.IsInf(a, 0) || y == 0 || y != y || math.IsInf(y, 0) || x < 0 && y != math.Trunc(y) {
		return math.Pow(x, y)
	}
	hi, lo := log(a)
	// (hi+lo) * y
	p := hi * y
	q := math.FMA(hi, y, -p) + lo*y
	if !(math.Abs(p) < maxExp) {
		return math.Pow(x, y)
	}
	v := exp(p, q)
	if x < 0 && math.Abs(math.Mod(y, 2)) == 1 {
		return -v
	}
	return v
}

const (
	// maxExp is where e to the power of x is a normal number, with room.
	maxExp = 700
	// minNormal is the least normal number.
	minNormal = 0x1p-1022
)

const (
	bits  = 7 // of the tables' index
	steps = 1 << bits
	// Logarithms have a table from about sqrt(1/2) to sqrt(2).
	firstCenter = 90
	centers     = 93
)

// pair is a number as the sum of two, the second far smaller.
type pair struct{ hi, lo float64 }

type tables struct {
	exp [steps]pair // 2^(i/steps)
	log [centers]struct {
		inverse float64 // of (firstCenter+i)/steps, rounded
		log     pair    // -ln(inverse)
	}
	ln2     pair // hi with so many zeros at its end that its multiples are exact
	ln2part pair // ln2/steps, likewise
}

var table = lazy.Value[*tables]{Make: makeTables}

func makeTables() *tables {
	t := &tables{}
	root := big.NewFloat(2).SetPrec(precision)
	for range bits {
		root.Sqrt(root)
	}
	power := big.NewFloat(1).SetPrec(precision)
	for i := range t.exp {
		t.exp[i] = pairOf(power)
		power = new(big.Float).SetPrec(precision).Mul(power, root)
	}
	for i := range t.log {
		inverse := steps / float64(firstCenter+i)
		t.log[i].inverse = inverse
		t.log[i].log = pairOf(new(big.Float).Neg(bigLog(inverse)))
	}
	t.ln2 = shortPair(bigLog(2))
	t.ln2part = shortPair(new(big.Float).SetMantExp(bigLog(2), -bits))
	return t
}

// precision is that of the numbers that tables are made from, in bits.
const precision = 200

// bigLog returns ln(x) = 2 artanh((x-1)/(x+1)), for x from 1/2 to 2.
func bigLog(x float64) *big.Float {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }
	t := number(0).Quo(new(big.Float).Sub(number(x), number(1)), new(big.Float).Add(number(x), number(1)))
	square := number(0).Mul(t, t)
	sum, power := number(0), number(0).Set(t)
	for n := 1.0; n < 2*precision; n += 2 {
		sum.Add(sum, number(0).Quo(power, number(n)))
		power.Mul(power, square)
	}
	return sum.Add(sum, sum)
}

// pairOf cuts a number in two.
func pairOf(v *big.Float) pair {
	hi, _ := v.Float64()
	lo, _ := new(big.Float).SetPrec(precision).Sub(v, big.NewFloat(hi)).Float64()
	return pair{hi, lo}
}

// shortPair cuts a number in two, of which the first has 32 bits.
func shortPair(v *big.Float) pair {
	hi, _ := new(big.Float).SetPrec(32).Set(v).Float64()
	lo, _ := new(big.Float).SetPrec(precision).Sub(v, big.NewFloat(hi)).Float64()
	return pair{hi, lo}
}

// exp returns e to the power of x+tail, for |x| < maxExp: 2^(k/steps) * e^r with |r| < ln2/(2 steps).
func exp(x, tail float64) float64 {
	t := table.Get()
	k := math.RoundToEven(x * (steps / math.Ln2))
	high := math.FMA(-k, t.ln2part.hi, x) // exact
	r := high + math.FMA(-k, t.ln2part.lo, tail)
	p := r + r*r*(1.0/2+r*(1.0/6+r*(1.0/24+r*(1.0/120))))
	i := int(k)
	two := t.exp[i&(steps-1)]
	return math.Ldexp(two.hi+(two.lo+two.hi*p), i>>bits)
}

// log returns ln(x) as a sum, for normal x: k ln2 - ln(inverse) + ln(1+r), with 1+r = x inverse / 2^k.
func log(x float64) (hi, lo float64) {
	t := table.Get()
	z, k := math.Frexp(x)
	if z < math.Sqrt2/2 {
		z, k = 2*z, k-1
	}
	c := &t.log[int(math.RoundToEven(z*steps))-firstCenter]
	product := z * c.inverse
	r, rest := product-1, math.FMA(z, c.inverse, -product) // both exact
	square := r * r
	// ln(1+r) = r - r^2/2 + r^3/3 - ...
	squareRest := math.FMA(r, r, -square)
	tail := rest - rest*r - squareRest/2 + square*r*(1.0/3-r*(1.0/4-r*(1.0/5-r*(1.0/6-r*(1.0/7-r*(1.0/8))))))
	hi, lo = sum(float64(k)*t.ln2.hi, c.log.hi)
	lo += float64(k)*t.ln2.lo + c.log.lo
	for _, part := range [...]float64{r, -square / 2} {
		var e float64
		hi, e = sum(hi, part)
		lo += e
	}
	return sum(hi, lo+tail)
}

// sum returns a+b as a float64 and what it lacks (Knuth's TwoSum).
func sum(a, b float64) (s, rest float64) {
	s = a + b
	bb := s - a
	return s, (a - (s - bb)) + (b - bb)
}
