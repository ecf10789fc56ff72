package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

// FuzzDraw draws what any parameters and values ask for, on at most 160 by 120
// pixels. Each 8 bytes are a value; every 16th of them begins a series that its bits describe.
func FuzzDraw(f *testing.F) {
	for _, s := range gallery() {
		f.Add(s.query, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 0x45, 0x40}, 40))
	}
	f.Add("logBase=1.01&minXStep=0&yStep=1e-300&yMin=-1e308&yMax=1e308&xFormat=%25%25%25q%ff&margin=10000&fontSize=200", []byte("\x00\x00\x00\x00\x00\x00\xf0\x7f12345678"))
	f.Add("graphType=pie&pieLabels=rotated&valueLabels=number&valueLabelsMin=-1&title=a%0ab%0a&hideLegend=0", bytes.Repeat([]byte("abcdefgh"), 20))
	f.Add("areaMode=stacked&areaAlpha=1&lineMode=connected&connectedLimit=0&template=noc&leftDashed=1e-9&lineWidth=1e300", bytes.Repeat([]byte("?@\x00\x00\x00\x00\x00\x00"), 50))
	p, err := picture.New(picture.Options{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, q string, data []byte) {
		values, _ := url.ParseQuery(q)
		params, err := picture.ParseParams(values)
		if err != nil {
			require.ErrorIs(t, err, picture.ErrRefused)
			return
		}
		params.Width, params.Height = params.Width%161, params.Height%121
		g := &picture.Graph{Params: params, Series: fuzzed(data)}
		for _, form := range []picture.Format{picture.PNG, picture.SVG} {
			var b bytes.Buffer
			err := p.Draw(t.Context(), &b, form, g)
			if err != nil && !errors.Is(err, picture.ErrRefused) {
				require.NoError(t, err)
			}
			require.Less(t, b.Len(), 8<<20)
			if form == picture.SVG && err == nil {
				wellFormed(t, b.Bytes())
			}
		}
	})
}

func fuzzed(data []byte) (list []picture.Series) {
	for i := 0; len(data) >= 8 && len(list) < 20; i++ {
		bits := binary.LittleEndian.Uint64(data)
		data = data[8:]
		if i%16 == 0 {
			list = append(list, picture.Series{
				Name: string(data[:min(len(data), int(bits>>40&15))]), Start: int64(bits >> (bits & 63)), Step: 1 + int64(bits>>20&0xff),
				LineWidth: float64(bits & 3), Dash: float64(bits >> 2 & 3), Alpha: float64(bits>>4&3) / 3,
				Stacked: bits&64 > 0, Invisible: bits&128 > 0, SecondY: bits&256 > 0, Infinite: bits&512 > 0,
			})
			continue
		}
		s := &list[len(list)-1]
		s.Values = append(s.Values, math.Float64frombits(bits))
	}
	return list
}
