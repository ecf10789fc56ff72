package pagetest_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// TestTimeIsMoved: with the mouse and with keys, back and forward, and what is there
// is drawn at once.
func TestTimeIsMoved(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.web1.load&from=-12h")
	p.drawn()
	p.sees(`document.querySelector(".plot").onkeydown`) // the mouse does more now

	value[bool](p, `(window.ask = window.fetch, window.fetch = (...a) => new Promise(go => window.goOn = () => go(ask(...a))), true)`)
	before := p.picture()
	p.pan(0.25)
	from, until := p.span()
	assert.InDelta(t, 15*3600, from, 600, "a quarter of 12 hours earlier")
	assert.InDelta(t, 3*3600, until, 600)
	p.sees(`document.querySelector(".graph[aria-busy=true] .plot canvas") && window.goOn`) // nothing has come, and the old one stays
	assert.NotEqual(t, before, p.picture(), "it is moved before anything has come")
	value[bool](p, `(window.fetch = ask, goOn(), true)`)
	p.drawn()

	at := p.find(".plot .u-over")
	p.mouse(chromedp.MouseWheel, at.X+at.W-2, at.Y+at.H/2, ctrl, func(m *input.DispatchMouseEventParams) { m.DeltaX, m.DeltaY = 0.01, -100 })
	p.sees(`(q => q.get("until") - q.get("from") < 0.9 * 12 * 3600)(new URLSearchParams(location.search))`)
	_, until = p.span()
	assert.InDelta(t, 3*3600, until, 700, "the end that the pointer is at stays")
	p.drawn()
	p.mouse(chromedp.MousePressed, at.X+at.W/2, at.Y+at.H/2, 0)
	p.mouse(chromedp.MouseReleased, at.X+at.W/2, at.Y+at.H/2, 0)
	twice := func(m *input.DispatchMouseEventParams) { m.ClickCount = 2 }
	p.mouse(chromedp.MousePressed, at.X+at.W/2, at.Y+at.H/2, 0, twice)
	p.mouse(chromedp.MouseReleased, at.X+at.W/2, at.Y+at.H/2, 0, twice)
	p.sees(`(q => q.get("until") - q.get("from") > 1.3 * 12 * 3600)(new URLSearchParams(location.search))`)
	p.drawn()

	value[bool](p, "(history.go(-3), true)")
	p.param("from", "-12h")
	p.drawn()
	value[bool](p, "(history.forward(), true)")
	p.sees(`/^\d+$/.test(new URLSearchParams(location.search).get("until"))`)
	value[bool](p, "(history.back(), true)")
	p.param("from", "-12h")
	value[bool](p, "(document.activeElement.blur(), true)")
	p.keys("+")
	p.sees(`(q => q.get("until") - q.get("from") === 6 * 3600)(new URLSearchParams(location.search))`)
	p.keys("-")
	p.sees(`(q => q.get("until") - q.get("from") === 12 * 3600)(new URLSearchParams(location.search))`)
	p.keys(kb.ArrowLeft)
	from, _ = p.span()
	assert.InDelta(t, 18*3600, from, 600)
	p.calm()
}

// TestTimeIsTyped: dates in the zone that is chosen, of 24 hours; what only the server
// reads can be moved, too.
func TestTimeIsTyped(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.refused = true
	p.open("/?target=servers.web1.load&table=1")
	p.drawn()
	p.choose("time zone", "Asia/Tokyo")
	p.param("tz", "Asia/Tokyo")
	tokyo := time.FixedZone("Tokyo", 9*3600)
	begin := time.Now().In(tokyo).Add(-3 * time.Hour).Truncate(time.Minute)
	typed := func(from, until string) {
		t.Helper()
		p.press("from … until")
		p.sees(`document.activeElement.name === "from"`)
		value[bool](p, `(document.activeElement.select(), true)`)
		p.keys(from + kb.Tab)
		value[bool](p, `(document.activeElement.select(), true)`)
		p.keys(until + kb.Enter)
	}
	typed("2026-03-01 14:30", "2026-03-01 13:30")
	p.text("from must be before until")
	p.sees(`document.querySelector(".custom [name=from]").value === "2026-03-01 14:30"`) // still there
	p.keys(kb.Escape)
	typed(begin.Format("2006-01-02 15:04"), begin.Add(time.Hour).Format("2006-01-02 15:04:05"))
	p.param("from", strconv.FormatInt(begin.Unix(), 10))
	p.param("until", strconv.FormatInt(begin.Unix()+3600, 10))
	p.drawn()
	p.sees(`document.querySelector(".values tbody th").innerText.startsWith("` + begin.Add(time.Hour).Format("2006-01-02 15:0") + `") || document.querySelector(".values tbody th").innerText.startsWith("` + begin.Add(59*time.Minute).Format("2006-01-02 15:") + `")`)
	typed("midnight yesterday", "now")
	p.param("from", "midnightyesterday")
	p.drawn()
	p.press("zoom in")
	p.sees(`/^\d+$/.test(new URLSearchParams(location.search).get("until"))`)
	p.drawn()
	p.refused = true
	typed("nosuchtime", "now")
	p.sees(`document.querySelector(".target.wrong .fault").innerText.length > 5`)
}

