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
