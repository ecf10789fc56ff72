package pagetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// atCursor are the values that a legend shows for the cursor.
const atCursor = `[...document.querySelectorAll(".legend tbody td:nth-child(2)")].map(d => d.innerText).join()`

// TestCursorTellsValues: the exact ones, by the mouse and by keys, of the series that
// is the nearest, and on all graphs of a dashboard at once.
func TestCursorTellsValues(t *testing.T) {
	t.Parallel()
	s := web(t)
	minute := time.Now().Unix() / 60 * 60
	s.send(t, fmt.Sprintf("apps.a 1234567.5 %d\napps.a 42 %d\napps.b 3 %[1]d\n", minute-120, minute-60))
	p := sit(t, s)
	p.open("/?target=apps.a&target=apps.b&from=" + strconv.FormatInt(minute-180, 10) + "&until=" + strconv.FormatInt(minute, 10))
	p.drawn()
	p.hover(".plot", 1.0/3, 0.1)
	p.sees(atCursor + ` === "1234567.5,3"`)
	p.sees(`document.querySelector(".note .when").innerText.endsWith("apps.a 1234567.5")`)
	p.sees(`document.querySelector(".legend tr.near .name").innerText === "apps.a"`)
	p.shot("cursor")

	p.sees(`document.querySelector(".plot").onkeydown`)
	value[bool](p, `(document.querySelector(".plot").focus(), true)`)
	p.keys(kb.Escape)
	p.sees(atCursor + ` === ","`)
	p.keys(kb.End)
	p.keys(kb.Home)
	for range 6 { // points are 10 s
		p.keys(kb.ArrowRight)
	}
	p.sees(atCursor + ` === "1234567.5,3"`)

	d := two(t, s)
	d.hover(".cell:nth-of-type(1) .plot", 0.4, 0.5)
	d.sees(`(r => r.length === 2 && r[0] !== "" && r[0] === r[1])([...document.querySelectorAll(".note .when")].map(w => w.innerText.slice(0, 16)))`)
	p.calm()
	d.calm()
}

// TestLegend: series are hidden, shown alone, coloured, named and sorted by it, and
// the address has it all.
func TestLegend(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.*.load")
	p.drawn()
	names := func(want string) {
		t.Helper()
		p.sees(fmt.Sprintf(`[...document.querySelectorAll(".legend .name")].map(n => n.innerText).join() === %q`, want))
	}
	names("servers.web1.load,servers.web2.load,servers.web3.load")
	p.press("servers.web1.load")
	p.param("hide", "servers.web1.load")
	p.press("servers.web1.load")
	p.param("hide", "")
	at := p.find(".legend tbody tr:nth-child(2) .name")
	p.mouse(chromedp.MousePressed, at.X+5, at.Y+5, shift)
	p.mouse(chromedp.MouseReleased, at.X+5, at.Y+5, shift)
	p.sees(`new URLSearchParams(location.search).getAll("hide").join() === "servers.web1.load,servers.web3.load"`)
	value[bool](p, "(history.back(), true)")
	p.param("hide", "")

	value[bool](p, `(i => { i.value = "#ff0080"; i.dispatchEvent(new Event("change", {bubbles: true})); return true })(document.querySelector("[aria-label='colour of servers.web2.load']"))`)
	p.param("color", "servers.web2.load:#ff0080")
	p.drawn()
	assert.Greater(t, p.ink("#ff0080", 200, 255), 500)

	p.press("rename servers.web2.load")
	p.sees(`document.activeElement.matches(".rename")`)
	p.keys("typed" + kb.Escape) // thinks again
	p.sees(`document.activeElement.ariaLabel === "rename servers.web2.load"`)
	names("servers.web1.load,servers.web2.load,servers.web3.load")
	p.press("rename servers.web2.load")
	p.sees(`document.activeElement.matches(".rename")`)
	p.keys("The second (of 3)" + kb.Enter)
	names("servers.web1.load,The second (of 3),servers.web3.load")
	p.param("color", "The second (of 3):#ff0080")
	p.drawn()
	p.sees(`document.activeElement.ariaLabel === "rename The second (of 3)"`)
	p.param("hide", "")
	p.press("max")
	names("servers.web3.load,The second (of 3),servers.web1.load")
	p.open("/" + value[string](p, "location.search"))
	names("servers.web1.load,The second (of 3),servers.web3.load")
	p.drawn()
	assert.Greater(t, p.ink("#ff0080", 200, 255), 500)
	p.calm()
}

