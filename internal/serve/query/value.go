package query

import (
	"math"
	"strconv"
	"strings"
)

// ValueKind says what a Value is.
type ValueKind uint8

// The kinds of values.
const (
	None  ValueKind = iota
	List            // of series
	Lists           // of lists of series
	Text
	Int
	Real
	Bool
)

// Value is an argument.
type Value struct {
	Kind   ValueKind
	Series []*Series
	Lists  [][]*Series
	Text   string
	Number float64 // Int, Real; Bool: 0 or 1
}

// TextValue returns a Value that is a string.
func TextValue(s string) Value { return Value{Kind: Text, Text: s} }

// ListValue returns a Value that is a list of series.
func ListValue(list []*Series) Value { return Value{Kind: List, Series: list} }

// valueOf makes a Value of a Param's default.
func valueOf(v any) Value {
	switch v := v.(type) {
	case string:
		return TextValue(v)
	case float64:
		return Value{Kind: Real, Number: v}
	case int:
		return Value{Kind: Int, Number: float64(v)}
	case bool:
		return boolValue(v)
	}
	return Value{}
}

func boolValue(v bool) Value {
	if v {
		return Value{Kind: Bool, Number: 1}
	}
	return Value{Kind: Bool}
}

// String returns the value as Python's str() does.
func (v Value) String() string {
	if v.Kind == Text {
		return v.Text
	}
	return v.Repr()
}

// Repr returns the value as Python's repr() does.
func (v Value) Repr() string {
	switch v.Kind {
	case Text:
		return Repr(v.Text)
	case Int:
		if math.Abs(v.Number) < 1<<62 {
			return strconv.FormatInt(int64(v.Number), 10)
		}
		return strconv.FormatFloat(v.Number, 'f', 0, 64)
	case Real:
		return FormatFloat(v.Number)
	case Bool:
		if v.Number == 0 {
			return "False"
		}
		return "True"
	case List:
		return reprList(v.Series)
	case Lists:
		parts := make([]string, len(v.Lists))
		for i, list := range v.Lists {
			parts[i] = reprList(list)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "None"
}

// maxRepr is how many series of a list an error shows.
const maxRepr = 3

func reprList(list []*Series) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxRepr {
			b.WriteString("...")
			break
		}
		b.WriteString("TimeSeries(name=" + s.Name + ", start=" + strconv.FormatInt(s.Start, 10) +
			", end=" + strconv.FormatInt(s.End, 10) + ", step=" + strconv.FormatInt(s.Step, 10) + ")")
	}
	b.WriteByte(']')
	return b.String()
}

// whole reports whether v is a number without a fraction that an int can be.
func whole(v float64) bool { return v == math.Trunc(v) && math.Abs(v) < 1<<53 }
