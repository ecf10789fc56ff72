package graphiteapi_test

import (
	"bytes"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

func TestPictureIsWhatIsAskedFor(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	w := g.get("/render?target=ramp&width=200&height=100&bgcolor=102030&from=0&until=3600")
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	m, err := png.Decode(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, 200, m.Bounds().Dx())
	assert.Equal(t, 100, m.Bounds().Dy())
	assert.Equal(t, color.NRGBA{0x10, 0x20, 0x30, 255}, color.NRGBAModel.Convert(m.At(0, 0)))
}

// drawing is a rig with functions that set how series are drawn, one for each way.
func drawing(t *testing.T) *rig {
	var table []query.Function
	for name, change := range map[string]func(d *query.Drawing){
		"orange": func(d *query.Drawing) { d.Color = "#ff8000" }, "unheard": func(d *query.Drawing) { d.Color = "unheard" },
		"half": func(d *query.Drawing) { d.Alpha, d.HasAlpha = 0.5, true }, "pale": func(d *query.Drawing) { d.Alpha, d.HasAlpha = 0, true },
		"thick": func(d *query.Drawing) { d.LineWidth = 3 }, "dashed": func(d *query.Drawing) { d.Dashed = 7 }, "right": func(d *query.Drawing) { d.SecondYAxis = true },
		"infinite": func(d *query.Drawing) { d.Infinite = true }, "stacked": func(d *query.Drawing) { d.Stacked = true }, "invisible": func(d *query.Drawing) { d.Invisible = true },
	} {
		table = append(table, query.Function{
			Name: name, Params: []query.Param{{Name: "seriesList", Type: query.SeriesList, Required: true}},
			Call: func(c *query.Call) ([]*query.Series, error) {
				for _, s := range c.Series("seriesList") {
					change(&s.Drawing)
				}
				return c.Series("seriesList"), nil
			},
		})
	}
	m := &querytest.Memory{}
	m.Add("ramp", 0, 1, 0, 0, 3, 0, 0, 3, 0, 0, 3, 0, 0, 3)
	return rendering(t, graphiteapi.Options{Engine: query.New(query.Options{Functions: query.NewTable(table), Source: m})})
}

func TestPictureShowsWhatFunctionsSay(t *testing.T) {
	g := drawing(t)
	svg := func(query string) string {
		w := g.get("/render?format=svg&from=0&until=12&width=600&height=300&" + query)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		return w.Body.String()
	}
	text := svg("target=orange(thick(dashed(ramp)))&tz=Asia/Kolkata&title=x")
	for _, part := range []string{`stroke="#ff8000"`, `stroke-width="3"`, `stroke-dasharray="7"`, ">x</text>", ">05:30:02</text>"} {
		assert.Contains(t, text, part)
	}
	assert.Contains(t, svg("target=half(ramp)"), `stroke-opacity="0.502"`)
	assert.NotContains(t, svg("target=pale(ramp)"), "<path", "nothing is to be seen")
	assert.Contains(t, svg("target=ramp&target=right(ramp)&vtitleRight=second"), ">second</text>")
	assert.Contains(t, svg("target=stacked(ramp)"), `Z" fill=`)
	assert.NotContains(t, svg("target=invisible(ramp)"), "<path")
	assert.Equal(t, 4, strings.Count(svg("target=infinite(ramp)"), "<path"))
	assert.Equal(t, http.StatusBadRequest, g.get("/render?target=unheard(ramp)&from=0&until=12").Code)
}

func TestPies(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	w := g.get(`/render?format=svg&graphType=pie&valueLabels=number&pieMode=maximum&from=0&until=600&target=ramp&target=a "b":30&target=c:1e1`)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	at := 0
	for _, part := range []string{"<title>ramp</title>", "<title>a &#39;b&#39;</title>", "<title>c</title>", ">30</text>", ">10</text>"} {
		i := strings.Index(w.Body.String()[at:], part)
		require.GreaterOrEqual(t, i, 0, "%s, in order, in %s", part, w.Body)
		at += i
	}
}

func TestPicturesThatAreRefused(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	for query, want := range map[string]string{
		"lineMode=zigzag":        `lineMode="zigzag": it must be one of slope, staircase, connected`,
		"width=5000&height=5000": "a picture of 5000 x 5000 pixels",
		"colorList=red,,":        "a list of colours",
	} {
		w := g.get("/render?target=ramp&" + query)
		assert.Equal(t, http.StatusBadRequest, w.Code, query)
		assert.Contains(t, w.Body.String(), want, query)
		assert.Contains(t, w.Header().Get("Content-Type"), "text/plain", query)
	}
}

func TestSVGsCallBack(t *testing.T) {
	g := rendering(t, graphiteapi.Options{})
	w := g.get("/render?target=ramp&format=svg&jsonp=show")
	assert.Equal(t, "text/javascript", w.Header().Get("Content-Type"))
	assert.True(t, strings.HasPrefix(w.Body.String(), `show("<svg xmlns=\"http`), "%.80s", w.Body)
	assert.Equal(t, http.StatusBadRequest, g.get("/render?target=ramp&format=svg&jsonp=alert(1)").Code)
}

func TestPicturesEndWithTheirTime(t *testing.T) {
	g := rendering(t, graphiteapi.Options{QueryTime: time.Nanosecond})
	assert.Equal(t, http.StatusServiceUnavailable, g.get("/render?target=ramp").Code)
}
