package canvas

import (
	"encoding/binary"
	"image"
	"math"
)

// line draws a line: each piece as the set of points nearer to it than half
// its width, of all pieces the one that covers a pixel most. So joins and ends
// are round, and a line that turns back over itself shows no seams; outlines
// with a winding rule have holes where pieces are shorter than the line is wide.
func (r *raster) line(points []Point, m mark) {
	half, thin := m.width/2, 1.0
	if half < 0.5 { // a line thinner than a pixel is one pixel wide, and paler
		half, thin = 0.5, m.width
	}
	d := dirty{image.Rectangle{Min: r.clip.Max, Max: r.clip.Min}}
	if len(points) == 1 {
		r.piece(points[0], points[0], math.Max(half, 1), &d)
	}
	left, on := m.dash, true
	for i := 1; i < len(points); i++ {
		if m.dash > 0 {
			left, on = r.dashes(points[i-1], points[i], half, m.dash, left, on, &d)
		} else {
			r.piece(points[i-1], points[i], half, &d)
		}
	}
	m.color.A = uint8(float64(m.color.A)*thin + 0.5)
	r.flush(d.Rectangle, m)
}

type dirty struct{ image.Rectangle }

func (d *dirty) add(o image.Rectangle) {
	d.Min.X, d.Min.Y = min(d.Min.X, o.Min.X), min(d.Min.Y, o.Min.Y)
	d.Max.X, d.Max.Y = max(d.Max.X, o.Max.X), max(d.Max.Y, o.Max.Y)
}

// dashes draws the dashes of one piece; left is what remains of the dash or
// gap that the piece begins with. Dashes shorter than a pixel are none.
func (r *raster) dashes(a, b Point, half, dash, left float64, on bool, d *dirty) (float64, bool) {
	dash = math.Max(dash, 1)
	length := math.Hypot(b.X-a.X, b.Y-a.Y)
	if length > 4*float64(r.image.Rect.Dx()+r.image.Rect.Dy()) { // goes far outside: its dashes are not to be counted
		r.piece(a, b, half, d)
		return left, on
	}
	for at := 0.0; at < length; {
		to := math.Min(at+left, length)
		if on {
			r.piece(between(a, b, at/length), between(a, b, to/length), half, d)
		}
		left -= to - at
		if at = to; left <= 1e-9 {
			left, on = dash, !on
		}
	}
	return left, on
}

func between(a, b Point, t float64) Point { return Point{a.X + t*(b.X-a.X), a.Y + t*(b.Y-a.Y)} }

// piece adds one straight piece to the coverage. It walks along the axis in
// which the piece is longer, over the few pixels across that it can touch.
func (r *raster) piece(a, b Point, half float64, d *dirty) {
	a, b, ok := r.visible(a, b, half+1)
	if !ok {
		return
	}
	reach := half + 0.5
	o := outer(Rect{math.Min(a.X, b.X) - reach, math.Min(a.Y, b.Y) - reach, math.Max(a.X, b.X) + reach, math.Max(a.Y, b.Y) + reach})
	if o = o.Intersect(r.clip); o.Empty() {
		return
	}
	d.add(o)
	along, across := r.image.Rect.Dx(), 1 // what a step along and across is in cover
	if math.Abs(b.X-a.X) > math.Abs(b.Y-a.Y) {
		a, b = Point{a.Y, a.X}, Point{b.Y, b.X}
		o = image.Rect(o.Min.Y, o.Min.X, o.Max.Y, o.Max.X)
		along, across = across, along
	}
	c := capsule{a: a, dx: b.X - a.X, dy: b.Y - a.Y, reach: reach}
	slope := 0.0
	if l := c.dx*c.dx + c.dy*c.dy; l > 0 {
		c.inverse, slope = 1/l, c.dx/c.dy
	}
	side := reach*math.Sqrt(1+slope*slope) + 1
	low, high := math.Min(a.Y, b.Y), math.Max(a.Y, b.Y)
	for y := o.Min.Y; y < o.Max.Y; y++ {
		middle := a.X + (clamp(float64(y)+0.5, low, high)-a.Y)*slope
		for x := max(int(middle-side), o.Min.X); x < min(int(middle+side)+1, o.Max.X); x++ {
			if i := y*along + x*across; r.cover[i] < 255 {
				r.cover[i] = max(r.cover[i], c.at(float64(x)+0.5, float64(y)+0.5))
			}
		}
	}
}

// visible cuts a piece to what can touch the clip, after Liang and Barsky.
func (r *raster) visible(a, b Point, margin float64) (Point, Point, bool) {
	t0, t1 := 0.0, 1.0
	dx, dy := b.X-a.X, b.Y-a.Y
	for _, e := range [4][2]float64{
		{-dx, a.X - float64(r.clip.Min.X) + margin}, {dx, float64(r.clip.Max.X) + margin - a.X},
		{-dy, a.Y - float64(r.clip.Min.Y) + margin}, {dy, float64(r.clip.Max.Y) + margin - a.Y},
	} {
		switch p, q := e[0], e[1]; {
		case p == 0 && q < 0:
			return a, b, false
		case p < 0:
			t0 = math.Max(t0, q/p)
		case p > 0:
			t1 = math.Min(t1, q/p)
		}
	}
	return between(a, b, t0), between(a, b, t1), t0 <= t1
}

// A capsule is what lies within half a width of a straight piece. Inverse is 1
// by the square of its length, 0 for a point.
type capsule struct {
	a       Point
	dx, dy  float64
	inverse float64
	reach   float64 // half the width and half a pixel
}

// at is how much of the pixel around x, y is covered, by its distance: right
// to a few hundredths, and round at joins.
func (c *capsule) at(x, y float64) uint8 {
	x, y = x-c.a.X, y-c.a.Y
	t := (x*c.dx + y*c.dy) * c.inverse
	if t < 0 {
		t = 0
	} else if t > 1 {
		t = 1
	}
	x, y = x-t*c.dx, y-t*c.dy
	d := x*x + y*y
	if d >= c.reach*c.reach {
		return 0
	}
	if d = c.reach - math.Sqrt(d); d < 1 {
		return uint8(d*255 + 0.5)
	}
	return 255
}

// flush lays the colour over what is covered, and clears the coverage.
func (r *raster) flush(o image.Rectangle, m mark) {
	if o.Empty() {
		return
	}
	for y := o.Min.Y; y < o.Max.Y; y++ {
		row := r.cover[y*r.image.Rect.Dx()+o.Min.X:][:o.Dx()]
		first := r.image.PixOffset(o.Min.X, y)
		for i := 0; i < len(row); i++ {
			if i+8 <= len(row) && binary.LittleEndian.Uint64(row[i:]) == 0 { // most of it is empty
				i += 7
				continue
			}
			if row[i] != 0 {
				r.blend(first+4*i, m.color, uint32(row[i]))
			}
		}
		clear(row)
	}
}
