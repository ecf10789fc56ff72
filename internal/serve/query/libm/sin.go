package libm

import "math"

// Sin returns the sine of x in radians.
func Sin(x float64) float64 {
	if !(math.Abs(x) < maxTurns) {
		return math.Sin(x)
	}
	n := math.RoundToEven(x * (2 / math.Pi))
	// x - n pi/2, in parts of pi/2
	r, first := sum(math.FMA(-n, quarter1, x), -n*quarter2)
	third := n * quarter3
	r, second := sum(r, -third)
	r, e := sum(r, first+second-math.FMA(n, quarter3, -third)-n*quarter4)
	switch int64(n) & 3 {
	case 0:
		return sine(r, e)
	case 1:
		return cosine(r, e)
	case 2:
		return -sine(r, e)
	}
	return -cosine(r, e)
}

// maxTurns is where multiples of the parts of pi/2 are exact.
const maxTurns = 1 << 33

// Parts of pi/2: of 20 bits, of 20 bits, of 53 bits, and the rest.
const (
	quarter1 = 0x1.921fap+00
	quarter2 = 0x1.54442p-20
	quarter3 = 0x1.a308d313198a3p-41
	quarter4 = -0x1.fc8f8cbb5bf6cp-97
)

// sine is sin(r+e) for |r| up to pi/4, by its series, of which r and r^3/6 are summed exactly.
func sine(r, e float64) float64 {
	q := r * r
	cube := r * q
	cubeRest := math.FMA(r, q, -cube) + r*math.FMA(r, r, -q)
	sixth := cube / 6
	sixthRest := (math.FMA(-6, sixth, cube) + cubeRest) / 6
	hi, lo := sum(r, -sixth)
	p := 1.0/120 + q*(-1.0/5040+q*(1.0/362880+q*(-1.0/39916800+q*(1.0/6227020800+q*(-1.0/1307674368000)))))
	return hi + (lo - sixthRest + cube*q*p + e*(1-q/2))
}

// cosine is cos(r+e) for |r| up to pi/4, by its series, of which 1 and r^2/2 are summed exactly.
func cosine(r, e float64) float64 {
	q := r * r
	hi, lo := sum(1, -q/2)
	p := 1.0/24 + q*(-1.0/720+q*(1.0/40320+q*(-1.0/3628800+q*(1.0/479001600+q*(-1.0/87178291200+q*(1.0/20922789888000))))))
	return hi + (lo - math.FMA(r, r, -q)/2 + q*q*p - r*e)
}
