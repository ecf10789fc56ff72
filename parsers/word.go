package parsers

import (
	"encoding/binary"
	"math/bits"
)

// What is here looks at eight bytes at a time, without a branch for each.

// load reads eight bytes at i, the first as the lowest.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

const ones, tops = 0x0101010101010101, 0x8080808080808080 // of each byte

// hasByte sets the top bit of the lowest byte of w that is c. It is 0 when none
// is; bits above the lowest one that is set mean nothing.
func hasByte(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return (w - ones) &^ w & tops
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

var tenTo = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
