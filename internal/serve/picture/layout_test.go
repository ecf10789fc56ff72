package picture_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

// A box is where a text that is not turned stands, read from an SVG.
type box struct {
	text           string
	x0, y0, x1, y1 float64
}

func (a box) meets(b box) bool { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 }

func texts(t testing.TB, svg []byte) (list []box) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "text" {
			continue
		}
		var x, y, size, length float64
		turned := false
		for _, a := range e.Attr {
			for name, v := range map[string]*float64{"x": &x, "y": &y, "font-size": &size, "textLength": &length} {
				if a.Name.Local == name {
					_, err := fmt.Sscan(a.Value, v)
					require.NoError(t, err)
				}
			}
			turned = turned || a.Name.Local == "transform"
		}
		inner, err := d.Token()
		require.NoError(t, err)
		if !turned {
			list = append(list, box{string(inner.(xml.CharData)), x, y - 0.7*size, x + length, y})
		}
	}
}

func TestTextsAreApartAndInside(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	pick := func(list ...string) string { return list[r.Intn(len(list))] }
	for range 150 {
		w, h := 160+r.Intn(1000), 110+r.Intn(500)
		step := []int64{1, 10, 60, 300, 3600, 86400, 7 * 86400}[r.Intn(7)]
		n := 2 + r.Intn(2000)
		q := url.Values{}
		for _, kv := range []string{
			fmt.Sprintf("width=%d", w), fmt.Sprintf("height=%d", h), "title=" + pick("", "a title", strings.Repeat("long ", 60)),
			"lineMode=" + pick("slope", "staircase"), "areaMode=" + pick("none", "stacked", "all"), "yUnitSystem=" + pick("si", "binary", "sec", "none"),
			"fontSize=" + pick("8", "10", "14"), "hideLegend=" + pick("", "false", "true"), "yAxisSide=" + pick("left", "right"), "logBase=" + pick("", "", "10", "2"),
			"hideYAxis=" + pick("", "", "true"), "margin=" + pick("", "0", "20"),
		} {
			k, v, _ := strings.Cut(kv, "=")
			q.Set(k, v)
		}
		p, err := picture.ParseParams(q)
		require.NoError(t, err)
		g := &picture.Graph{Params: p}
		g.Zone, err = time.LoadLocation(pick("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"))
		require.NoError(t, err)
		for i := range 1 + r.Intn(14) {
			s := wave(strings.Repeat("name.", 1+r.Intn(20))+fmt.Sprint(i), noon-r.Int63n(40e6), step, n, 10*float64(i), 1+r.Float64()*1e4, int64(i))
			s.SecondY = r.Intn(4) == 0
			g.Series = append(g.Series, s)
		}
		list := texts(t, draw(t, picture.SVG, g))
		require.NotEmpty(t, list)
		for i, a := range list {
			require.True(t, a.x0 >= 0 && a.x1 <= float64(w)+0.01 && a.y0 >= -1 && a.y1 <= float64(h), "%+v is outside of %dx%d: %v", a, w, h, q)
			for _, b := range list[:i] {
				require.False(t, a.meets(b), "%+v meets %+v: %v", a, b, q)
			}
		}
	}
}

func TestSmallPictureHasALabelOfTime(t *testing.T) {
	p := query(t, "width=172&height=200&fontSize=14&hideLegend=true&hideYAxis=true")
	for days := 1; days < 800; days += 1 + days/10 {
		for begin := range int64(12) {
			g := &picture.Graph{Params: p, Series: []picture.Series{wave("a", noon+begin*6*86400, 3600, 24*days, 1, 1, 1)}}
			assert.NotEmpty(t, texts(t, draw(t, picture.SVG, g)), "%d days from day %d", days, begin*6)
		}
	}
}

func TestLegend(t *testing.T) {
	names := func(q string, series ...picture.Series) string {
		var list []string
		for _, b := range texts(t, draw(t, picture.SVG, &picture.Graph{Series: series, Params: query(t, "hideAxes=1&"+q)})) {
			list = append(list, b.text)
		}
		return strings.Join(list, ",")
	}
	assert.Equal(t, "w1,w2", names("", waves(2, "w%d")...))
	assert.Equal(t, "", names("hideLegend=true", waves(2, "w%d")...))
	assert.Equal(t, "", names("", waves(11, "w%d")...), "more than ten are not named unless asked for")
	assert.Equal(t, "", names("height=70", waves(2, "w%d")...), "no room")
	assert.Equal(t, "w1,w2", names("height=70&hideLegend=false", waves(2, "w%d")...))
	assert.Equal(t, 11, strings.Count(names("hideLegend=false", waves(11, "w%d")...), "w"))
	same := []picture.Series{waves(1, "a")[0], waves(1, "a")[0]}
	assert.Equal(t, names("", same...), names("", same[0])+","+names("", same[0]))
	assert.Equal(t, names("uniqueLegend=1", same...), names("", same[0]))
	empty := gap(wave("nothing", noon, 60, 10, 1, 1, 1), 0, 10)
	assert.Equal(t, "nothing", names("", empty))
	assert.Equal(t, "", names("hideNullFromLegend=1", empty))
	assert.Contains(t, names("hideLegend=false&height=120&width=100", waves(60, "server%d")...), "+5")
}
