package canvas

import (
	"fmt"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A Face is how a text looks. Size is in pixels, as in SVG, from 1 to MaxSize.
// There is no slanted form of the monospaced face.
type Face struct {
	Mono, Bold, Italic bool
	Size               float64
}

// MaxSize is the largest size of a face in pixels; larger ones are drawn so.
const MaxSize = 200

// Fonts are the faces that are built in: Go's own, sans and mono, which have
// Latin, Greek and Cyrillic letters. They are safe for concurrent use.
type Fonts struct{ faces [6]*sfnt.Font }

// NewFonts parses the faces.
func NewFonts() (*Fonts, error) {
	f := &Fonts{}
	for i, data := range [...][]byte{goregular.TTF, gobold.TTF, goitalic.TTF, gobolditalic.TTF, gomono.TTF, gomonobold.TTF} {
		parsed, err := sfnt.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("parse built-in font %d: %w", i, err)
		}
		f.faces[i] = parsed
	}
	return f, nil
}

func (f Face) index() int {
	i := 0
	if f.Bold {
		i = 1
	}
	switch {
	case f.Mono:
		i += 4
	case f.Italic:
		i += 2
	}
	return i
}

func (f Face) size() float64 { return clamp(f.Size, 1, MaxSize) }

// Metrics are the heights of a face in whole pixels, so that base lines that
// are counted with them stay on pixels.
type Metrics struct {
	Ascent  float64 // from the base line to the top of the highest letter
	Descent float64 // from the base line to the bottom of the lowest one, positive
	Digit   float64 // height of capitals and digits
	Line    float64 // from one base line to the next
}

// A typesetter measures texts and gives the outlines of their glyphs.
type typesetter struct {
	fonts    *Fonts
	buffer   sfnt.Buffer
	advances map[glyphKey]float64 // in units of the face's size
	masks    map[maskKey]*mask
	held     int // bytes in masks
}

type glyphKey struct {
	face int
	r    rune
}

func newTypesetter(f *Fonts) *typesetter {
	return &typesetter{fonts: f, advances: map[glyphKey]float64{}, masks: map[maskKey]*mask{}}
}

// em is the size at which outlines are read: the grid in which the faces were
// drawn, so that nothing is rounded.
const em = 2048

// Metrics returns the heights of a face.
func (t *typesetter) Metrics(f Face) Metrics {
	m, err := t.fonts.faces[f.index()].Metrics(&t.buffer, fixed.I(em), font.HintingNone)
	if err != nil {
		panic("BUG: metrics of a built-in font: " + err.Error())
	}
	scale := f.size() / em / 64
	up := func(v fixed.Int26_6) float64 { return math.Ceil(float64(v)*scale - 0.25) }
	return Metrics{
		Ascent: up(m.Ascent), Descent: up(m.Descent), Digit: math.Max(1, math.Round(float64(m.CapHeight)*scale)),
		Line: math.Ceil(f.size() * 1.3),
	}
}

// TextWidth is the advance of a text in pixels.
func (t *typesetter) TextWidth(text string, f Face) (w float64) {
	for _, r := range text {
		w += t.advance(r, f)
	}
	return w
}

func (t *typesetter) advance(r rune, f Face) float64 {
	key := glyphKey{f.index(), r}
	a, ok := t.advances[key]
	if !ok {
		fnt := t.fonts.faces[key.face]
		g, err := fnt.GlyphIndex(&t.buffer, r)
		var adv fixed.Int26_6
		if err == nil {
			adv, err = fnt.GlyphAdvance(&t.buffer, g, fixed.I(em), font.HintingNone)
		}
		if err != nil {
			adv = fixed.I(em / 2)
		}
		// A text may hold any of a million characters; what is rarely used is found again.
		if len(t.advances) >= 4096 {
			clear(t.advances)
		}
		a = float64(adv) / 64 / em
		t.advances[key] = a
	}
	return a * f.size()
}

// outline gives the outline of a glyph in pixels, its origin at 0, 0.
func (t *typesetter) outline(r rune, f Face) []segment {
	fnt := t.fonts.faces[f.index()]
	g, err := fnt.GlyphIndex(&t.buffer, r)
	if err != nil {
		return nil
	}
	loaded, err := fnt.LoadGlyph(&t.buffer, g, fixed.I(em), nil)
	if err != nil {
		return nil
	}
	fit := t.fitter(f)
	scale := f.size() / em / 64
	list := make([]segment, len(loaded))
	for i, s := range loaded {
		list[i].op = s.Op
		for j, p := range s.Args {
			list[i].args[j] = Point{float64(p.X) * scale, fit(float64(p.Y) * scale)}
		}
	}
	return list
}

type segment struct {
	op   sfnt.SegmentOp
	args [3]Point
}

// fitter returns a function that moves heights so that the tops of small
// letters and of capitals fall on pixels: unhinted text of 10 pixels would be
// grey there. Heights are negative above the base line.
func (t *typesetter) fitter(f Face) func(y float64) float64 {
	m, err := t.fonts.faces[f.index()].Metrics(&t.buffer, fixed.I(em), font.HintingNone)
	scale := f.size() / em / 64
	x, caps := float64(m.XHeight)*scale, float64(m.CapHeight)*scale
	if err != nil || f.size() > 40 || x <= 1 || caps <= x {
		return func(y float64) float64 { return y }
	}
	fx := math.Round(x)
	fc := math.Max(math.Round(caps), fx+1)
	return func(y float64) float64 {
		switch {
		case y >= 0:
			return y
		case y >= -x:
			return y * fx / x
		case y >= -caps:
			return -(fx + (-y-x)*(fc-fx)/(caps-x))
		}
		return y + caps - fc
	}
}
