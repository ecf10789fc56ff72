package pagetest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingYet: an empty server says what to do, also ten seconds after its start, when it has metrics of its own.
func TestNothingYet(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := sit(t, s)
	p.do(chromedp.Navigate(s.url + "/"))
	p.text("No metrics yet. Send one:")
	p.text("nc -q0 127.0.0.1 2003")
	p.text("Choose a metric in the tree")
	p.shot("empty")
	s.send(t, fmt.Sprintf("logmetrics.serve.carbon.points 42 %d\n", time.Now().Unix()))
	p.sees(`document.querySelector("[role=treeitem][title=logmetrics]") || (document.querySelector(".empty button").click(), false)`)
	p.text("No metrics yet. Send one:")
	p.calm()
	s.send(t, fmt.Sprintf("my.first.metric 42 %d\n", time.Now().Unix()))
	p.sees(`document.querySelector("[role=treeitem][title=my]") || (document.querySelector(".empty button")?.click(), false)`)
	p.sees(`!document.querySelector(".empty")`)
	p.calm()
}

// TestWhatIsThereStays: when the server does not answer, the old graph is there, and
// what went wrong is said; the next answer takes that away.
func TestWhatIsThereStays(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.refused = true
	p.open("/?target=servers.web1.load")
	p.drawn()
	value[bool](p, `(window.ask = window.fetch, window.fetch = () => Promise.reject(new TypeError("cut")), true)`)
	p.press("reload")
	p.sees(`document.querySelector(".note[role=alert]").innerText === "not loaded: the server does not answer" && document.querySelector(".plot canvas")`)
	p.shot("not-loaded")
	value[bool](p, `(window.fetch = ask, true)`)
	p.press("reload")
	p.sees(`!document.querySelector(".note[role=alert]")`)
	p.refused = true
	p.open("/?target=sumSeries(servers.web1.load")
	p.sees(`document.querySelector(".target.wrong .fault").innerText === "A bracket or quote is not closed."`)
	p.open("/?target=scale(servers.web1.load)")
	p.sees(`document.querySelector(".target.wrong .fault").innerText === 'Missing required parameter "factor" for function "scale"'`)
}

// TestAddressHoldsAll: what an address says is shown, and written as it was.
func TestAddressHoldsAll(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	all := "?target=servers.*.load&target=servers.web1.requests&from=-6h&until=-1h&tz=Asia%2FTokyo&refresh=300&draw=area&scale=log&right=1" +
		"&band=0%3Aminmax&weeks=1&events=*&hide=servers.web2.load&color=servers.web1.load%3A%23ff0080&table=1&tree=servers"
	p.open("/" + all)
	p.drawn()
	p.sees(`document.querySelector(".values thead")`) // loaded later
	assert.Equal(t, all, script[string](p, "/js/url.js", "m.write(m.read(location.search))"))
	shown := `[document.querySelector("select[aria-label=reload]").value, document.querySelector("select[aria-label='time zone']").value, document.querySelector("select[aria-label='kind of graph']").value,
		document.querySelector("select[aria-label='band of target 1']").value, document.querySelector("select[aria-label=comparison]").value, document.querySelector("input[aria-label='tags of events']").value,
		document.querySelector(".legend tr.off .name").innerText, document.querySelectorAll(".u-axis").length, document.querySelectorAll(".values thead").length,
		[...document.querySelectorAll("button[aria-pressed=true]")].map(b => b.innerText.trim()).filter(s => /^(log|right|table)$/.test(s)).join(" ")].join()`
	p.sees(`document.querySelector(".values thead")`)
	assert.Equal(t, "300,Asia/Tokyo,area,minmax,1,*,servers.web2.load,3,1,right log table", value[string](p, shown))
	assert.Equal(t, "#ff0080", value[string](p, `document.querySelector("[aria-label='colour of servers.web1.load']").value`))
	p.calm()
}

// TestByKeysAlone: Tab goes through all there is, each stop is in sight and marked, and
// leaves the page at its end.
func TestByKeysAlone(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.*.load&tree=servers")
	p.drawn()
	p.sees(`document.querySelector("[aria-label='add a function']")`)
	stops := map[string]bool{}
	for range 90 {
		p.keys(kb.Tab)
		at := value[string](p, `(a => { if (a === document.body) return "";
			const r = a.getBoundingClientRect(), s = getComputedStyle(a), mark = a.matches(".swatch input") ? getComputedStyle(a.parentElement) : s;
			const seen = r.right > 0 && r.left < innerWidth && r.bottom > 0 && r.top < innerHeight + 1;
			return (seen ? "" : "OUT OF SIGHT ") + (mark.outlineStyle !== "none" && parseFloat(mark.outlineWidth) >= 2 ? "" : "NOT MARKED ") +
				(a.role === "treeitem" ? "a row of the tree" : a.getAttribute("aria-label") || a.id || a.innerText || a.className) })(document.activeElement)`)
		if at == "" {
			break
		}
		assert.NotContains(t, at, "OUT OF SIGHT")
		assert.NotContains(t, at, "NOT MARKED")
		stops[at] = true
	}
	for _, want := range []string{"to the graph", "range", "time zone", "a row of the tree", "add a metric or target", "series", "add a function", "statistic", "kind of graph", "tags of events", "PNG", "graph of servers.*.load", "servers.web3.load"} {
		assert.Contains(t, stops, want)
	}
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	require.NoError(t, err)
	assert.Equal(t, "0s", value[string](p, `getComputedStyle(document.querySelector(".plot .uplot")).transitionDuration`))
	assert.Equal(t, "3 series", value[string](p, `document.querySelector(".note [role=status]").innerText`), "who listens is told, too")
}