// TestStatisticsAsLinesAndBands: what is kept of a bucket beside its value.
func TestStatisticsAsLinesAndBands(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, day("apps.wait", 8640, 10, func(k int) float64 { return float64(100 + 100*(k%3)) })) // a bucket of 5 min has 30
	p := sit(t, s)
	p.open("/?target=statistic(apps.wait,%27average%27)&from=-80h") // the finest kept is 3 days
	p.drawn()
	blue := script[string](p, "/js/palette.js", "m.color(0)")
	for _, of := range []struct{ statistic, last string }{{"min", "100"}, {"max", "300"}, {"stddev", "81.6"}, {"count", "30"}, {"sum", "6000"}, {"average", "200"}} {
		p.choose("statistic", of.statistic)
		p.param("target", "statistic(apps.wait,'"+of.statistic+"')")
		p.sees(`Math.abs(document.querySelector(".legend tbody td:nth-child(5)").title / ` + of.last + ` - 1) < 0.05`)
	}
	p.choose("statistic", "")
	p.param("target", "apps.wait")
	p.drawn()
	bare := p.ink(blue, 20, 90)
	p.choose("band of target 1", "minmax")
	p.param("band", "0:minmax")
	p.drawn()
	assert.Greater(t, p.ink(blue, 20, 90), bare+20_000, "an area")
	p.shot("band")
	p.open("/?target=apps.wait&from=-80h&band=0:minmax&color=apps.wait:%23ff0080")
	p.drawn()
	assert.Greater(t, p.ink("#ff0080", 20, 90), 20_000, "the band has the colour of its series")
	p.press("apps.wait")
	p.param("hide", "apps.wait")
	p.drawn()
	assert.Zero(t, p.ink("#ff0080", 20, 255), "and is hidden with it")
	p.press("copy target 1") // and a line of its own
	p.sees(`document.querySelectorAll(".target").length === 2`)
	p.calm()
}

// TestLinks: the table, and the links for embedding, have what the graph shows.
func TestLinks(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.web*.load&weeks=1&right=0&draw=area&from=-3h")
	p.drawn()
	kinds := map[string]string{"PNG": "image/png", "SVG": "image/svg+xml", "CSV": "text/csv", "JSON": "application/json"}
	for name, kind := range kinds {
		url := value[string](p, fmt.Sprintf(`[...document.querySelectorAll(".links a")].find(a => a.innerText === %q).href`, name))
		r, err := http.Get(url) //nolint:noctx // the test's own server
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, 200, r.StatusCode, name)
		assert.Contains(t, r.Header.Get("Content-Type"), kind)
		if name == "JSON" {
			var list []struct{ Target string }
			require.NoError(t, json.Unmarshal(body, &list))
			assert.Len(t, list, 6, "now, and a week before")
		}
	}
	p.keys("t")
	p.sees(`document.querySelectorAll(".values thead th").length === 7`)
	p.press("copy link")
	p.text("the address is copied")
	p.calm()
}

// TestLegendOfManyAndOdd: zero stands between what is more and less, one of more than
// the legend shows stays alone, and a name ends with its quote.
func TestLegendOfManyAndOdd(t *testing.T) {
	t.Parallel()
	s := web(t)
	lines := day("apps.zero", 30, 60, func(int) float64 { return 0 }) + day("apps.below", 30, 60, func(int) float64 { return -3 }) + day("apps.above", 30, 60, func(int) float64 { return 3 })
	for i := range 230 {
		lines += day(fmt.Sprintf("many.m%d", i), 3, 60, func(int) float64 { return float64(i) })
	}
	s.send(t, lines)
	p := sit(t, s)
	p.open("/?target=removeAboveValue(apps.zero,-1)&target=apps.below&target=apps.zero&target=apps.above&from=-20min")
	p.drawn()
	p.press("max")
	p.sees(`[...document.querySelectorAll(".legend .name")].map(n => n.innerText.replace(/^remove.*/, "none")).join() === "apps.above,apps.zero,apps.below,none"`)

	p.press("rename apps.above")
	p.sees(`document.activeElement.matches(".rename")`)
	p.keys(`a"b\` + kb.Enter)
	p.sees(`document.querySelector(".legend .name").innerText === 'a"b'`)

	p.open("/?target=many.*&from=-20min")
	p.drawn()
	at := p.find(".legend tbody tr:nth-child(2) .name")
	p.mouse(chromedp.MousePressed, at.X+5, at.Y+5, shift)
	p.mouse(chromedp.MouseReleased, at.X+5, at.Y+5, shift)
	p.sees(`new URLSearchParams(location.search).getAll("hide").length === 229`)
	p.calm()
}
