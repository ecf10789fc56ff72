// Package influx is InfluxDB's line protocol, both directions. A point is one
// line:
//
//	measurement[,tag=value...] SP field=value[,field=value...] [SP timestamp] LF
//
//	1.5  -2  1e9     float        "a \" \\ b"    string
//	3i               integer      t T true True TRUE f F false False FALSE
//	3u               unsigned     # to the line's end is a comment
//
// Blanks, commas and equals signs in names are escaped by a backslash; before
// anything else a backslash is itself. The timestamp counts nanoseconds, or
// what sender and receiver agreed on.
//
// It promises that what the Append functions write [Parser] reads back equal,
// that no name can end a name, and that the Parser takes any bytes in linear
// time without allocating. It does not know measurements: who parses decides
// what to keep. Start from [AppendMeasurement] and [Parser].
package influx

import (
	"errors"
	"math"
)

// MaxTags is how many tags a point may have, which bounds the search for
// those that are there twice.
const MaxTags = 64

// MaxFields is how many fields a point may have, which bounds what a line makes
// of its bytes: a field has three of them, and takes 88 in memory.
const MaxFields = 4096

// Kind says what a field's value is.
type Kind uint8

// The kinds of fields.
const (
	Float Kind = iota
	Integer
	Unsigned
	Boolean
	Text
)

// Tag is a key and its value, neither empty.
type Tag struct{ Key, Value []byte }

// Field is a key and its value.
type Field struct {
	Key   []byte
	Kind  Kind
	Float float64 // of a Float
	Int   int64   // of an Integer
	Uint  uint64  // of an Unsigned
	Bool  bool    // of a Boolean
	Text  []byte  // of a Text
}

// Number returns the value as a number, with 1 for true; ok is false for text.
func (f *Field) Number() (v float64, ok bool) {
	switch f.Kind {
	case Float:
		return f.Float, true
	case Integer:
		return float64(f.Int), true
	case Unsigned:
		return float64(f.Uint), true
	case Boolean:
		if f.Bool {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// Point is one line. What it points to is valid until the next line is parsed.
type Point struct {
	Measurement []byte
	Tags        []Tag // in the line's order
	Fields      []Field
	Time        int64 // nanoseconds since 1970, when Timed
	Timed       bool
}

// Heartbeat reports whether the line had a name, tags and a time, but no
// fields: CVMFS sends it when it has counted nothing. InfluxDB refuses it.
func (pt *Point) Heartbeat() bool { return len(pt.Fields) == 0 }

// Precision is how many nanoseconds a timestamp's unit has.
type Precision int64

// The precisions.
const (
	Nanosecond  Precision = 1
	Microsecond           = 1000 * Nanosecond
	Millisecond           = 1000 * Microsecond
	Second                = 1000 * Millisecond
	Minute                = 60 * Second
	Hour                  = 60 * Minute
)

// ParsePrecision returns the precision that the parameter of a request means:
// n, ns or nothing, u, us, ms, s, m, h.
func ParsePrecision(text string) (p Precision, ok bool) {
	switch text {
	case "", "n", "ns":
		return Nanosecond, true
	case "u", "us":
		return Microsecond, true
	case "ms":
		return Millisecond, true
	case "s":
		return Second, true
	case "m":
		return Minute, true
	case "h":
		return Hour, true
	}
	return 0, false
}

// InfluxDB knows no times before or after these, in nanoseconds.
const (
	MinTime = math.MinInt64 + 2
	MaxTime = math.MaxInt64 - 1
)

// What is wrong with a line, in the words of InfluxDB 1.
var (
	ErrNoMeasurement = errors.New("missing measurement")
	ErrNoTagKey      = errors.New("missing tag key")
	ErrNoTagValue    = errors.New("missing tag value")
	ErrTag           = errors.New("invalid tag format")
	ErrTwice         = errors.New("duplicate tags")
	ErrManyTags      = errors.New("too many tags")
	ErrNoFields      = errors.New("missing fields")
	ErrManyFields    = errors.New("too many fields")
	ErrField         = errors.New("invalid field format")
	ErrNoFieldKey    = errors.New("missing field key")
	ErrNoValue       = errors.New("missing field value")
	ErrNumber        = errors.New("invalid number")
	ErrFloat         = errors.New("invalid float")
	ErrInteger       = errors.New("unable to parse integer")
	ErrBoolean       = errors.New("invalid boolean")
	ErrQuotes        = errors.New("unbalanced quotes")
	ErrTime          = errors.New("bad timestamp")
	ErrRange         = errors.New("time outside range")
)
