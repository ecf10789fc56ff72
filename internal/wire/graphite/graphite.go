// Package graphite is carbon's plaintext protocol, both directions. A point is
// one line:
//
//	name[;tag=value...] SP value SP timestamp LF
//
// name is a dotted path, value a decimal number, timestamp Unix seconds.
//
// It promises that what AppendLine writes Parse reads back equal, and that
// Parse takes any bytes in linear time without allocating. It does not check
// names: who appends has valid ones, who parses decides what to store. Start
// from [AppendLine] and [Parse].
package graphite

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
)

// Now as a Row's Time asks the receiver to take its own clock.
const Now = -1

// Row is one point. Name points into the parsed block.
type Row struct {
	Name  []byte // with its tags, not empty
	Value float64
	Time  int64 // Unix seconds, or Now
}

// AppendLine appends one line. name must be free of blanks and control bytes;
// tags are part of it.
func AppendLine(dst, name []byte, value float64, f metric.Form, unix int64) []byte {
	dst = append(append(dst, name...), ' ')
	dst = append(metric.AppendValue(dst, value, f), ' ')
	return append(metric.AppendValue(dst, float64(unix), metric.PyInt), '\n')
}

// Parse appends the rows of block to dst. block is whole lines, of which the
// last may lack its '\n' (a datagram); "\r\n" and empty lines are taken. bad
// counts the lines that are no point: not three fields, a value that is no
// finite number, a timestamp that is neither -1 nor from 0 to 2^53. Fractions
// of timestamps are cut.
func Parse(dst []Row, block []byte) (rows []Row, bad int) {
	for len(block) > 0 {
		line := block
		if i := bytes.IndexByte(block, '\n'); i >= 0 {
			line, block = block[:i], block[i+1:]
		} else {
			block = nil
		}
		name, line := field(line)
		if name == nil {
			continue
		}
		row, ok := parseRest(name, line)
		if !ok {
			bad++
			continue
		}
		dst = append(dst, row)
	}
	return dst, bad
}

func parseRest(name, line []byte) (row Row, ok bool) {
	value, line := field(line)
	stamp, line := field(line)
	if more, _ := field(line); more != nil {
		return Row{}, false
	}
	v, ok := metric.ParseValue(value)
	if !ok {
		return Row{}, false
	}
	t, ok := metric.ParseValue(stamp)
	return Row{Name: name, Value: v, Time: int64(t)}, ok && ValidTime(t)
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

// CutTags splits a name into its path and its tags ("k=v;k2=v2", or nil).
func CutTags(name []byte) (path, tags []byte) {
	path, tags, _ = bytes.Cut(name, []byte{';'})
	return path, tags
}

// NextTag splits the first tag off. ok is false when tags does not begin with
// a valid one: a key without any of ";!^=", a value without ';' and not
// beginning with '~', neither empty.
func NextTag(tags []byte) (key, value, rest []byte, ok bool) {
	tag, rest, _ := bytes.Cut(tags, []byte{';'})
	key, value, ok = bytes.Cut(tag, []byte{'='})
	ok = ok && len(key) > 0 && !bytes.ContainsAny(key, "!^") && len(value) > 0 && value[0] != '~'
	return key, value, rest, ok
}
