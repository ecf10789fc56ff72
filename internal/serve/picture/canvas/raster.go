package canvas

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// A raster turns marks into pixels.
type raster struct {
	image  *image.RGBA // colours multiplied by their alpha
	vector vector.Rasterizer
	fill   image.Alpha // coverage of one area
	cover  []uint8     // coverage of one line, a byte a pixel; all 0 between marks
	shape  []Point     // the mark's points, clipped or cut into dashes
	spare  []Point
	clip   image.Rectangle

	census  census
	svg     []byte
	indexed []uint8 // the image as numbers in its palette
	buffers buffers
}

// reset gives the raster a size and a background, keeping its buffers.
func (r *raster) reset(width, height int, c color.NRGBA) {
	n := width * height
	if r.image == nil || cap(r.image.Pix) < 4*n {
		r.image = image.NewRGBA(image.Rect(0, 0, width, height))
		r.cover = make([]uint8, n)
	}
	r.image.Pix, r.image.Stride, r.image.Rect = r.image.Pix[:4*n], 4*width, image.Rect(0, 0, width, height)
	r.cover = r.cover[:n]
	r.clip = r.image.Rect
	draw.Draw(r.image, r.image.Rect, image.NewUniform(c), image.Point{}, draw.Src)
}

// raster draws all marks, as long as ctx lasts.
func (s *Sheet) raster(ctx context.Context) (*image.RGBA, error) {
	r := &s.pixels
	r.reset(s.width, s.height, s.background)
	for _, m := range s.marks {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("draw pixels: %w", err)
		}
		switch m.kind {
		case clip:
			r.clip = outer(m.rect).Intersect(r.image.Rect)
		case box:
			r.box(m.rect, m.color)
		case area:
			r.area(s.points[m.from:m.to], m.color)
		case line:
			r.line(s.points[m.from:m.to], m)
		case words:
			s.text(r, m, func(g *mask, at image.Point) { r.glyph(g, at, m.color) })
		}
	}
	return r.image, nil
}

// outer is the smallest rectangle of whole pixels around b.
func outer(b Rect) image.Rectangle {
	return image.Rect(int(math.Floor(b.X0)), int(math.Floor(b.Y0)), int(math.Ceil(b.X1)), int(math.Ceil(b.Y1)))
}

// box fills a rectangle; pixels at its edges in proportion to what it covers.
func (r *raster) box(b Rect, c color.NRGBA) {
	o := outer(b).Intersect(r.clip)
	for y := o.Min.Y; y < o.Max.Y; y++ {
		part := math.Min(b.Y1, float64(y+1)) - math.Max(b.Y0, float64(y))
		for x := o.Min.X; x < o.Max.X; x++ {
			share := part * (math.Min(b.X1, float64(x+1)) - math.Max(b.X0, float64(x)))
			r.blend(r.image.PixOffset(x, y), c, uint32(share*255+0.5))
		}
	}
}

// blend lays a colour over a pixel of which it covers 0 to 255.
func (r *raster) blend(i int, c color.NRGBA, cover uint32) {
	a := cover * uint32(c.A)
	if a == 0 {
		return
	}
	p := r.image.Pix[i : i+4 : i+4]
	if a == 255*255 {
		p[0], p[1], p[2], p[3] = c.R, c.G, c.B, 255
		return
	}
	const full = 255 * 255
	rest := full - a
	p[0] = uint8((uint32(p[0])*rest + uint32(c.R)*a + full/2) / full)
	p[1] = uint8((uint32(p[1])*rest + uint32(c.G)*a + full/2) / full)
	p[2] = uint8((uint32(p[2])*rest + uint32(c.B)*a + full/2) / full)
	p[3] = uint8((uint32(p[3])*rest + 255*a + full/2) / full)
}

// area fills a polygon inside the clip.
func (r *raster) area(points []Point, c color.NRGBA) {
	r.cut(points)
	if len(r.shape) < 3 {
		return
	}
	b := bounds(r.shape)
	o := outer(b).Intersect(r.clip)
	if o.Empty() {
		return
	}
	r.vector.Reset(o.Dx(), o.Dy())
	r.vector.DrawOp = draw.Src
	for i, p := range r.shape {
		x, y := float32(p.X-float64(o.Min.X)), float32(p.Y-float64(o.Min.Y))
		if i == 0 {
			r.vector.MoveTo(x, y)
		} else {
			r.vector.LineTo(x, y)
		}
	}
	r.vector.ClosePath()
	if n := o.Dx() * o.Dy(); cap(r.fill.Pix) < n {
		r.fill.Pix = make([]uint8, n)
	}
	r.fill.Pix, r.fill.Stride, r.fill.Rect = r.fill.Pix[:o.Dx()*o.Dy()], o.Dx(), image.Rect(0, 0, o.Dx(), o.Dy())
	r.vector.Draw(&r.fill, r.fill.Rect, image.Opaque, image.Point{})
	for y := range o.Dy() {
		i := r.image.PixOffset(o.Min.X, o.Min.Y+y)
		for _, a := range r.fill.Pix[y*o.Dx() : (y+1)*o.Dx()] {
			if a != 0 {
				r.blend(i, c, uint32(a))
			}
			i += 4
		}
	}
}

func bounds(points []Point) Rect {
	b := Rect{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, p := range points {
		b = Rect{math.Min(b.X0, p.X), math.Min(b.Y0, p.Y), math.Max(b.X1, p.X), math.Max(b.Y1, p.Y)}
	}
	return b
}

// cut leaves in shape what of the polygon lies in the clip, side by side after
// Sutherland and Hodgman: the rasteriser's work grows with what it is given.
func (r *raster) cut(points []Point) {
	r.shape = append(r.shape[:0], points...)
	c := r.clip
	r.side(func(p Point) float64 { return p.X - float64(c.Min.X) })
	r.side(func(p Point) float64 { return float64(c.Max.X) - p.X })
	r.side(func(p Point) float64 { return p.Y - float64(c.Min.Y) })
	r.side(func(p Point) float64 { return float64(c.Max.Y) - p.Y })
}

// side keeps what is inside of one edge: where inside is not negative.
func (r *raster) side(inside func(Point) float64) {
	if len(r.shape) == 0 {
		return
	}
	out := r.spare[:0]
	last := r.shape[len(r.shape)-1]
	before := inside(last)
	for _, p := range r.shape {
		now := inside(p)
		if before < 0 != (now < 0) {
			t := before / (before - now)
			out = append(out, Point{last.X + t*(p.X-last.X), last.Y + t*(p.Y-last.Y)})
		}
		if now >= 0 {
			out = append(out, p)
		}
		last, before = p, now
	}
	r.shape, r.spare = out, r.shape
}

// glyph lays a mask over the image, its origin at the pixel at.
func (r *raster) glyph(g *mask, at image.Point, c color.NRGBA) {
	at = at.Add(g.at)
	o := g.Rect.Add(at).Intersect(r.clip)
	for y := o.Min.Y; y < o.Max.Y; y++ {
		i := r.image.PixOffset(o.Min.X, y)
		row := g.Pix[(y-at.Y)*g.Stride:]
		for _, a := range row[o.Min.X-at.X : o.Max.X-at.X] {
			r.blend(i, c, uint32(a))
			i += 4
		}
	}
}
