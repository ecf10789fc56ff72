package picture_test

import (
	"image/color"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

func TestParseParams(t *testing.T) {
	p := query(t, "width=800&height=400&width=801&target=a.b&format=png&title=CPU%2Bof%252042%2525&bgcolor=%23102030&fgcolor=black&colorList=red,00ff0080,%23aabbcc"+
		"&lineMode=Staircase&areaMode=ALL&areaAlpha=0.25&thickness=3&yMin=-1.5&max=max&yLimitLeft=7&yStepRight=2.5&leftWidth=4&rightDashed=true&rightColor=blue"+
		"&hideLegend=0&hideGrid=1&graphOnly=yes&drawNullAsZero=False&uniqueLegend=true&minXStep=0&connectedLimit=3&logBase=e&yDivisors=3,4&minorY=2&margin=0"+
		"&yAxisSide=right&yUnitSystem=binary&xFormat=%25H&fontName=Courier&fontSize=12&fontBold=true&valueLabelsMin=2&template=plain&hideAxes=default&hideXAxis=")
	assert.Equal(t, 801, p.Width, "of several the last")
	assert.Equal(t, 400, p.Height)
	assert.Equal(t, "CPU of 42%", p.Title, "decoded twice, as by graphite-web")
	assert.Equal(t, color.NRGBA{0x10, 0x20, 0x30, 255}, *p.Background)
	assert.Equal(t, color.NRGBA{0, 0, 0, 255}, *p.Foreground)
	assert.Equal(t, []color.NRGBA{{200, 0, 50, 255}, {0, 255, 0, 128}, {0xaa, 0xbb, 0xcc, 255}}, p.Colors)
	assert.Equal(t, "staircase", p.LineMode)
	assert.Equal(t, "all", p.AreaMode)
	assert.InDelta(t, 0.25, p.AreaAlpha, 0)
	assert.InDelta(t, 3, p.LineWidth, 0)
	assert.InDelta(t, -1.5, *p.Y.Min, 0)
	assert.True(t, p.Y.MaxOfData)
	assert.Nil(t, p.Y.Max)
	assert.InDelta(t, 7, *p.YLeft.Limit, 0)
	assert.InDelta(t, 2.5, *p.YRightSide.Step, 0)
	assert.InDelta(t, 4, p.Left.Width, 0)
	assert.InDelta(t, 5, *p.Right.Dash, 0)
	assert.Equal(t, color.NRGBA{100, 100, 255, 255}, *p.Right.Color)
	assert.False(t, *p.HideLegend)
	assert.True(t, p.HideGrid && p.GraphOnly && p.UniqueLegend && p.YRight)
	assert.False(t, p.NullAsZero || p.HideAxes || p.HideX)
	assert.InDelta(t, 0, *p.MinXStep, 0)
	assert.Equal(t, 3, *p.ConnectedLimit)
	assert.InDelta(t, 2.718281828, p.LogBase, 1e-9)
	assert.Equal(t, []int{3, 4}, p.Divisors)
	assert.Equal(t, 2, *p.MinorY)
	assert.Equal(t, 0, *p.Margin)
	assert.Equal(t, "%H", p.XFormat)
	assert.True(t, *p.FontBold)

	none, err := picture.ParseParams(url.Values{})
	require.NoError(t, err)
	assert.Equal(t, picture.Params{}, none)
}

func TestParamsThatAreRefused(t *testing.T) {
	for _, q := range []string{
		"width=abc", "width=0", "height=-5", "lineMode=curly", "areaMode=some", "graphType=bar", "pieMode=median", "valueLabels=all", "colorList=red,blau",
		"bgcolor=12345", "fgcolor=nothex", "yMin=low", "yStep=0", "yStep=-1", "logBase=1", "logBase=ten", "yDivisors=4,x", "yDivisors=0", "fontSize=9999",
		"lineWidth=-1", "yMin=5&yMax=5", "yAxisSide=top", "leftWidth=x",
	} {
		v, err := url.ParseQuery(q)
		require.NoError(t, err)
		_, err = picture.ParseParams(v)
		require.ErrorIs(t, err, picture.ErrRefused, q)
		name := q[:len(q)-len(q[indexOf(q, '='):])]
		if q != "yMin=5&yMax=5" {
			assert.Contains(t, err.Error(), name+"=", q)
		}
	}
}

func indexOf(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return len(s)
}

func TestTolerance(t *testing.T) {
	p := query(t, "areaAlpha=half&yMax=nan&yLimit=inf&template=nosuch&yUnitSystem=furlongs&logBase=0.5&fontName=Comic&margin=-3&yMax=1e3")
	assert.InDelta(t, 0.5, p.AreaAlpha, 0)
	assert.InDelta(t, 1000, *p.Y.Max, 0)
	assert.Nil(t, p.Y.Limit)
	assert.Zero(t, p.LogBase)
	assert.NotEmpty(t, draw(t, picture.PNG, &picture.Graph{Series: waves(2, "w%d"), Params: p}))
}

func TestTemplates(t *testing.T) {
	for name, ground := range map[string]color.NRGBA{
		"": {255, 255, 255, 255}, "plain": {255, 255, 255, 255}, "noc": {0, 0, 0, 255}, "classic": {0, 0, 0, 255}, "summary": {0, 0, 0, 255}, "alphas": {255, 255, 255, 255},
		"solarized-dark": {0, 0x2b, 0x36, 255}, "solarized-light": {0xfd, 0xf6, 0xe3, 255}, "grafana": {255, 255, 255, 255}, "lava2": {255, 255, 255, 255},
	} {
		m := decode(t, draw(t, picture.PNG, &picture.Graph{Series: waves(3, "w%d"), Params: query(t, "template="+name)}))
		assert.Equal(t, ground, color.NRGBAModel.Convert(m.At(1, 1)), name)
	}
}
