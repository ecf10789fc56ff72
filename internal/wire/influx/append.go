package influx

import (
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// text is what names and values are kept in.
type text interface{ string | []byte }

// AppendMeasurement begins a line.
func AppendMeasurement[T text](dst []byte, name T) []byte {
	return appendEscaped(dst, name, inMeasurement)
}

// AppendTag appends a tag to the measurement, or to the tags before; an empty
// value is left out, for the protocol has none.
func AppendTag[T text](dst []byte, key, value T) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = appendEscaped(append(dst, ','), key, inKey)
	return appendEscaped(append(dst, '='), value, inKey)
}

// AppendField appends a number as a field. first says that none is in the line
// yet. It is written bare, which makes it a float; v must not be NaN.
func AppendField[T text](dst []byte, first bool, key T, v float64) []byte {
	if first {
		dst = append(dst, ' ')
	} else {
		dst = append(dst, ',')
	}
	dst = append(appendEscaped(dst, key, inKey), '=')
	return metric.AppendValue(dst, v, metric.Shortest)
}

// AppendTime ends the line with the time, in whatever unit was agreed on.
func AppendTime(dst []byte, stamp int64) []byte {
	return append(strconv.AppendInt(append(dst, ' '), stamp, 10), '\n')
}

// appendEscaped appends s so that it stays one word. What no escape exists for
// becomes '_': control characters, a backslash at the end (it would escape
// what follows), and the '#' that would make a comment of a line.
func appendEscaped[T text](dst []byte, s T, set *special) []byte {
	if len(s) == 0 {
		return append(dst, '_')
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case set[c]:
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f || c == '\\' && i == len(s)-1 || c == '#' && i == 0 && set == inMeasurement:
			dst = append(dst, '_')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// special are the bytes that a backslash goes before.
type special [256]bool

var (
	inMeasurement = &special{',': true, ' ': true}
	inKey         = &special{',': true, ' ': true, '=': true}
)
