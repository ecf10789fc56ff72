package query

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// AppendFloat appends v as Python prints a float: the shortest digits that give v again, and
// at least one behind the point; "inf", "nan".
func AppendFloat(dst []byte, v float64) []byte {
	switch {
	case v != v:
		return append(dst, "nan"...)
	case math.IsInf(v, 0):
		if v < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "inf"...)
	}
	if a := math.Abs(v); a >= 1e16 || a != 0 && a < 1e-4 {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[n:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}

// FormatFloat returns v as Python prints a float.
func FormatFloat(v float64) string { return string(AppendFloat(nil, v)) }

// FormatG returns v as %g of C and Python does: six digits, no zeros at the end.
func FormatG(v float64) string {
	if v != v || math.IsInf(v, 0) {
		return FormatFloat(v)
	}
	e := strconv.FormatFloat(v, 'e', 5, 64)
	mantissa, exp, _ := strings.Cut(e, "e")
	if x, _ := strconv.Atoi(exp); x >= -4 && x < 6 {
		return trimZeros(strconv.FormatFloat(v, 'f', 5-x, 64))
	}
	return trimZeros(mantissa) + "e" + exp
}

func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// Repr returns s as Python shows a string.
func Repr(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r < ' ' || r == 0x7f:
			out = append(out, `\x`...)
			out = append(out, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			out = append(out, string(r)...)
		}
	}
	return string(append(out, quote))
}

// ParsePythonFloat reads a float as Python's float(s) does.
func ParsePythonFloat(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "xXpP") { // Go's hexadecimal floats
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}
