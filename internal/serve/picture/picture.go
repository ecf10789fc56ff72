// Package picture draws graphs, as Graphite's /render does for format=png and
// format=svg: lines, areas, stacks, two axes, pies, with all of graphite-web's
// drawing parameters and templates.
//
// It promises that nothing is clipped and no two labels overlap, that time ticks
// are round in the zone asked for, and that neither parameters nor data can make
// it panic or work without bound: size, series and points drawn in a column of
// pixels have limits. It evaluates no targets, speaks no HTTP and reads no file:
// it is given series and gives bytes. Start from [Painter].
package picture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

// ErrRefused is wrapped by the errors of what cannot be drawn as asked: a
// parameter without meaning, a size above the limit. All else is our fault or
// the writer's.
var ErrRefused = errors.New("picture refused")

// A Series is one line of a graph, or one slice of a pie.
type Series struct {
	Name  string
	Start int64 // Unix seconds of the first value
	Step  int64 // seconds from one value to the next, above 0

	// Values are not changed. NaN is no value; infinite ones are taken for it.
	Values []float64

	// Consolidate appends one value for each n of values, the last for what
	// remains, when there are more than pixels; nil takes averages. It must neither keep
	// nor change values.
	Consolidate func(dst, values []float64, n int) []float64

	// What Graphite's functions ask for.
	Color     string  // color(): a name or hexadecimal digits; empty: the next of the list
	LineWidth float64 // lineWidth() in pixels; 0: the graph's
	Dash      float64 // dashed(): length of dashes in pixels; 0: none
	Alpha     float64 // alpha(), above 0 to 1; 0: opaque
	Stacked   bool    // stacked() and areaBetween(): filled, where no filled one before it is
	Invisible bool    // areaBetween()'s lower one: covers, but is not seen
	SecondY   bool    // secondYAxis()
	Infinite  bool    // drawAsInfinite(): a vertical line at each value above 0
}

// A Graph is what is to be drawn.
type Graph struct {
	Series []Series
	Params Params
	Zone   *time.Location // of the time axis; nil is UTC
}

// A Format is a kind of file.
type Format uint8

// The formats.
const (
	PNG Format = iota
	SVG
)

// ContentType is the media type of a format.
func (f Format) ContentType() string {
	if f == SVG {
		return "image/svg+xml"
	}
	return "image/png"
}

// Options bound what a Painter draws. The zero value is of use.
type Options struct {
	MaxPixels int // width by height; 0: 8,388,608, 3840 by 2160 and a little more. Each takes up to 11 bytes
	MaxSeries int // of one graph; 0: 2000
	MaxPoints int // drawn, of all series together; 0: 2,000,000. Each takes 16 bytes
}

// keptPixels is the size up to which buffers are kept for the next picture:
// 1920 by 1080. Larger pictures are rare, and what they took is given back.
const keptPixels = 1920 * 1080

// A Painter draws graphs. It is safe for concurrent use.
type Painter struct {
	options Options
	sheets  sync.Pool
}

// New returns a Painter.
func New(o Options) (*Painter, error) {
	fonts, err := canvas.NewFonts()
	if err != nil {
		return nil, err
	}
	o.MaxPoints = cmp.Or(o.MaxPoints, 2_000_000)
	o.MaxPixels, o.MaxSeries = cmp.Or(o.MaxPixels, 8<<20), cmp.Or(o.MaxSeries, 2000)
	return &Painter{options: o, sheets: sync.Pool{New: func() any { return canvas.New(fonts) }}}, nil
}

// Draw writes the graph to w. Nothing is written when the error wraps
// ErrRefused or that of ctx, which is looked at between series and while pixels are drawn.
func (p *Painter) Draw(ctx context.Context, w io.Writer, f Format, g *Graph) error {
	if err := p.allowed(g); err != nil {
		return err
	}
	sheet := p.sheets.Get().(*canvas.Sheet)
	if w, h := g.Params.size(); w*h <= keptPixels {
		defer p.sheets.Put(sheet)
	}
	s, err := newSketch(sheet, g, p.options.MaxPoints)
	if err != nil {
		return err
	}
	if g.Params.Pie {
		s.pie()
	} else if err := s.lines(ctx); err != nil {
		return err
	}
	if f == SVG {
		return sheet.SVG(w)
	}
	return sheet.PNG(ctx, w)
}

// allowed checks what bounds the work. Where a size is 0, the graph has
// Graphite's.
func (p *Painter) allowed(g *Graph) error {
	w, h := g.Params.size()
	if w < 1 || h < 1 || w > p.options.MaxPixels/h {
		return fmt.Errorf("%w: a picture of %d x %d pixels; at least 1 x 1 and at most %d pixels can be drawn", ErrRefused, w, h, p.options.MaxPixels)
	}
	if n := len(g.Series); n > p.options.MaxSeries {
		return fmt.Errorf("%w: %d series in one picture; at most %d can be drawn", ErrRefused, n, p.options.MaxSeries)
	}
	return nil
}

// number reports whether v can be drawn.
func number(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
