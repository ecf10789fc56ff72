package parsers

import (
	"math/bits"
	"strconv"
)

// The numbers of logs, by what may stand there: digits takes whole numbers,
// decimal those of Postfix and web servers, without a sign or an exponent, and
// numberValue what JSON and programs' own metrics have.

// maxWhole is the largest mantissa below which each whole number is a float64.
const maxWhole = 1 << 53

// tenTo are the powers of ten that a float64 holds exactly.
var tenTo = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
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
		return mantissa / tenTo[-exp]
	}
	return mantissa * tenTo[exp]
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
		case !isDigit(c):
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

func isDigit(c byte) bool { return c-'0' <= 9 }

// decimal reads digits, with a fraction or without; n is their length, 0 when
// there are none or more than 15. The value is that of strconv.ParseFloat: up
// to 15 digits and the power of ten are floats without error, and so their
// quotient is rounded once.
func decimal(b []byte) (v float64, n int) {
	if len(b) >= 8 {
		if v, n = shortDecimal(load(b, 0)); n > 0 {
			return v, n
		}
	}
	mantissa, fraction := uint64(0), 0
	for ; n < len(b) && n <= 16; n++ {
		c := b[n]
		if isDigit(c) {
			mantissa = mantissa*10 + uint64(c-'0')
		} else if c == '.' && fraction == 0 {
			fraction = n + 1
		} else {
			break
		}
	}
	digits := n
	if fraction > 0 {
		digits--
		fraction = n - fraction
		if fraction == 0 || digits == fraction {
			return 0, 0
		}
	}
	if digits > 15 {
		return 0, 0
	}
	return float64(mantissa) / tenTo[fraction], n
}

// shortDecimal is decimal for a number that a comma follows within w, the next
// eight bytes; else n is 0. It has no branch that depends on the number's
// digits: those are as good as random.
func shortDecimal(w uint64) (v float64, n int) {
	n = bits.TrailingZeros64(hasByte(w, ',')) >> 3
	point := bits.TrailingZeros64(hasByte(w, '.')) >> 3
	if n == 0 || n == 8 || point == 0 || point == n-1 {
		return 0, 0
	}
	point = min(point, n)
	fraction := max(n-point-1, 0)
	digits := point + fraction
	whole := w & (1<<(8*point) - 1)
	w = whole | w>>8&^(1<<(8*point)-1) // without the point
	w = w<<(64-8*digits) ^ '0'*ones&^(1<<(64-8*digits)-1)
	if (w+0x76*ones|w)&tops != 0 {
		return 0, 0 // a byte that is no digit
	}
	// Digits to pairs, to fours, to eight.
	w = (w*10 + w>>8) & 0x00ff00ff00ff00ff
	w = (w*100 + w>>16) & 0x0000ffff0000ffff
	w = (w*10000 + w>>32) & 0xffffffff
	return float64(w) / tenTo[fraction], n
}

// digitsEnd returns the index behind the digits that start at i.
func digitsEnd(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// digits reads a number of 1 to most digits that is the whole of b.
func digits(b []byte, most int) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > most {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
