package picture

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// A sketch is one picture while it is made. The parts of the layout each take
// their room from plot, from the outside in: titles, legend, labels.
type sketch struct {
	sheet *canvas.Sheet
	p     *Params
	zone  *time.Location
	look  look
	text  canvas.Metrics // of look.face

	curves      []curve
	points      int         // that may still be drawn
	plot        canvas.Rect // the area of the data; its edges are middles of pixels
	margin      float64
	left, right *scale // right is nil with one axis
	from, to    int64  // Unix seconds at the left and right edge
	stairs      bool   // values last until the next one
	xTicks      []xTick
	xDates      []xTick
	xMinor      []float64
}

func newSketch(sheet *canvas.Sheet, g *Graph, maxPoints int) (*sketch, error) {
	s := &sketch{sheet: sheet, p: &g.Params, zone: g.Zone, look: newLook(&g.Params), margin: 10, points: maxPoints}
	if s.zone == nil {
		s.zone = time.UTC
	}
	w, h := s.p.size()
	sheet.Reset(w, h, s.look.background)
	s.text = sheet.Metrics(s.look.face)
	if m := s.p.Margin; m != nil && *m >= 0 {
		s.margin = float64(*m)
	}
	s.plot = canvas.Rect{X0: s.margin, Y0: s.margin, X1: float64(w) - s.margin, Y1: float64(h) - s.margin}
	return s, s.take(g.Series)
}

// lines draws a graph over time.
func (s *sketch) lines(ctx context.Context) error {
	if !s.times() {
		s.noData()
		return nil
	}
	if s.p.GraphOnly {
		s.plot = s.sheet.Bounds()
	} else {
		s.titles()
		s.legend(s.legendEntries())
		s.xRoom()
	}
	s.scales()
	s.snap()
	s.chooseTicks()
	if s.axes() {
		s.grid()
		s.yLabels()
		s.xLabels()
	}
	return s.data(ctx)
}

// axes reports whether there are labels and a grid.
func (s *sketch) axes() bool { return !s.p.HideAxes && !s.p.GraphOnly }

// twoAxes reports whether some series belongs to a second axis.
func (s *sketch) twoAxes() bool {
	for i := range s.curves {
		if s.curves[i].SecondY {
			return true
		}
	}
	return false
}

// snap moves the edges of the plot to the middle of pixels, so that lines of
// the grid are one pixel wide, and gives it a pixel at least.
func (s *sketch) snap() {
	b := s.sheet.Bounds()
	edge := func(v, high float64) float64 { return math.Max(0, math.Min(high-1, math.Floor(v))) + 0.5 }
	p := canvas.Rect{X0: edge(s.plot.X0, b.X1), Y0: edge(s.plot.Y0, b.Y1), X1: edge(s.plot.X1-0.5, b.X1), Y1: edge(s.plot.Y1-0.5, b.Y1)}
	if p.X1 <= p.X0 {
		p.X0, p.X1 = math.Max(p.X1-1, 0), math.Max(p.X1, 1)
	}
	if p.Y1 <= p.Y0 {
		p.Y0, p.Y1 = math.Max(p.Y1-1, 0), math.Max(p.Y1, 1)
	}
	s.plot = p
}

// titles writes the title above and the names of the axes beside the plot.
func (s *sketch) titles() {
	m := s.sheet.Metrics(s.look.title)
	if s.p.Title != "" {
		s.sheet.Group("title")
		middle := s.sheet.Bounds().Width() / 2
		for _, line := range wrapped(s.p.Title) {
			line = s.fit(line, s.look.title, s.sheet.Bounds().Width()-s.margin)
			s.sheet.Text(line, canvas.Point{X: middle - s.sheet.TextWidth(line, s.look.title)/2, Y: s.plot.Y0 + m.Ascent}, s.look.title, s.look.foreground, 0)
			s.plot.Y0 += m.Line
		}
		s.plot.Y0 += 4
	}
	if s.p.VTitle != "" {
		s.sheet.Group("vtitle")
		s.plot.X0 += s.vertical(s.p.VTitle, s.plot.X0+s.text.Ascent, 270)
	}
	if s.p.VTitleRight != "" && s.twoAxes() {
		s.sheet.Group("vtitleRight")
		s.plot.X1 -= s.vertical(s.p.VTitleRight, s.plot.X1-s.text.Ascent, 90)
	}
}

// vertical writes lines turned by angle, the first with its base line at x, and
// returns the width that they take.
func (s *sketch) vertical(text string, x, angle float64) float64 {
	lines := wrapped(text)
	middle := (s.plot.Y0 + s.plot.Y1) / 2
	for _, line := range lines {
		line = s.fit(line, s.look.face, s.sheet.Bounds().Height()-s.margin)
		half, inward := s.sheet.TextWidth(line, s.look.face)/2, 1.0
		if angle == 90 {
			half, inward = -half, -1
		}
		s.sheet.Text(line, canvas.Point{X: x, Y: middle + half}, s.look.face, s.look.foreground, angle)
		x += inward * s.text.Line
	}
	return s.text.Line*float64(len(lines)) + 4
}

// wrapped cuts a title at its line ends; ten lines are enough.
func wrapped(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[:min(len(lines), 10)]
}

// fit shortens a text in its middle, where names of series differ least.
func (s *sketch) fit(text string, f canvas.Face, width float64) string {
	if s.sheet.TextWidth(text, f) <= width {
		return text
	}
	runes := []rune(text)
	low, high := 0, len(runes) // of characters kept
	for low < high {
		n := (low + high + 1) / 2
		if s.sheet.TextWidth(shortened(runes, n), f) <= width {
			low = n
		} else {
			high = n - 1
		}
	}
	if low == 0 {
		return ""
	}
	return shortened(runes, low)
}

func shortened(runes []rune, n int) string {
	return string(runes[:(n+1)/2]) + "…" + string(runes[len(runes)-n/2:])
}

// noData says so in the middle of the picture.
func (s *sketch) noData() {
	b := s.sheet.Bounds()
	f := s.look.face
	f.Size = math.Max(8, math.Log(b.Width()*b.Height()))
	red, _ := namedColor("red")
	text := s.fit("No Data", f, b.Width())
	s.sheet.Text(text, canvas.Point{X: (b.Width() - s.sheet.TextWidth(text, f)) / 2, Y: (b.Height() + s.sheet.Metrics(f).Digit) / 2}, f, red, 0)
}

// take checks the series and gives each its colour.
func (s *sketch) take(list []Series) error {
	next := 0
	s.curves = make([]curve, len(list))
	for i := range list {
		c := &s.curves[i]
		c.Series = list[i]
		if err := c.check(); err != nil {
			return err
		}
		if err := s.paint(c, &next); err != nil {
			return err
		}
	}
	if s.twoAxes() && !s.p.Pie {
		for i := range s.curves {
			s.curves[i].side(s.p)
		}
	}
	return nil
}

func (s *sketch) paint(c *curve, next *int) error {
	if c.Color == "" {
		c.color = s.look.series(*next)
		*next++
		return nil
	}
	var ok bool
	if c.color, ok = parseColor(c.Color); !ok {
		return fmt.Errorf("%w: the colour %.100q of %.100q is not %s", ErrRefused, c.Color, c.Name, colorForms)
	}
	return nil
}
