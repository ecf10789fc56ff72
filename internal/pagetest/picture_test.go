package pagetest_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// maxPicture is what a picture of the documentation may have, in bytes.
const maxPicture = 150_000

// keepsPicture holds a picture of the documentation to what the window shows; -update
// draws it anew. Fonts differ from machine to machine, so that small things may.
func (p *person) keepsPicture(path string) {
	p.t.Helper()
	p.drawn()
	p.sees(`(window.still = document.querySelector(".busy") || document.getAnimations().length ? 0 : window.still || Date.now()) && Date.now() - still > 1000`)
	b, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	seen := decoded(p.t, b)
	if testutil.Update() {
		var small bytes.Buffer
		require.NoError(p.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewer(seen)))
		require.NoError(p.t, os.WriteFile(path, small.Bytes(), 0o644))
	}
	kept, err := os.ReadFile(path)
	require.NoError(p.t, err)
	assert.Less(p.t, len(kept), maxPicture)
	assert.Less(p.t, apart(decoded(p.t, kept), seen), .02, "%s is not what the page looks like: make pictures", path)
}

func decoded(t testing.TB, b []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return img
}

// fewer is a picture with 48 colours: those that it has most of, and no two that
// look alike, so that the few points of a line keep theirs.
func fewer(img image.Image) *image.Paletted {
	count := map[color.RGBA]int{}
	r := img.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			count[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	var palette color.Palette
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] }) {
		if len(palette) < 48 && (palette == nil || unlike(c, palette.Convert(c).(color.RGBA))) {
			palette = append(palette, c)
		}
	}
	nearest := map[color.Color]uint8{}
	few := image.NewPaletted(r, palette)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := img.At(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			few.SetColorIndex(x, y, i)
		}
	}
	return few
}

func unlike(a, b color.RGBA) bool {
	far := func(x, y uint8) int { return (int(x) - int(y)) * (int(x) - int(y)) }
	return far(a.R, b.R)+far(a.G, b.G)+far(a.B, b.B) > 24*24
}

// apart is how different two pictures are where they are looked at from afar: from
// 0, the same, to 1.
func apart(a, b image.Image) float64 {
	const columns, rows = 40, 30
	sum := 0.0
	for y := range rows {
		for x := range columns {
			d := grey(a, x, y, columns, rows) - grey(b, x, y, columns, rows)
			sum += max(d, -d)
		}
	}
	return sum / columns / rows
}

// grey is how light a picture is, on the average of one of its fields.
func grey(img image.Image, x, y, columns, rows int) float64 {
	r := img.Bounds()
	sum, n := 0, 0
	for j := r.Dy() * y / rows; j < r.Dy()*(y+1)/rows; j += 2 {
		for i := r.Dx() * x / columns; i < r.Dx()*(x+1)/columns; i += 2 {
			sum += int(color.GrayModel.Convert(img.At(i, j)).(color.Gray).Y)
			n++
		}
	}
	return float64(sum) / float64(n) / 255
}
