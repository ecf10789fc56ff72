package picture

import (
	"cmp"
	"context"
	"fmt"
	"image/color"
	"math"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// data draws what the graph is about: areas, then lines, so that no line is
// hidden by an area, then vertical ones.
func (s *sketch) data(ctx context.Context) error {
	half := s.width(nil)/2 + 0.5
	s.sheet.Clip(canvas.Rect{X0: s.plot.X0 - half, Y0: s.plot.Y0 - half, X1: s.plot.X1 + half, Y1: s.plot.Y1 + half})
	defer s.sheet.Clip(s.sheet.Bounds())
	s.sheet.Group("lines")
	if err := s.areas(ctx); err != nil {
		return err
	}
	for i := range s.curves {
		c := &s.curves[i]
		switch {
		case c.Invisible || c.area && s.p.AreaAlpha == 0:
		case c.Infinite:
			s.infinite(c)
		default:
			for _, run := range s.runs(c) {
				s.points -= len(run)
				s.sheet.Line(c.Name, run, s.pen(c))
			}
		}
		if err := s.goOn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// goOn is nil while there is someone who waits for the picture, and it does not
// become too much.
func (s *sketch) goOn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("draw lines: %w", err)
	}
	if s.points < 0 {
		return fmt.Errorf("%w: so many series in so wide a picture; ask for fewer, a smaller width or a larger minXStep", ErrRefused)
	}
	return nil
}

func (s *sketch) pen(c *curve) canvas.Pen {
	p := canvas.Pen{Color: c.color, Width: s.width(c), Dash: c.Dash}
	if !c.area {
		p.Color = faded(c.color, c.Alpha)
	}
	return p
}

// maxWidth bounds the width of lines in pixels, and by that the time they take.
const maxWidth = 100

// width of a curve's line; nil is any without a width of its own.
func (s *sketch) width(c *curve) float64 {
	w := cmp.Or(s.p.LineWidth, 1.2)
	if c != nil {
		w = cmp.Or(c.LineWidth, w)
	}
	return math.Min(w, maxWidth)
}

// infinite draws a line from bottom to top at each value above 0, one in a column of pixels.
func (s *sketch) infinite(c *curve) {
	column := math.Inf(-1)
	for i, v := range c.values {
		x := s.x(c.Start + int64(i)*c.step)
		if !(v > 0) || math.Floor(x) == column {
			continue
		}
		column = math.Floor(x)
		s.points -= 2
		s.sheet.Line(c.Name, []canvas.Point{{X: x, Y: s.plot.Y1}, {X: x, Y: s.plot.Y0}}, s.pen(c))
	}
}

// A filled area is what is to be seen of one series, on one ground.
type filled struct {
	*ground
	strips []strip
	name   string
	color  color.NRGBA
}

// areas draws the filled series. Opaque ones are drawn from the last to the
// first, each reaching a pixel under the one below it: edges that only touch
// would let the background shine through.
func (s *sketch) areas(ctx context.Context) error {
	list, opaque, err := s.cover(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		f, sunk := list[i], 0.0
		if opaque {
			f, sunk = list[len(list)-1-i], 1
		}
		for _, p := range f.strips {
			s.sheet.Area(f.name, f.outline(p, sunk), f.color)
		}
	}
	return nil
}

// cover finds what is to be seen of each area, and whether all are opaque.
func (s *sketch) cover(ctx context.Context) (list []filled, opaque bool, err error) {
	grounds := map[*scale][]*ground{}
	opaque = true
	for i := range s.curves {
		c := &s.curves[i]
		if err := s.goOn(ctx); err != nil {
			return nil, false, err
		}
		if !c.area {
			continue
		}
		sc := s.scaleOf(c)
		if grounds[sc] == nil {
			zero := sc.y(0, s.plot)
			if math.IsNaN(zero) {
				zero = s.plot.Y1
			}
			zero = math.Max(s.plot.Y0-10, math.Min(s.plot.Y1+10, zero)) // further is out of sight
			grounds[sc] = []*ground{newGround(zero, 1), newGround(zero, -1)}
		}
		color := faded(c.color, cmp.Or(s.p.AreaAlpha, c.Alpha))
		for _, run := range s.runs(c) {
			s.points -= len(run)
			for _, g := range grounds[sc] {
				if seen := g.cover(run); !c.Invisible && len(seen) > 0 {
					list = append(list, filled{g, seen, c.Name, color})
				}
			}
		}
		opaque = opaque && (c.Invisible || color.A == 255)
	}
	return list, opaque, nil
}
