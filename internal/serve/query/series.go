package query

import "math"

// Series is values at equal steps, with a name.
//
// A Series belongs to the function that got it as an argument, which may change its
// fields and return it. Its Values may be shared with other series and with what the
// Source keeps: they are read freely, replaced as a whole, and written only
// through Own and Room. Tags are never changed in place, see Tags.
type Series struct {
	Name           string
	PathExpression string // the pattern it was found by, or the expression that made it
	Tags           Tags
	Start, End     int64     // Unix seconds, [Start,End); functions may leave End where Values do not reach
	Step           int64     // seconds
	Values         []float64 // NaN: null
	Consolidation  string    // how several values become one: see Consolidate; "" is "average"
	XFilesFactor   float64   // share of values that must not be null when several become one
	ValuesPerPoint int       // more than 1: Points makes one of so many
	Whole          bool      // values are Python's int: printed 3, not 3.0
	Drawing        Drawing

	shared bool // Values belong to others, too
}

// Drawing is what functions say of how a series is drawn.
type Drawing struct {
	Color       string
	Alpha       float64 // 0 to 1, if HasAlpha
	HasAlpha    bool
	LineWidth   float64 // 0: not said
	Dashed      float64 // length of dashes; 0: solid
	SecondYAxis bool
	Infinite    bool // drawAsInfinite: a vertical line where the value is not 0
	Stacked     bool
	Invisible   bool // counts for scales, is not drawn
	Connected   bool // gaps are bridged
}

// NewSeries returns a series that owns values. Its tags are those in its name.
func NewSeries(name string, start, end, step int64, values []float64) *Series {
	return &Series{Name: name, PathExpression: name, Tags: ParseTags(name), Start: start, End: end, Step: step, Values: values}
}

// Derive returns a new series with the place, tags, consolidation and XFilesFactor of
// s, another name, which is its PathExpression too, and values that it owns.
func (s *Series) Derive(name string, values []float64) *Series {
	return &Series{Name: name, PathExpression: name, Tags: s.Tags, Start: s.Start, End: s.End, Step: s.Step,
		Values: values, Consolidation: s.Consolidation, XFilesFactor: s.XFilesFactor}
}

// Copy returns a series with all that s has. They share Values.
func (s *Series) Copy() *Series {
	s.shared = true
	c := *s
	return &c
}

// Share says that the Values are kept elsewhere, too.
func (s *Series) Share() { s.shared = true }

// Own returns the Values to be written to: a copy, which c's budget pays,
// if they were shared.
func (s *Series) Own(c *Call) []float64 {
	if s.shared {
		v := c.Make(len(s.Values))
		copy(v, s.Values)
		s.Values, s.shared = v, false
	}
	return s.Values
}

// Room returns a place for n values that are made of those of s from the first on: that of the Values, when s need not share
// it and they are as many, so that one must be read before its place is written; else one that c's budget pays.
func (s *Series) Room(c *Call, n int) []float64 {
	if !s.shared && n <= len(s.Values) {
		return s.Values[:n]
	}
	return c.Make(n)
}

// Replace makes values, which s owns from now on, those of s.
func (s *Series) Replace(values []float64) { s.Values, s.shared = values, false }

// Null returns what stands for no value. Only IsNull tells it.
func Null() float64 { return math.NaN() }

// IsNull reports whether v stands for no value.
func IsNull(v float64) bool { return v != v }

// Points returns the values as they are shown: with ValuesPerPoint over 1, one of
// so many. It must not be written to. The step between them is PointStep.
func (s *Series) Points() []float64 {
	if s.ValuesPerPoint <= 1 {
		return s.Values
	}
	n := (len(s.Values) + s.ValuesPerPoint - 1) / s.ValuesPerPoint
	return Consolidate(make([]float64, 0, n), s.Values, s.ValuesPerPoint, s.Consolidation, s.XFilesFactor)
}

// PointStep returns the seconds between Points.
func (s *Series) PointStep() int64 { return s.Step * int64(max(s.ValuesPerPoint, 1)) }
