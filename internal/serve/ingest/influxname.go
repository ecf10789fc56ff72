package ingest

import (
	"strings"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
)

// SeriesName appends the series that a field of pt belongs to:
//
//	cpu,host=a,core=0 idle=1,value=2  ->  cpu.idle;host=a;core=0  and  cpu;host=a;core=0
//
// that is the measurement, the field's key unless that is "value", and the
// tags in the line's order. All are cleaned to what the store takes, so that no
// text can add a node, a tag or a line: see [metric.AppendName] for the path; in
// tags '_' stands for what the store has no place for. A tag called "name" becomes "name_",
// for the store knows the path by that name.
func SeriesName(dst []byte, pt *influx.Point, field []byte) []byte {
	dst = metric.AppendName(dst, pt.Measurement)
	if string(field) != "value" {
		dst = metric.AppendName(append(dst, '.'), field)
	}
	for _, t := range pt.Tags {
		dst = appendTag(dst, t.Key, t.Value)
	}
	return dst
}

// appendTag appends a tag to the name of a series, cleaned.
func appendTag(dst, key, value []byte) []byte {
	dst = appendTagText(append(dst, ';'), key, notInKey)
	if string(key) == "name" {
		dst = append(dst, '_')
	}
	return appendTagText(append(dst, '='), value, notInValue)
}

// The bytes that the store takes in no tag's value, and in no tag's name.
const (
	notInValue = "\\<>\"';`"
	notInKey   = notInValue + "/*?[]{}(),!^="
)

// tagBytes has 1 for those that stay as they are anywhere in a tag. It is written
// out so that no start of the program has to make it.
var tagBytes = [256]uint8{
	0x20: 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, //  !"#$%&'()*+,-./
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, // 0123456789:;<=>?
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, // @ABCDEFGHIJKLMNO
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, // PQRSTUVWXYZ[\]^_
	0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, // `abcdefghijklmno
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, // pqrstuvwxyz{|}~
}

// LongTags reports whether the tags of pt make its series longer than
// [MaxSeriesName], so that all its fields can be refused at once: a line can
// have as many fields as bytes of tags.
func LongTags(pt *influx.Point) bool {
	n := 0
	for _, t := range pt.Tags {
		n += len(t.Key) + len(t.Value) + 2
	}
	return n > MaxSeriesName
}

// appendTagText appends text with '_' for the bytes of not, for control
// characters, blanks and what is no UTF-8, and for a '~' at the beginning, which means an
// expression there.
func appendTagText(dst, text []byte, not string) []byte {
	good := 0
	for good < len(text) && tagBytes[text[good]] != 0 {
		good++
	}
	dst = append(dst, text[:good]...) // nearly always all
	for i := good; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c <= ' ' || c == 0x7f || c == '~' && i == 0 || strings.IndexByte(not, c) >= 0 {
				c = '_'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || r < 0xa0 { // the other control characters
			dst = append(dst, '_')
		} else {
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst
}
