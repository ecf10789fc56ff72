package pagetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// TestTreeOfThousands: a branch with more children than are asked for opens, has few
// rows in the page, and the keys go through it.
func TestTreeOfThousands(t *testing.T) {
	t.Parallel()
	s := start(t)
	var lines strings.Builder
	for i := range 20_100 {
		fmt.Fprintf(&lines, "wide.name%d 1 %d\n", i, time.Now().Unix())
	}
	s.send(t, lines.String())
	p := sit(t, s)
	p.open("/")
	p.press("wide")
	p.text("name12")
	rows := func() int {
		return int(value[float64](p, `document.querySelectorAll("[role=treeitem]").length`))
	}
	assert.Less(t, rows(), 60)
	p.keys(kb.End)
	p.sees(`document.activeElement.innerText.includes("and more: press / to search")`)
	assert.Equal(t, "20001", value[string](p, `document.activeElement.getAttribute("aria-setsize")`))
	p.keys("name99") // goes to what begins so
	p.sees(`document.activeElement.title === "wide.name99"`)
	value[bool](p, `(document.querySelector(".tree").scrollTop = 1e5, true)`) // by the wheel: the focus stays behind
	p.sees(`!document.querySelector("[title='wide.name98']") && document.activeElement.title === "wide.name99"`)
	assert.Less(t, rows(), 60)
	p.keys(kb.ArrowUp)
	p.sees(`document.activeElement.title === "wide.name98"`)
	p.keys(kb.ArrowLeft + kb.ArrowLeft)
	p.sees(`document.activeElement.title === "wide" && document.activeElement.getAttribute("aria-expanded") === "false"`)
	p.calm()
}

// TestTreeChoosesAndTakesAway: a metric is drawn and taken away, alone with Shift; of
// a branch all that is in it.
func TestTreeChoosesAndTakesAway(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?tree=servers.web2")
	targets := func(want string) {
		t.Helper()
		p.sees(fmt.Sprintf(`new URLSearchParams(location.search).getAll("target").join() === %q`, want))
	}
	p.press("load")
	targets("servers.web2.load")
	p.press("requests")
	targets("servers.web2.load,servers.web2.requests")
	assert.Equal(t, "true", value[string](p, `document.activeElement.getAttribute("aria-selected")`))
	p.press("load")
	targets("servers.web2.requests")
	p.press("load")
	p.keys(" ")
	targets("servers.web2.requests")
	held := chromedp.KeyModifiers(chromedp.ModifierShift)
	p.do(chromedp.KeyEvent(kb.Enter, held))
	targets("servers.web2.load")
	p.keys(kb.ArrowUp)
	p.sees(`document.activeElement.title === "servers.web2"`)
	p.do(chromedp.KeyEvent(kb.Enter, held))
	targets("servers.web2.*")
	p.drawn()
	p.sees(`document.querySelectorAll(".legend tbody tr").length === 2`)
	p.calm()
}

// TestSearch: words are found anywhere in a path, in the order of people; functions
// come with what they do; what is left open is closed.
func TestSearch(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/")
	p.click("#search")
	p.keys("web2 req")
	p.sees(`[...document.querySelectorAll("[role=option]")].map(o => o.innerText).join() === "servers.web2.requests"`)
	p.keys(kb.ArrowDown + kb.Enter)
	p.param("target", "servers.web2.requests")
	p.keys("servers.*.lo*" + kb.Enter) // a pattern is a target as it is
	p.sees(`new URLSearchParams(location.search).getAll("target")[1] === "servers.*.lo*"`)
	p.keys("moving")
	p.sees(`[...document.querySelectorAll("[role=option].function")].some(o => o.innerText.includes("movingAverage(") && o.querySelector("span").innerText.length > 20)`)
	p.shot("functions")
	p.keys(kb.Escape)
	value[bool](p, `(document.querySelector("#search").select(), true)`)
	p.keys("sumSeries(servers.w")
	p.sees(`[...document.querySelectorAll("[role=option].branch")].some(o => o.innerText.includes("servers.web1"))`)
	p.keys("eb*.load" + kb.Enter)
	p.sees(`new URLSearchParams(location.search).getAll("target")[2] === "sumSeries(servers.web*.load)"`)
	p.drawn()
	p.sees(`[...document.querySelectorAll(".legend .name")].length === 5`)
	p.calm()
}
