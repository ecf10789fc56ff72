package metric

import (
	"bytes"
	"math"
	"strconv"
)

// AppendValue appends v as text in the form f, always with '.' as the decimal
// point and read back by ParseValue as the same number:
//
//   - Shortest: the shortest decimal, without an exponent for 1e-6 <= |v| < 1e21;
//   - PyInt: as Python 3's str(int(v)); a v that is not whole is written as PyFloat;
//   - PyFloat: as Python 3's str(float(v)).
//
// Infinities, which only sums that overflow can reach, become the largest
// finite value of their sign: no receiver of ours takes "inf" in one way. v
// must not be NaN.
func AppendValue(dst []byte, v float64, f Form) []byte {
	v = max(-math.MaxFloat64, min(math.MaxFloat64, v))
	switch {
	case f == PyInt && v == math.Trunc(v):
		return strconv.AppendFloat(dst, v+0, 'f', 0, 64) // +0: an int has no -0
	case f == PyInt || f == PyFloat:
		return appendPyFloat(dst, v)
	}
	if m := math.Abs(v); m != 0 && (m < 1e-6 || m >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v+0, 'f', -1, 64)
}

// appendPyFloat follows float_repr_style "short" of CPython: the shortest
// digits, with an exponent when it is below -4 or above 15.
func appendPyFloat(dst []byte, v float64) []byte {
	if m := math.Abs(v); m != 0 && (m < 1e-4 || m >= 1e16) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// maxValueLen is the length in bytes of the longest text that ParseValue
// takes: 'f' writes the largest float64 with 309 digits.
const maxValueLen = 512

// ParseValue reads a decimal number with an optional sign, fraction and
// exponent, as wire formats carry them. ok is false for anything else: NaN,
// infinities, hexadecimal, blanks, and what is too large for a float64. "-0"
// is 0, as AppendValue writes it. It does not allocate for texts of up to 32 bytes.
func ParseValue(text []byte) (v float64, ok bool) {
	if v, ok = parseShort(text); ok {
		return v + 0, true // -0 + 0 is 0
	}
	if len(text) > maxValueLen || !isDecimal(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(text), 64)
	return v + 0, err == nil
}

// pow10 are powers of ten, which a float64 holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// parseShort reads the most frequent values by far: up to 15 digits, perhaps
// with a sign and a fraction. Digits and power of ten are exact, so that their
// quotient is the nearest float64.
func parseShort(text []byte) (v float64, ok bool) {
	digits, point := trimSign(text), -1
	if len(digits) == 0 || len(digits) >= len(pow10) {
		return 0, false
	}
	var n uint64
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + uint64(c-'0')
		case c == '.' && point < 0 && len(digits) > 1:
			point = i
		default:
			return 0, false
		}
	}
	v = float64(n)
	if point >= 0 {
		v /= pow10[len(digits)-point-1]
	}
	if text[0] == '-' {
		v = -v
	}
	return v, true
}

// isDecimal reports whether text is a number in the grammar of ParseValue, so
// that bad text costs no error value.
func isDecimal(text []byte) bool {
	text = trimSign(text)
	whole := countDigits(text)
	text = text[whole:]
	fraction := 0
	if len(text) > 0 && text[0] == '.' {
		fraction = countDigits(text[1:])
		text = text[1+fraction:]
	}
	if whole+fraction == 0 {
		return false
	}
	if len(text) == 0 {
		return true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return false
	}
	text = trimSign(text[1:])
	return len(text) > 0 && countDigits(text) == len(text)
}

func trimSign(text []byte) []byte {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		return text[1:]
	}
	return text
}

func countDigits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}