// TestLiveRefresh: what comes is shown, and the cursor stays where it was.
func TestLiveRefresh(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := sit(t, s)
	p.open("/?target=servers.web1.load&from=-15min&refresh=1")
	p.drawn()
	p.hover(".plot", 0.5, 0.5)
	p.sees(`document.querySelector(".note .when").innerText`)
	s.send(t, "servers.web1.load 12345 "+strconv.FormatInt(time.Now().Unix(), 10)+"\n")
	p.sees(`document.querySelector(".legend tbody td:last-child").title === "12345"`)
	p.sees(`document.querySelector(".note .when").innerText`)
	p.choose("reload", "0")
	p.param("refresh", "")
	p.calm()
}

// TestTimeHasEnds: later than now keeps the length, zooming out ends before times that
// no longer read as seconds, and a time that no calendar has is said to be wrong.
func TestTimeHasEnds(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.refused = true
	p.open("/?target=servers.web1.load&from=-15min")
	p.drawn()
	const length = `(q => q.get("until") - q.get("from"))(new URLSearchParams(location.search))`
	for range 3 {
		p.keys(kb.ArrowRight)
		p.sees(length + " === 900")
		p.drawn()
	}
	for range 24 {
		p.keys("-")
	}
	p.param("from", "100000000")
	p.drawn()
	p.keys(kb.ArrowLeft)
	p.param("from", "100000000")
	p.drawn()
	assert.Greater(t, value[float64](p, `(c => { const h = 30 * devicePixelRatio, d = c.getContext("2d").getImageData(0, c.height - h, c.width, h).data;
		let n = 0;
		for (let i = 3; i < d.length; i += 4) n += d[i] > 200;
		return n })(document.querySelector(".plot canvas"))`), 100.0, "half a century has marks of time")
	p.open("/?target=servers.web1.load&until=99999999999999999")
	p.sees(`document.querySelector(".target.wrong .fault").innerText.includes("too far")`)
}

// TestReloadLeavesAZoom: what comes while a range is being moved leaves it where it is.
func TestReloadLeavesAZoom(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.web1.load&from=-12h")
	p.drawn()
	p.sees(`document.querySelector(".plot").onkeydown`)
	x, y := p.hover(".plot", 0.5, 0.5)
	turn := func() {
		p.mouse(chromedp.MouseWheel, x, y, ctrl, func(m *input.DispatchMouseEventParams) { m.DeltaX, m.DeltaY = 0.01, -100 })
	}
	value[bool](p, `(window.timer = window.setTimeout, window.setTimeout = (f, ms, ...a) => timer(f, ms === 250 ? 2500 : ms, ...a), true)`) // slow fingers
	turn()
	before := value[float64](p, `performance.getEntriesByType("resource").length`)
	p.press("reload")
	p.sees(fmt.Sprintf(`performance.getEntriesByType("resource").length > %v`, before))
	p.drawn()
	turn()
	p.sees(`(q => Math.abs(q.get("until") - q.get("from") - 0.64 * 43200) < 2)(new URLSearchParams(location.search))`)
	p.calm()
}

// TestSlowAnswersAreWaitedFor: what takes longer than the pace of reloads comes all the
// same.
func TestSlowAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := sit(t, s)
	p.open("/?target=servers.web1.load&from=-15min&refresh=1")
	p.drawn()
	value[bool](p, `(window.ask = window.fetch, window.fetch = (url, init) => url !== "render" ? ask(url, init) : new Promise((done, no) => {
		init.signal.addEventListener("abort", () => no(init.signal.reason));
		setTimeout(() => done(ask(url, init)), 1500);
	}), true)`)
	s.send(t, "servers.web1.load 12345 "+strconv.FormatInt(time.Now().Unix(), 10)+"\n")
	p.sees(`document.querySelector(".legend tbody td:last-child").title === "12345"`)
	p.calm()
}
