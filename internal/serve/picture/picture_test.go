package picture_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

func painter(t testing.TB) *picture.Painter {
	t.Helper()
	p, err := picture.New(picture.Options{})
	require.NoError(t, err)
	return p
}

func draw(t testing.TB, f picture.Format, g *picture.Graph) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, painter(t).Draw(t.Context(), &b, f, g))
	return b.Bytes()
}

func query(t testing.TB, q string) picture.Params {
	t.Helper()
	v, err := url.ParseQuery(q)
	require.NoError(t, err)
	p, err := picture.ParseParams(v)
	require.NoError(t, err)
	return p
}

func decode(t testing.TB, b []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	return m
}

func TestGallery(t *testing.T) {
	for _, s := range gallery() {
		t.Run(s.name, func(t *testing.T) {
			path := filepath.Join("testdata", s.name)
			if s.docs == "" {
				golden(t, path+".png", draw(t, picture.PNG, s.graph(t)))
			}
			text := draw(t, picture.SVG, s.graph(t))
			wellFormed(t, text)
			if s.svg {
				testutil.Golden(t, path+".svg", text)
			}
		})
	}
}

// golden compares pictures. Another version of Go may round or compress in
// another way: few pixels may differ a little.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if testutil.Update() {
		testutil.Golden(t, path, got)
		return
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update makes golden files")
	a, b := decode(t, kept), decode(t, got)
	require.Equal(t, a.Bounds(), b.Bounds())
	off := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if d := apart(a, b, x, y); d > 24 {
				off++
			}
		}
	}
	assert.Less(t, off, 1+a.Bounds().Dx()*a.Bounds().Dy()/1000, "pixels that differ from %s", path)
}

func apart(a, b image.Image, x, y int) int {
	r0, g0, b0, a0 := a.At(x, y).RGBA()
	r1, g1, b1, a1 := b.At(x, y).RGBA()
	d := 0
	for _, c := range [4][2]uint32{{r0, r1}, {g0, g1}, {b0, b1}, {a0, a1}} {
		d = max(d, int(max(c[0], c[1])-min(c[0], c[1]))>>8)
	}
	return d
}

