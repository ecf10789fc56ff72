package canvas_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture/canvas"
)

var (
	white = color.NRGBA{255, 255, 255, 255}
	black = color.NRGBA{A: 255}
	red   = color.NRGBA{R: 255, A: 255}
)

func sheet(t testing.TB, width, height int) *canvas.Sheet {
	t.Helper()
	fonts, err := canvas.NewFonts()
	require.NoError(t, err)
	s := canvas.New(fonts)
	s.Reset(width, height, white)
	return s
}

func pixels(t testing.TB, s *canvas.Sheet) image.Image {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, s.PNG(t.Context(), &b))
	m, err := png.Decode(&b)
	require.NoError(t, err)
	return m
}

// grid shows how dark the pixels are, 0 to 9.
func grid(m image.Image) string {
	var b strings.Builder
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, _, _, _ := m.At(x, y).RGBA()
			fmt.Fprint(&b, int(math.Round(9-float64(r)*9/0xffff)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func points(v ...float64) (list []canvas.Point) {
	for i := 0; i < len(v); i += 2 {
		list = append(list, canvas.Point{X: v[i], Y: v[i+1]})
	}
	return list
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		points []canvas.Point
		pen    canvas.Pen
		want   string
	}{
		"one pixel":   {points(0, 1.5, 8, 1.5), canvas.Pen{Color: black, Width: 1}, "00000000\n99999999\n00000000\n00000000\n"},
		"between two": {points(0, 2, 8, 2), canvas.Pen{Color: black, Width: 1}, "00000000\n55555555\n55555555\n00000000\n"},
		"thin":        {points(0, 1.5, 8, 1.5), canvas.Pen{Color: black, Width: 0.33}, "00000000\n33333333\n00000000\n00000000\n"},
		"upright":     {points(2.5, 0, 2.5, 4), canvas.Pen{Color: black, Width: 1}, "00900000\n00900000\n00900000\n00900000\n"},
		"back and on": {points(0, 1.5, 6, 1.5, 2, 1.5, 8, 1.5), canvas.Pen{Color: black, Width: 1}, "00000000\n99999999\n00000000\n00000000\n"},
		"far away":    {points(-1e9, 1.5, 1e300, 1.5), canvas.Pen{Color: black, Width: 1}, "00000000\n99999999\n00000000\n00000000\n"},
		"outside":     {points(-50, -50, 80, -50), canvas.Pen{Color: black, Width: 1}, strings.Repeat("00000000\n", 4)},
		"nowhere":     {points(math.NaN(), math.Inf(1)), canvas.Pen{Color: black, Width: 1}, strings.Repeat("00000000\n", 4)},
	} {
		s := sheet(t, 8, 4)
		s.Line("", c.points, c.pen)
		assert.Equal(t, c.want, grid(pixels(t, s)), name)
	}
}

func TestDashes(t *testing.T) {
	s := sheet(t, 24, 1)
	s.Line("", points(0, 0.5, 7, 0.5, 24, 0.5), canvas.Pen{Color: black, Width: 1, Dash: 4})
	row := grid(pixels(t, s))
	assert.Equal(t, "999950059999500599995000\n", row, "the second piece goes on with the dash of the first")
}

func TestALineOfManyPiecesIsThatOfOne(t *testing.T) {
	one, many := sheet(t, 60, 60), sheet(t, 60, 60)
	pen := canvas.Pen{Color: color.NRGBA{0, 0, 0, 100}, Width: 3}
	one.Line("", points(5, 5, 50, 40), pen)
	var list []canvas.Point
	for i := range 401 {
		list = append(list, canvas.Point{X: 5 + 45*float64(i)/400, Y: 5 + 35*float64(i)/400})
	}
	many.Line("", list, pen)
	assert.Equal(t, grid(pixels(t, one)), grid(pixels(t, many)), "no seams, no beads, and transparency once")
}

func TestCoverageOfLinesIsTheirArea(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	for range 50 {
		s := sheet(t, 120, 120)
		a, b := canvas.Point{X: 20 + 80*r.Float64(), Y: 20 + 80*r.Float64()}, canvas.Point{X: 20 + 80*r.Float64(), Y: 20 + 80*r.Float64()}
		width := 1 + 5*r.Float64()
		s.Line("", []canvas.Point{a, b}, canvas.Pen{Color: black, Width: width})
		m, sum := pixels(t, s), 0.0
		for y := range 120 {
			for x := range 120 {
				v, _, _, _ := m.At(x, y).RGBA()
				sum += 1 - float64(v)/0xffff
			}
		}
		want := math.Hypot(b.X-a.X, b.Y-a.Y)*width + math.Pi*width*width/4
		assert.InEpsilon(t, want, sum, 0.15, "%v %v %g", a, b, width)
	}
}

func TestAreasAndBoxes(t *testing.T) {
	s := sheet(t, 6, 4)
	s.Area("", points(1, 1, 5, 1, 5, 3, 1, 3), black)
	assert.Equal(t, "000000\n099990\n099990\n000000\n", grid(pixels(t, s)))
	s.Reset(6, 4, white)
	s.Area("", points(1, 1, 1, 3, 5, 3, 5, 1), black)
	assert.Equal(t, "000000\n099990\n099990\n000000\n", grid(pixels(t, s)), "the other way round")
	s.Reset(6, 4, white)
	s.Box(canvas.Rect{X0: 0.5, Y0: 1, X1: 3, Y1: 2}, black)
	assert.Equal(t, "000000\n599000\n000000\n000000\n", grid(pixels(t, s)))
	s.Reset(6, 4, white)
	s.Clip(canvas.Rect{X0: 1, Y0: 1, X1: 3, Y1: 3})
	s.Area("", points(-1e7, -1e7, 1e7, -1e7, 1e7, 1e7, -1e7, 1e7), black)
	s.Line("", points(0, 0, 6, 4), canvas.Pen{Color: black, Width: 9})
	s.Clip(s.Bounds())
	assert.Equal(t, "000000\n099000\n099000\n000000\n", grid(pixels(t, s)))
}

func TestTextsTakeTheirWidth(t *testing.T) {
	s := sheet(t, 300, 40)
	for _, f := range []canvas.Face{{Size: 10}, {Size: 12, Bold: true}, {Size: 10, Italic: true}, {Size: 11, Mono: true}, {Size: 13, Mono: true, Bold: true}, {Size: 9, Bold: true, Italic: true}} {
		for _, text := range []string{"HxH", "servers.mail.load", "Größe Привет", "日本語", "\xff\x00"} {
			s.Reset(300, 40, white)
			s.Text(text, canvas.Point{X: 10, Y: 25}, f, black, 0)
			m := pixels(t, s)
			right := 0
			for x := range 300 {
				for y := range 40 {
					if r, _, _, _ := m.At(x, y).RGBA(); r < 0x8000 {
						right = x
						require.GreaterOrEqual(t, x, 9)
						require.Greater(t, float64(y), 24-s.Metrics(f).Ascent)
						require.LessOrEqual(t, float64(y), 26+s.Metrics(f).Descent)
					}
				}
			}
			if !strings.ContainsAny(text, "日\x00") { // of which there are no glyphs: a faint box stands for them
				assert.InDelta(t, 10+s.TextWidth(text, f), right, 4, "%q %+v", text, f)
			}
		}
	}
}

func TestTurnedTextIsTheSame(t *testing.T) {
	ink := func(angle float64) (sum float64) {
		s := sheet(t, 100, 100)
		s.Text("turned 123", canvas.Point{X: 50, Y: 50}, canvas.Face{Size: 12}, black, angle)
		m := pixels(t, s)
		for y := range 100 {
			for x := range 100 {
				v, _, _, _ := m.At(x, y).RGBA()
				sum += 1 - float64(v)/0xffff
			}
		}
		return sum
	}
	for _, angle := range []float64{90, 270, 33, -120} {
		assert.InEpsilon(t, ink(0), ink(angle), 0.16, "%g degrees", angle)
	}
}

func TestPaletteKeepsWhatThereIsMostOf(t *testing.T) {
	s := sheet(t, 200, 100)
	for i := range 40 { // a faint grid
		s.Box(canvas.Rect{X0: float64(5 * i), X1: float64(5*i + 1), Y1: 100}, color.NRGBA{A: 12})
	}
	r := rand.New(rand.NewSource(1))
	for range 60 { // and thousands of colours at edges
		c := color.NRGBA{uint8(r.Intn(256)), uint8(r.Intn(256)), uint8(r.Intn(256)), 255}
		s.Line("", points(200*r.Float64(), 20+80*r.Float64(), 200*r.Float64(), 20+80*r.Float64()), canvas.Pen{Color: c, Width: 1.2})
	}
	m := pixels(t, s)
	require.IsType(t, &image.Paletted{}, m)
	assert.Equal(t, color.NRGBA{243, 243, 243, 255}, color.NRGBAModel.Convert(m.At(5, 2)))
	assert.Equal(t, white, color.NRGBAModel.Convert(m.At(7, 2)))
}

func TestPicturesWithTooManyColorsHaveNoPalette(t *testing.T) {
	s := sheet(t, 128, 128)
	r := rand.New(rand.NewSource(1))
	var last color.NRGBA
	for x := range 128 {
		for y := range 128 {
			last = color.NRGBA{uint8(r.Intn(256)), uint8(r.Intn(256)), uint8(r.Intn(256)), 255}
			s.Box(canvas.Rect{X0: float64(x), Y0: float64(y), X1: float64(x + 1), Y1: float64(y + 1)}, last)
		}
	}
	m := pixels(t, s)
	_, paletted := m.(*image.Paletted)
	assert.False(t, paletted)
	assert.Equal(t, last, color.NRGBAModel.Convert(m.At(127, 127)))
}

func TestPNGEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := sheet(t, 10, 10)
	s.Line("", points(0, 0, 10, 10), canvas.Pen{Color: black, Width: 1})
	var b bytes.Buffer
	require.ErrorIs(t, s.PNG(ctx, &b), context.Canceled)
	assert.Zero(t, b.Len())
}

func TestSVG(t *testing.T) {
	s := sheet(t, 100, 50)
	s.Group("a")
	s.Clip(canvas.Rect{X0: 10, Y0: 10, X1: 90, Y1: 40})
	s.Group("b")
	s.Line("x < y", points(1, 2, 3.14159, 4), canvas.Pen{Color: color.NRGBA{1, 2, 3, 128}, Width: 1.2, Dash: 3})
	s.Clip(s.Bounds())
	s.Area("", points(1, 1, 2, 2, 3, 1), red)
	s.Text("a & b", canvas.Point{X: 5, Y: 20.4}, canvas.Face{Size: 10, Mono: true, Bold: true}, black, 0)
	var b bytes.Buffer
	require.NoError(t, s.SVG(&b))
	assert.Equal(t, `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50" viewBox="0 0 100 50" font-family="Go, 'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif">
<rect x="0" y="0" width="100" height="50" fill="#ffffff"/>
<g class="a">
</g>
<svg x="10" y="10" width="80" height="30" viewBox="10 10 80 30">
<g class="b">
<path d="M1 2L3.14 4" fill="none" stroke-linejoin="round" stroke-linecap="round" stroke="#010203" stroke-opacity="0.502" stroke-width="1.2" stroke-dasharray="3"><title>x &lt; y</title></path>
</g>
</svg>
<path d="M1 1L2 2L3 1Z" fill="#ff0000"/>
<text x="5" y="20" font-size="10" textLength="30" lengthAdjust="spacingAndGlyphs" font-family="'Go Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-weight="bold" fill="#000000">a &amp; b</text>
</svg>
`, b.String())
}

func BenchmarkLine(b *testing.B) {
	s := sheet(b, 800, 400)
	r := rand.New(rand.NewSource(1))
	var list []canvas.Point
	for i := range 800 {
		list = append(list, canvas.Point{X: float64(i), Y: 400 * r.Float64()})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(800, 400, white)
		s.Line("", list, canvas.Pen{Color: black, Width: 1.2})
		require.NoError(b, s.PNG(b.Context(), discard{}))
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
