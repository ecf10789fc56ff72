// Package canvas holds a list of marks (lines, areas, rectangles, texts) and
// draws it in two ways: as pixels, written as PNG, and as SVG. Both back ends
// walk the same list, so that what stands in one stands in the other.
//
// It promises that a list of marks always gives the same bytes, that nothing is
// drawn outside a clip, and that the work is bounded by the marks and the
// pixels. It knows nothing of graphs: no axes, no series, no time. Start from
// [Sheet].
package canvas

import (
	"image/color"
	"math"
)

// Point is a place on the sheet in pixels; 0, 0 is the upper left corner of
// the upper left pixel, whose middle is at 0.5, 0.5.
type Point struct{ X, Y float64 }

// Rect is the area from its upper left corner, inclusive, to its lower right
// one, exclusive, in pixels.
type Rect struct{ X0, Y0, X1, Y1 float64 }

// Width is the extent from left to right.
func (r Rect) Width() float64 { return r.X1 - r.X0 }

// Height is the extent from top to bottom.
func (r Rect) Height() float64 { return r.Y1 - r.Y0 }

// Empty reports whether there is no area in r.
func (r Rect) Empty() bool { return !(r.X0 < r.X1 && r.Y0 < r.Y1) }

// intersect returns what r and s share; it may be empty.
func (r Rect) intersect(s Rect) Rect {
	return Rect{math.Max(r.X0, s.X0), math.Max(r.Y0, s.Y0), math.Min(r.X1, s.X1), math.Min(r.Y1, s.Y1)}
}

// A Sheet collects marks. Later marks lie over earlier ones. It keeps its
// buffers from one picture to the next ([Sheet.Reset]) and is for one goroutine
// at a time. The zero value is not usable; New makes one.
type Sheet struct {
	width, height int
	background    color.NRGBA
	marks         []mark
	points        []Point // of all lines and polygons, one after the other
	clip          Rect
	*typesetter
	pixels raster
}

// New returns an empty sheet, which Reset gives a size.
func New(fonts *Fonts) *Sheet {
	return &Sheet{typesetter: newTypesetter(fonts)}
}

// Reset makes the sheet empty, width by height pixels. A background that is not
// opaque gives a PNG with transparency. Sizes below 1 are taken as 1.
func (s *Sheet) Reset(width, height int, background color.NRGBA) {
	s.width, s.height, s.background = max(width, 1), max(height, 1), background
	s.marks, s.points = s.marks[:0], s.points[:0]
	s.clip = s.Bounds()
}

// Bounds is the whole sheet.
func (s *Sheet) Bounds() Rect { return Rect{X1: float64(s.width), Y1: float64(s.height)} }

// Group says what the marks that follow are, for those who style an SVG: the
// class of a <g>. It ends the group before it. Names are of letters.
func (s *Sheet) Group(class string) { s.marks = append(s.marks, mark{kind: group, text: class}) }

// Clip confines the marks that follow to r; Bounds lifts that. It ends a group.
func (s *Sheet) Clip(r Rect) {
	s.clip = r.intersect(s.Bounds())
	s.marks = append(s.marks, mark{kind: clip, rect: s.clip})
}

// Box fills r. Edges at whole pixels are crisp.
func (s *Sheet) Box(r Rect, c color.NRGBA) {
	if r = r.intersect(s.clip); !r.Empty() && c.A > 0 {
		s.marks = append(s.marks, mark{kind: box, rect: r, color: c})
	}
}

// Area fills a polygon, which is closed. Its outline must not cross itself.
// Name, when there is one, is shown by an SVG viewer under the pointer.
func (s *Sheet) Area(name string, points []Point, c color.NRGBA) {
	if len(points) > 2 && c.A > 0 {
		s.path(mark{kind: area, text: name, color: c}, points)
	}
}

// A Pen draws lines with round joins and ends. Dash is the length of its dashes
// and gaps in pixels, 0 for none.
type Pen struct {
	Color color.NRGBA
	Width float64
	Dash  float64
}

// Line draws a line through the points. Name is as for Area. One point alone is
// a dot.
func (s *Sheet) Line(name string, points []Point, p Pen) {
	if len(points) > 0 && p.Color.A > 0 && p.Width > 0 {
		s.path(mark{kind: line, text: name, color: p.Color, width: p.Width, dash: p.Dash}, points)
	}
}

// path keeps a copy of the points, moved to where both back ends can work with
// them: a pixel further than far from the sheet is not to be seen anyway.
func (s *Sheet) path(m mark, points []Point) {
	const far = 1e5
	m.from = len(s.points)
	for _, p := range points {
		p = Point{clamp(p.X, -far, far), clamp(p.Y, -far, far)}
		s.points = append(s.points, p)
	}
	m.to = len(s.points)
	s.marks = append(s.marks, m)
}

// Text writes one line. At is the left end of its base line; Angle turns it
// clockwise about that, in degrees.
func (s *Sheet) Text(text string, at Point, f Face, c color.NRGBA, angle float64) {
	if text == "" || c.A == 0 {
		return
	}
	s.marks = append(s.marks, mark{kind: words, text: text, at: at, face: f, color: c, angle: angle})
}

type kind uint8

const (
	box kind = iota
	area
	line
	words
	group
	clip
)

// A mark is one entry of the list; kind says which fields it uses.
type mark struct {
	kind        kind
	color       color.NRGBA
	text        string
	rect        Rect
	from, to    int // in Sheet.points
	width, dash float64
	at          Point
	face        Face
	angle       float64
}

func clamp(v, low, high float64) float64 {
	if v >= low && v <= high {
		return v
	}
	if v > high {
		return high
	}
	return low // NaN too
}
