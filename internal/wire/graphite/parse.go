package graphite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"

	"github.com/logmetrics/logmetrics/metric"
)

// Reason says why a line is no point.
type Reason uint8

// The reasons.
const (
	BadFields Reason = iota // not three
	BadValue                // no number
	NotANumber
	Infinite // or beyond metric.MaxValue
	BadTime  // neither -1 nor from 0 to 2^53
	reasons
)

// Reasons are the names of the reasons, as metrics have them.
var Reasons = [reasons]string{"fields", "value", "nan", "infinite", "time"}

// Bad are the lines of a block that are no points.
type Bad struct {
	Counts [reasons]int
	Line   []byte // one of them, part of the block; nil without any
	Why    Reason // of Line
}

func (b *Bad) add(line []byte, why Reason) {
	b.Counts[why]++
	b.Line, b.Why = line, why
}

// Parse appends the rows of block to dst. block is whole lines, of which the
// last may lack its '\n' (a datagram); "\r\n", empty lines and more blanks than
// needed are taken. Fractions of timestamps are cut.
func Parse(dst []Row, block []byte) (rows []Row, bad Bad) {
	for len(block) > 0 {
		var row Row
		if n := plain(&row, block); n > 0 {
			dst, block = append(dst, row), block[n:]
			continue
		}
		line := block
		if i := bytes.IndexByte(block, '\n'); i >= 0 {
			line, block = block[:i], block[i+1:]
		} else {
			block = nil
		}
		name, rest := field(line)
		if name == nil {
			continue
		}
		if why, ok := anyRest(&row, name, rest); ok {
			dst = append(dst, row)
		} else {
			bad.add(line, why)
		}
	}
	return dst, bad
}

// plain reads a line as programs write it: single blanks, a value of at most 15
// digits with a sign and a fraction, a timestamp of at most 15 digits, '\n'. It returns
// the line's length, or 0 for what anyRest has to look at.
func plain(row *Row, block []byte) (length int) {
	end := wordEnd(block)
	if end == 0 || end >= len(block) || block[end] != ' ' {
		return 0
	}
	v, i := decimal(block, end+1)
	if i == 0 || block[i] != ' ' {
		return 0
	}
	t, j := digits(block, i+1)
	if j == 0 || block[j] != '\n' {
		return 0
	}
	*row = Row{Name: block[:end:end], Value: v, Time: int64(t)}
	return j + 1
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// wordEnd returns where the first byte is that is a blank or a control byte.
func wordEnd(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		// A byte below 0x21 borrows; those above the lowest such may only seem to.
		if m := (w - ones*0x21) & ^w & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return i
}

// exactDigits is how many digits a float64 holds whatever they are.
const exactDigits = 15

// pow10 are powers of ten, which a float64 holds exactly.
var pow10 = [exactDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads a number at i and returns where it ends, before the block does;
// 0 when it is not simple. Digits and power of ten are exact, so that their quotient
// is the nearest float64.
func decimal(b []byte, i int) (v float64, end int) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	var n uint64
	start, point := i, -1
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c <= 9 {
			n = n*10 + uint64(c)
			continue
		}
		if b[i] != '.' || point >= 0 {
			break
		}
		point = i
	}
	count := i - start
	if point >= 0 {
		count--
	}
	if count < 1 || count > exactDigits || i >= len(b) {
		return 0, 0
	}
	v = float64(n)
	if point >= 0 {
		v /= pow10[i-point-1]
	}
	if negative {
		v = 0 - v // and not -0
	}
	return v, i
}

// digits reads a whole number at i and returns where it ends, before the block
// does; 0 when there is none, or one of too many digits.
func digits(b []byte, i int) (n uint64, end int) {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	if i == start || i-start > exactDigits || i >= len(b) {
		return 0, 0
	}
	return n, i
}

// anyRest reads what follows the name of any line.
func anyRest(row *Row, name, line []byte) (why Reason, ok bool) {
	value, line := field(line)
	stamp, line := field(line)
	if more, _ := field(line); stamp == nil || more != nil {
		return BadFields, false
	}
	v, ok := metric.ParseValue(value)
	switch {
	case !ok:
		return noNumber(value), false
	case v > metric.MaxValue || v < -metric.MaxValue:
		return Infinite, false
	}
	t, ok := metric.ParseValue(stamp)
	if !ok || !ValidTime(t) {
		return BadTime, false
	}
	*row = Row{Name: name, Value: v, Time: int64(t)}
	return 0, true
}

// noNumber says what a value is that metric.ParseValue refused: Python's float
// takes NaN and infinities, and makes these of what is too large.
func noNumber(value []byte) Reason {
	text := value
	if text[0] == '-' || text[0] == '+' {
		text = text[1:]
	}
	switch {
	case bytes.EqualFold(text, []byte("nan")):
		return NotANumber
	case bytes.EqualFold(text, []byte("inf")), bytes.EqualFold(text, []byte("infinity")), tooLarge(value):
		return Infinite
	}
	return BadValue
}

// tooLarge reports whether text is a number that no float64 holds.
func tooLarge(text []byte) bool {
	if len(bytes.TrimLeft(text, "+-.0123456789eE")) > 0 {
		return false
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return errors.Is(err, strconv.ErrRange)
}

// ValidTime reports whether t can be a point's time: [Now], or Unix seconds
// that a float64 holds exactly.
func ValidTime(t float64) bool { return t == Now || t >= 0 && t <= 1<<53 }

// field returns the next run of bytes without blanks, nil at the end.
func field(line []byte) (f, rest []byte) {
	start := 0
	for start < len(line) && blank(line[start]) {
		start++
	}
	end := start
	for end < len(line) && !blank(line[end]) {
		end++
	}
	if start == end {
		return nil, nil
	}
	return line[start:end], line[end:]
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }
