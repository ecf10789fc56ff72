package otlp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of a request in JSON: a list of zeros is several times as large in protobuf.
const (
	maxObjects = 200_000
	maxDepth   = 40
)

// FromJSON returns a request in JSON as one in protobuf. An error wraps [ErrBadRequest].
func FromJSON(text []byte) (request []byte, err error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	if !json.Valid(text) {
		return nil, bad("it is no JSON")
	}
	w := walker{rest: text}
	request = w.message(make([]byte, 0, len(text)), jsonRequest)
	if w.err != nil {
		return nil, fmt.Errorf("%w: it is not the JSON of one: %w", ErrBadRequest, w.err)
	}
	return request, nil
}

// walker goes through JSON that is known to be valid.
type walker struct {
	rest []byte
	err  error // the first value that is not what the protocol has there
}

// peek returns the first byte of the next value, or what stands between values.
func (w *walker) peek() byte {
	for {
		switch c := w.rest[0]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			w.rest = w.rest[1:]
		default:
			return c
		}
	}
}

// scalar takes a string, with its quotes, or what else is no object and no list.
func (w *walker) scalar() []byte {
	n := 0
	if w.peek() == '"' {
		for n = 1; w.rest[n] != '"'; n++ {
			if w.rest[n] == '\\' {
				n++
			}
		}
		n++
	} else {
		for n < len(w.rest) && !isBetween(w.rest[n]) {
			n++
		}
	}
	text := w.rest[:n]
	w.rest = w.rest[n:]
	return text
}

func isBetween(c byte) bool {
	return c <= ' ' || c == ',' || c == ':' || c == ']' || c == '}'
}

// skip passes over a value.
func (w *walker) skip() {
	for depth := 0; ; {
		switch w.peek() {
		case '{', '[':
			depth++
			w.rest = w.rest[1:]
		case '}', ']':
			depth--
			w.rest = w.rest[1:]
		default:
			w.scalar()
		}
		if depth == 0 {
			return
		}
	}
}

// message appends the fields of an object that are known.
func (w *walker) message(dst []byte, fields []jsonField) []byte {
	if w.peek() != '{' {
		w.wrong("object")
		return dst
	}
	for w.rest = w.rest[1:]; w.peek() != '}'; {
		key := w.scalar()
		f := findField(fields, key[1:len(key)-1])
		switch {
		case w.peek() == 'n' || f == nil: // null is as if it were not there
			w.skip()
		case f.list && w.peek() != '[':
			w.wrong("list")
		case f.list:
			for w.rest = w.rest[1:]; w.peek() != ']'; {
				dst = w.field(dst, f)
			}
			w.rest = w.rest[1:]
		default:
			dst = w.field(dst, f)
		}
	}
	w.rest = w.rest[1:]
	return dst
}

func findField(fields []jsonField, name []byte) *jsonField {
	for i := range fields {
		if fields[i].name == string(name) {
			return &fields[i]
		}
	}
	return nil
}

// field appends one value. A list of numbers becomes one field for each.
func (w *walker) field(dst []byte, f *jsonField) []byte {
	if f.is == aMessage {
		return appendMessage(dst, f.number, func(dst []byte) []byte { return w.message(dst, f.fields) })
	}
	if c := w.peek(); c == '{' || c == '[' {
		w.wrong("number or text")
		return dst
	}
	text := w.scalar()
	if f.is == aText {
		return w.text(protowire.AppendTag(dst, f.number, protowire.BytesType), text)
	}
	v, ok := f.is.number(text)
	if !ok {
		w.refuse(text)
	}
	switch f.is {
	case aFixed, aSignedFixed, aDouble:
		return protowire.AppendFixed64(protowire.AppendTag(dst, f.number, protowire.Fixed64Type), v)
	case aZigZag:
		v = protowire.EncodeZigZag(int64(v))
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, f.number, protowire.VarintType), v)
}

// text appends a string and its length. Most have no escapes.
func (w *walker) text(dst, quoted []byte) []byte {
	if quoted[0] == '"' && bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return protowire.AppendBytes(dst, quoted[1:len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		w.refuse(quoted)
	}
	return protowire.AppendString(dst, s)
}

// number reads a value that is a number; 64 bits, and what is none, are written
// as texts.
func (is jsonKind) number(text []byte) (v uint64, ok bool) {
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	s := string(text)
	switch is {
	case aBool:
		if s == "true" {
			return 1, true
		}
		return 0, s == "false"
	case aTemporality:
		if i := slices.Index(temporalities[:], s); i >= 0 {
			return uint64(i), true
		}
	case aDouble:
		f, err := strconv.ParseFloat(s, 64)
		return math.Float64bits(f), err == nil
	}
	signed := is == aSignedFixed || is == aSigned || is == aZigZag || is == aTemporality
	if u, err := strconv.ParseUint(s, 10, 64); err == nil && (!signed || u <= math.MaxInt64) {
		return u, true
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && signed {
		return uint64(i), true
	}
	f, err := strconv.ParseFloat(s, 64) // as 1e3
	return uint64(int64(f)), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<63 && (signed || f >= 0)
}

// temporalities are the names that some write for the numbers.
var temporalities = [...]string{"AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA", "AGGREGATION_TEMPORALITY_CUMULATIVE"}

// wrong is for a value of another form, which it passes over.
func (w *walker) wrong(want string) {
	if w.err == nil {
		w.err = fmt.Errorf("where a %s belongs is %.40q", want, w.rest)
	}
	w.skip()
}

func (w *walker) refuse(text []byte) {
	if w.err == nil {
		w.err = fmt.Errorf("%.40q has the wrong type", text)
	}
}

// bounded counts values and depth without understanding more than strings.
func bounded(text []byte) error {
	objects, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			objects++
		case c == ',':
			objects++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxDepth || objects > maxObjects {
			return bad("its JSON is too deep or has too many values")
		}
	}
	return nil
}