func wellFormed(t testing.TB, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func TestTheSameGraphIsTheSameBytes(t *testing.T) {
	p := painter(t)
	g := gallery()[2].graph(t)
	var first, again bytes.Buffer
	require.NoError(t, p.Draw(t.Context(), &first, picture.PNG, g))
	require.NoError(t, p.Draw(t.Context(), io.Discard, picture.SVG, gallery()[4].graph(t)))
	require.NoError(t, p.Draw(t.Context(), &again, picture.PNG, g))
	assert.True(t, bytes.Equal(first.Bytes(), again.Bytes()))
}

func TestDrawIsSafeForConcurrentUse(t *testing.T) {
	p := painter(t)
	var wg sync.WaitGroup
	list := gallery()
	for i := range 4 {
		g := list[i].graph(t)
		want := draw(t, picture.PNG, g)
		wg.Go(func() {
			for range 3 {
				var b bytes.Buffer
				assert.NoError(t, p.Draw(t.Context(), &b, picture.PNG, g))
				assert.True(t, bytes.Equal(want, b.Bytes()))
			}
		})
	}
	wg.Wait()
}

func TestDrawDoesNotChangeTheSeries(t *testing.T) {
	g := &picture.Graph{Series: stacks(), Params: query(t, "areaMode=stacked&drawNullAsZero=1&width=50")}
	want := stacks()
	draw(t, picture.PNG, g)
	assert.Equal(t, want, g.Series)
}

func TestRefused(t *testing.T) {
	one := picture.Series{Name: "a", Start: 60, Step: 60, Values: []float64{1, 2}}
	for name, g := range map[string]*picture.Graph{
		"width":  {Params: picture.Params{Width: 1 << 40, Height: 1 << 40}},
		"pixels": {Params: picture.Params{Width: 10_000, Height: 1000}},
		"color":  {Series: []picture.Series{with(one, func(s *picture.Series) { s.Color = "chartreuse" })}},
		"step":   {Series: []picture.Series{with(one, func(s *picture.Series) { s.Step = 0 })}},
		"start":  {Series: []picture.Series{with(one, func(s *picture.Series) { s.Start = math.MaxInt64 })}},
		"end":    {Series: []picture.Series{with(one, func(s *picture.Series) { s.Step = math.MaxInt64 / 2 })}},
		"series": {Series: make([]picture.Series, 2001)},
	} {
		var b bytes.Buffer
		assert.ErrorIs(t, painter(t).Draw(t.Context(), &b, picture.PNG, g), picture.ErrRefused, name)
		assert.Zero(t, b.Len(), name)
	}
}

func TestPointsAreBounded(t *testing.T) {
	p, err := picture.New(picture.Options{MaxPoints: 2000})
	require.NoError(t, err)
	for _, q := range []string{"width=800", "width=800&areaMode=stacked"} {
		err := p.Draw(t.Context(), io.Discard, picture.SVG, &picture.Graph{Series: waves(10, "w%d"), Params: query(t, q)})
		require.ErrorIs(t, err, picture.ErrRefused)
		assert.ErrorContains(t, err, "so many series")
	}
	assert.NoError(t, p.Draw(t.Context(), io.Discard, picture.SVG, &picture.Graph{Series: waves(10, "w%d"), Params: query(t, "width=100")}))
}

func TestDrawEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, q := range []string{"", "areaMode=stacked"} {
		err := painter(t).Draw(ctx, io.Discard, picture.PNG, &picture.Graph{Series: stacks(), Params: query(t, q)})
		assert.ErrorIs(t, err, context.Canceled)
		assert.NotErrorIs(t, err, picture.ErrRefused)
	}
}

func TestNamesCannotBreakOutOfAnSVG(t *testing.T) {
	s := wave("a", noon, 60, 60, 5, 2, 1)
	s.Name = "</title><script>alert(1)</script>\x00\x1b]]>\xff & \"'"
	text := draw(t, picture.SVG, &picture.Graph{Series: []picture.Series{s}, Params: picture.Params{Title: s.Name, Width: 2000}})
	wellFormed(t, text)
	assert.NotContains(t, string(text), "<script")
}

func TestTransparentBackground(t *testing.T) {
	m := decode(t, draw(t, picture.PNG, &picture.Graph{Series: waves(1, "w%d"), Params: query(t, "bgcolor=ffffff00&graphOnly=1&width=60&height=30")}))
	_, _, _, a := m.At(0, 29).RGBA()
	assert.Zero(t, a)
}

func TestPixelsOfAGap(t *testing.T) {
	s := picture.Series{Start: 0, Step: 1, Values: []float64{1, 1, math.NaN(), math.NaN(), 1, 1}}
	drawn := func(q string) string {
		m := decode(t, draw(t, picture.PNG, &picture.Graph{Series: []picture.Series{s}, Params: query(t, "graphOnly=1&width=60&height=9&yMin=0&yMax=2&lineWidth=1&colorList=black&"+q)}))
		var b strings.Builder
		for x := 5; x < 60; x += 10 {
			dark := false
			for y := range 9 {
				r, _, _, _ := m.At(x, y).RGBA()
				dark = dark || r < 0x8000
			}
			b.WriteByte(" #"[map[bool]int{true: 1}[dark]])
		}
		return b.String()
	}
	assert.Equal(t, "#    #", drawn(""))
	assert.Equal(t, "##  ##", drawn("lineMode=staircase"))
	assert.Equal(t, "######", drawn("lineMode=connected"))
	assert.Equal(t, "######", drawn("lineMode=connected&connectedLimit=2"))
	assert.Equal(t, "#    #", drawn("lineMode=connected&connectedLimit=1"))
	assert.Equal(t, "######", drawn("lineMode=staircase&drawNullAsZero=true"))
}