// TestNarrow: on a phone and at 200 % the bar is one row, which unfolds, and nothing is
// wider than the window.
func TestNarrow(t *testing.T) {
	t.Parallel()
	s := web(t)
	long := strings.Repeat("long", 40)
	s.send(t, day("apps."+long, 1, 1, func(int) float64 { return 1 }))
	s.put(t, "POST", "/events/", fmt.Sprintf(`{"what": %[1]q, "tags": [%[1]q], "data": %[1]q, "when": %[2]d}`, long, time.Now().Unix()-60)) // one of this second is found when that is over
	p := sit(t, s)
	for _, size := range []struct {
		name string
		w, h int64
	}{{"phone", 390, 844}, {"zoomed", 640, 400}, {"small", 360, 640}} {
		p.size(size.w, size.h)
		p.open("/?target=servers.*.load&target=servers.web1.requests&right=1&events=*&from=" + strconv.FormatInt(time.Now().Unix()-86400, 10))
		p.drawn()
		p.sees(`document.querySelector("[aria-label='add a function']")`)
		fits := func() {
			t.Helper()
			assert.LessOrEqual(t, value[float64](p, "document.documentElement.scrollWidth"), float64(size.w), "nothing is wider")
		}
		assert.Less(t, value[float64](p, `document.querySelector("header.top").offsetHeight`), 45.0, "one row")
		fits()
		p.shot(size.name)
		p.sees(`document.querySelector(".events li")`)
		fits()
		p.click("#search")
		p.keys("apps.")
		p.sees(`document.querySelector("[role=option]")`)
		fits()
		p.keys(kb.Escape + kb.Escape)
		p.press("time")
		fits()
		p.shot(size.name + "-time")
		p.press("from … until")
		p.sees(`document.activeElement.name === "from"`)
		fits()
		p.keys(kb.Escape)
		p.choose("range", "-3h")
		p.param("from", "-3h")
		p.press("time")
		assert.Less(t, value[float64](p, `document.querySelector("header.top").offsetHeight`), 45.0, "one row")
		p.press("metrics")
		assert.True(t, value[bool](p, `(t => t.bottom <= t.parent)({bottom: document.querySelector(".tree").getBoundingClientRect().bottom, parent: document.querySelector(".side").getBoundingClientRect().bottom})`), "the tree scrolls in its place")
		p.press("servers")
		p.press("web1")
		p.press("load")
		p.sees(`new URLSearchParams(location.search).getAll("target").includes("servers.web1.load")`)
		fits()
	}
	p.calm()
}

// TestNothingIsLeft: without its last target a graph has nothing, and one that has no
// value to draw says so.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	s := web(t)
	s.send(t, day("apps.below", 30, 60, func(i int) float64 { return float64(-i) }))
	p := sit(t, s)
	p.open("/?target=servers.web1.load")
	p.drawn()
	p.press("remove target 1")
	p.text("Choose a metric")
	p.sees(`!document.querySelector(".legend, .plot canvas")`)
	p.open("/?target=servers.web1.load")
	p.drawn()
	p.press("explore")
	p.sees(`!document.querySelector(".legend, .plot canvas")`)
	p.open("/?target=apps.below&from=-10min")
	p.drawn()
	p.sees(`document.querySelector(".state") === null`)
	p.press("log")
	p.text("No values above 0 in this time.")
	p.press("log")
	p.sees(`document.querySelector(".state") === null`)
	p.open("/?target=apps.below&from=-5h&until=-4h")
	p.text("No values in this time.")
	p.calm()
}

// TestServerIsAway: what cannot be done is said, and can be done when it is back.
func TestServerIsAway(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.web1.load")
	p.drawn()
	value[bool](p, `(window.ask = window.fetch, window.fetch = () => Promise.reject(new TypeError("cut")), true)`)
	p.press("servers")
	p.text("the server does not answer")
	p.sees(`document.querySelector("[role=treeitem][title=servers]").ariaExpanded === "false"`)
	p.press("to dashboard")
	p.answer("ops" + kb.Enter)
	p.sees(`document.querySelector("dialog .fault").innerText === "the server does not answer"`)
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)
	value[bool](p, `(window.fetch = ask, true)`)
	p.press("servers")
	p.text("web2")

	value[bool](p, `(Object.defineProperty(navigator, "clipboard", {value: undefined}), true)`) // as where there is no TLS
	p.press("copy link")
	p.text("not copied")
	p.open("/?dashboard=ops&edit=0&target=servers.web1.load")
	p.drawn()
	value[bool](p, `(window.fetch = () => Promise.reject(new TypeError("cut")), true)`)
	p.press("back to ops")
	p.text("not kept: the server does not answer")
	p.calm()
}

// TestFocusComesBack: to what had it before a form was there.
func TestFocusComesBack(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.web1.load")
	p.drawn()
	at := func(label string) {
		t.Helper()
		p.sees(`(a => a.ariaLabel || a.innerText)(document.activeElement) === ` + quote(label))
	}
	open := func(button, field string) {
		t.Helper()
		p.sees(fmt.Sprintf("(b => (b.focus(), document.activeElement === b))(document.querySelector(`[aria-label=%q]`))", button))
		p.keys(kb.Enter)
		p.sees("document.activeElement.matches(" + quote(field) + ")")
	}
	open("from … until", "[name=from]")
	p.keys(kb.Escape)
	at("from … until")
	open("from … until", "[name=from]")
	p.keys("-3h" + kb.Enter)
	p.param("from", "-3h")
	at("from … until")
	open("add event", "[name=what]")
	p.keys(kb.Escape)
	at("add event")
	open("rename servers.web1.load", ".rename")
	p.keys(kb.Escape)
	at("rename servers.web1.load")
	p.calm()
}
