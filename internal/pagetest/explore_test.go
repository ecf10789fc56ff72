package pagetest_test

import (
	"math"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// web is a server with a day of three hosts.
func web(t testing.TB) *server {
	s := start(t)
	lines := ""
	for i, host := range []string{"web1", "web2", "web3"} {
		lines += day("servers."+host+".load", 2880, 30, func(k int) float64 { return math.Round(100*(2+float64(i)+math.Sin(float64(k)/200))) / 100 })
		lines += day("servers."+host+".requests", 1440, 60, func(k int) float64 { return float64(100*(i+1) + k%60) })
	}
	s.send(t, lines)
	return s
}

func TestExplore(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/")
	p.text("Choose a metric")

	p.press("servers") // by mouse, then by keys
	p.text("web2")
	p.keys(kb.ArrowDown + kb.ArrowDown) // two rows down: web1, web2
	p.keys(kb.Enter)
	p.text("requests")
	p.keys(kb.ArrowDown + kb.Enter) // its first leaf, load
	p.param("target", "servers.web2.load")
	p.drawn()
	p.text("servers.web2.load")
	p.shot("explore")

	p.choose("range", "-3h")
	p.param("from", "-3h")
	p.drawn()
	p.press("earlier")
	p.sees(`/^\d+$/.test(new URLSearchParams(location.search).get("until"))`)
	value[bool](p, "(history.back(), true)")
	p.param("from", "-3h")

	at := p.find(".plot canvas") // zoom by dragging
	p.drag(at.X+at.W*0.4, at.Y+at.H/2, at.X+at.W*0.6, at.Y+at.H/2)
	p.sees(`(q => q.get("until") - q.get("from") > 1500 && q.get("until") - q.get("from") < 2700)(new URLSearchParams(location.search))`)
	p.drawn()
	p.calm()
}

func TestTargetsAreTypedAndEditedInParts(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/")
	p.keys("/")
	p.sees(`document.activeElement.id === "search"`)
	if value[string](p, "document.activeElement.value") == "/" {
		p.keys(kb.Backspace) // a test sends a key and its character one after the other, a keyboard does not
	}
	p.keys("servers.web1.")
	p.sees(`document.querySelector("[role=option]")`)
	p.shot("hints")
	p.keys("lo" + kb.Enter)
	p.sees(`new URLSearchParams(location.search).get("target")`)
	p.open("/?target=sumSeries(servers.*.load)")
	p.drawn()
	p.text("sumSeries")
	p.sees(`document.querySelector("[aria-label='add a function']")`)
	p.click("[aria-label='add a function']")
	p.keys("scale" + kb.Enter)
	p.param("target", "scale(sumSeries(servers.*.load),1)")
	p.click("[aria-label='factor of scale']")
	value[bool](p, "(document.activeElement.select(), true)")
	p.keys("10" + kb.Enter)
	p.param("target", "scale(sumSeries(servers.*.load),10)")
	p.drawn()
	p.press("remove sumSeries")
	p.param("target", "scale(servers.*.load,10)")
	p.press("text")
	p.sees(`document.activeElement.value === "scale(servers.*.load,10)"`)
	p.calm()
}

func TestHowAGraphIsDrawn(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.*.load")
	p.drawn()
	p.sees(`document.querySelectorAll(".legend tbody tr").length === 3`)
	p.choose("kind of graph", "stack")
	p.param("draw", "stack")
	p.drawn()
	p.shot("stacked")
	p.keys("l")
	p.param("scale", "log")
	p.keys("t")
	p.param("table", "1")
	p.sees(`document.querySelectorAll(".values tbody tr").length > 100`)
	p.press("servers.web2.load") // hides it
	p.param("hide", "servers.web2.load")
	p.choose("comparison", "1,2")
	p.param("weeks", "1,2")
	p.drawn()
	p.choose("band of target 1", "minmax")
	p.param("band", "0:minmax")
	p.drawn()
	p.open("/" + value[string](p, "location.search")) // the address is all of it
	p.drawn()
	p.param("weeks", "1,2")
	p.sees(`document.querySelector(".legend tr.off .name").innerText === "servers.web2.load"`)
	p.calm()
}

func TestMistakesAreToldWhereTheyAre(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.refused = true
	p.open("/?target=servers.web1.load&target=noSuchFunction(servers.web1.load)")
	p.drawn()
	p.sees(`document.querySelectorAll(".target.wrong").length === 1`)
	p.sees(`document.querySelector(".target.wrong .fault").innerText.length > 5`)
	p.open("/?target=servers.nobody.load")
	p.text("No series has such a name")
}

func TestLightAndDark(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.prefers("dark")
	p.open("/?target=servers.*.load&draw=area")
	p.drawn()
	assert.Equal(t, "dark", value[string](p, "document.documentElement.dataset.theme"))
	p.shot("dark")
	p.prefers("light")
	p.sees(`document.documentElement.dataset.theme === "light"`)
	p.drawn()
	p.press("colours: as the system")
	p.sees(`(window.light = document.querySelector(".plot canvas").toDataURL())`)
	value[bool](p, `(window.ask = window.fetch, window.fetch = () => new Promise(() => {}), true)`)
	p.press("colours: light")
	p.sees(`document.documentElement.dataset.theme === "dark"`)
	p.sees(`document.querySelector(".plot canvas").toDataURL() !== light`) // of what is there
	assert.Greater(t, p.ink(script[string](p, "/js/palette.js", "m.color(2)"), 100, 255), 100, "in the colours of the dark")
	value[bool](p, `(window.fetch = ask, true)`)
	p.size(390, 844)
	p.drawn()
	p.shot("phone")
	assert.LessOrEqual(t, value[float64](p, "document.documentElement.scrollWidth"), 390.0, "nothing is wider than a phone")
	p.calm()
}
