package parsers

import "strconv"

// maxWhole is the largest mantissa below which each whole number is a float64.
const maxWhole = 1 << 53

var exactTens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// numberValue returns the float64 nearest to the number b, which is as JSON writes
// numbers; infinite when it is too large. Up to 2^53 and 10^22 mantissa and
// power are exact, and one operation on them rounds once (Clinger 1990).
func numberValue(b []byte) float64 {
	mantissa, exp, ok := splitNumber(b)
	switch {
	case !ok || exp < -22 || exp > 22:
		v, _ := strconv.ParseFloat(string(b), 64) // ±Inf is what is wanted of an overflow
		return v
	case exp < 0:
		return mantissa / exactTens[-exp]
	}
	return mantissa * exactTens[exp]
}

// splitNumber returns b as mantissa * 10^exp; ok is false when that is not exact.
func splitNumber(b []byte) (mantissa float64, exp int, ok bool) {
	i, m := 0, uint64(0)
	negative := b[0] == '-'
	if negative {
		i++
	}
	for point := false; i < len(b); i++ {
		switch c := b[i]; {
		case c == '.':
			point = true
		case !isNumeral(c):
			return 0, 0, false // an exponent: rare enough for the slow way
		default:
			if m = m*10 + uint64(c-'0'); m >= maxWhole {
				return 0, 0, false
			}
			if point {
				exp--
			}
		}
	}
	if negative {
		return -float64(m), exp, true
	}
	return float64(m), exp, true
}
