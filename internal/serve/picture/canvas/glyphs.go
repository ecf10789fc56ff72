package canvas

import (
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/vector"
)

// A mask is how much of each pixel a glyph covers, and where it lies seen from
// the pixel of its origin.
type mask struct {
	*image.Alpha
	at image.Point
}

// A maskKey names a glyph at one of four places within a pixel, so that the
// spacing of small text is even.
type maskKey struct {
	Face
	r     rune
	phase uint8
}

const (
	phases   = 4
	maxMasks = 4 << 20 // bytes: some 40,000 glyphs of 10 pixels
)

// text covers the mask with a text and returns the pixels touched.
func (s *Sheet) text(r *raster, m mark, paint func(*mask, image.Point)) {
	if m.angle != 0 {
		s.turned(r, m, paint)
		return
	}
	x, y := m.at.X, math.Round(m.at.Y)
	for _, c := range m.text {
		pixel, phase := math.Floor(x), uint8((x-math.Floor(x))*phases)
		g := s.glyph(r, maskKey{m.face, c, phase})
		paint(g, image.Pt(int(pixel), int(y)))
		x += s.advance(c, m.face)
		if x > float64(s.width) {
			return
		}
	}
}

func (s *Sheet) glyph(r *raster, key maskKey) *mask {
	if g, ok := s.masks[key]; ok {
		return g
	}
	shift := Point{X: float64(key.phase) / phases}
	g := r.fillGlyph(s.outline(key.r, key.Face), func(p Point) Point { return Point{p.X + shift.X, p.Y} })
	if s.held += len(g.Pix) + 64; s.held > maxMasks {
		clear(s.masks)
		s.held = len(g.Pix) + 64
	}
	s.masks[key] = g
	return g
}

// turned draws a text at an angle, each glyph from its outline.
func (s *Sheet) turned(r *raster, m mark, paint func(*mask, image.Point)) {
	sin, cos := math.Sincos(m.angle * math.Pi / 180)
	along := 0.0
	for _, c := range m.text {
		at := Point{m.at.X + along*cos, m.at.Y + along*sin}
		whole := Point{math.Floor(at.X), math.Floor(at.Y)}
		g := r.fillGlyph(s.outline(c, m.face), func(p Point) Point {
			return Point{at.X - whole.X + p.X*cos - p.Y*sin, at.Y - whole.Y + p.X*sin + p.Y*cos}
		})
		paint(g, image.Pt(int(whole.X), int(whole.Y)))
		along += s.advance(c, m.face)
	}
}

// fillGlyph fills an outline, its points moved by place.
func (r *raster) fillGlyph(outline []segment, place func(Point) Point) *mask {
	box := Rect{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for i := range outline {
		for j := range outline[i].points() {
			p := place(outline[i].args[j])
			outline[i].args[j] = p
			box = Rect{math.Min(box.X0, p.X), math.Min(box.Y0, p.Y), math.Max(box.X1, p.X), math.Max(box.Y1, p.Y)}
		}
	}
	if box.Empty() {
		return &mask{Alpha: &image.Alpha{}}
	}
	at := image.Pt(int(math.Floor(box.X0)), int(math.Floor(box.Y0)))
	w, h := int(math.Ceil(box.X1))-at.X, int(math.Ceil(box.Y1))-at.Y
	r.vector.Reset(w, h)
	r.vector.DrawOp = draw.Src
	for i := range outline {
		outline[i].trace(&r.vector, at)
	}
	g := &mask{Alpha: image.NewAlpha(image.Rect(0, 0, w, h)), at: at}
	r.vector.Draw(g.Alpha, g.Bounds(), image.Opaque, image.Point{})
	return g
}

// points is how many of a segment's args are used.
func (s *segment) points() int {
	switch s.op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	}
	return 1
}

func (s *segment) trace(z *vector.Rasterizer, at image.Point) {
	var v [3][2]float32
	for i, p := range s.args {
		v[i] = [2]float32{float32(p.X - float64(at.X)), float32(p.Y - float64(at.Y))}
	}
	switch s.op {
	case sfnt.SegmentOpMoveTo:
		z.ClosePath()
		z.MoveTo(v[0][0], v[0][1])
	case sfnt.SegmentOpLineTo:
		z.LineTo(v[0][0], v[0][1])
	case sfnt.SegmentOpQuadTo:
		z.QuadTo(v[0][0], v[0][1], v[1][0], v[1][1])
	case sfnt.SegmentOpCubeTo:
		z.CubeTo(v[0][0], v[0][1], v[1][0], v[1][1], v[2][0], v[2][1])
	}
}
