package pagetest_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// cells are where the graphs of a dashboard lie: [column, row, width, height].
const cells = `JSON.stringify([...document.querySelectorAll(".cell")].map(c => [c.style.gridColumn, c.style.gridRow].flatMap(s => s.match(/\d+/g).map(Number))).map(([x, w, y, h]) => [x-1, y-1, w, h]))`

// lie waits until the graphs lie so.
func (p *person) lie(want string) {
	p.t.Helper()
	p.sees(cells + " === " + `"` + want + `"`)
}

// answer types into the dialog that opens.
func (p *person) answer(keys string) {
	p.t.Helper()
	p.sees(`document.activeElement.matches("dialog input")`)
	p.keys(keys)
}

// saved waits until the dashboard says that it is.
func (p *person) saved() {
	p.t.Helper()
	p.sees(`document.querySelector(".looks [role=status]").innerText === "saved"`)
}

// two opens a dashboard with two graphs, kept by somebody with the token.
func two(t testing.TB, s *server) *person {
	p := sit(t, s)
	p.open("/?target=servers.web1.load#token=" + s.token)
	p.drawn()
	p.press("to dashboard")
	p.answer("ops" + kb.Enter)
	p.param("dashboard", "ops")
	p.drawn()
	p.open("/?target=servers.*.requests&draw=stack")
	p.drawn()
	p.press("to dashboard")
	p.sees(`document.activeElement.value === "ops"`) // as the last time
	p.keys(kb.Enter)
	p.param("dashboard", "ops")
	p.lie("[[0,0,6,4],[0,4,6,4]]")
	p.drawn()
	return p
}

func TestDashboardIsArrangedAndKept(t *testing.T) {
	t.Parallel()
	p := two(t, web(t))
	first, second := `[aria-label="servers.web1.load"].cell`, `[aria-label="servers.*.requests"].cell`
	alt := func(selector, keys string, and ...chromedp.Modifier) {
		t.Helper()
		value[bool](p, "(document.querySelector('"+selector+"').focus(), true)")
		p.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(append(and, chromedp.ModifierAlt)...)))
	}
	alt(second, kb.ArrowUp)
	p.lie("[[0,4,6,4],[0,0,6,4]]")
	alt(second, kb.ArrowDown)
	p.lie("[[0,0,6,4],[0,4,6,4]]")
	alt(second, kb.ArrowRight)
	p.lie("[[0,0,6,4],[1,4,6,4]]")
	alt(first, kb.ArrowLeft, chromedp.ModifierShift)
	p.lie("[[0,0,5,4],[1,4,6,4]]")

	at := p.find(second + " h2") // to the right of the first, with the mouse
	column := value[float64](p, `document.querySelector(".grid").clientWidth / 12`)
	to := []float64{at.X + 20 + 5*column, at.Y + 5 - 4*82}
	p.mouse(chromedp.MousePressed, at.X+20, at.Y+5, 0)
	p.mouse(chromedp.MouseMoved, to[0], to[1], 0)
	p.sees(`document.querySelector(".frame").style.gridColumn === "7 / span 6"`) // where it would be
	p.shot("moving")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector(".frame")`)
	p.mouse(chromedp.MouseReleased, to[0], to[1], 0)
	p.lie("[[0,0,5,4],[1,4,6,4]]")
	p.drag(at.X+20, at.Y+5, to[0], to[1])
	p.lie("[[0,0,5,4],[6,0,6,4]]")
	corner := p.find(second + " .corner")
	p.drag(corner.X+8, corner.Y+8, corner.X+8-column, corner.Y+8+82)
	p.lie("[[0,0,5,4],[6,0,5,5]]")
	p.drawn()
	p.text("column 7, row 1, 5 wide, 5 high; not saved")
	p.press("discard")
	p.lie("[[0,0,6,4],[0,4,6,4]]")
	alt(first, kb.ArrowLeft, chromedp.ModifierShift)
	p.drag(at.X+20, at.Y+5, to[0]+column, to[1])
	p.lie("[[0,0,5,4],[6,0,6,4]]")
	p.drag(corner.X+8, corner.Y+8, corner.X+8-column, corner.Y+8+82)
	p.lie("[[0,0,5,4],[6,0,5,5]]")
	p.drawn()
	p.press("save")
	p.saved()
	p.shot("dashboard")

	p.press("rename servers.web1.load")
	p.answer("Load" + kb.Enter)
	value[bool](p, `(document.querySelector("[aria-label=Load].cell").focus(), true)`)
	p.keys(kb.Enter)
	p.param("full", "0")
	p.sees(`document.querySelectorAll(".cell").length === 1`)
	p.drawn()
	p.shot("full")
	p.keys(kb.Escape)
	p.param("full", "")
	p.press("save")
	p.saved()
	p.press("full screen") // of them all
	p.param("full", "all")
	p.sees(`document.querySelector(".top").offsetParent === null && document.querySelectorAll(".cell").length === 2`)
	p.drawn()
	p.shot("wall")
	p.click(".leave")
	p.param("full", "")

	p.open("/?dashboard=ops") // as somebody else
	p.lie("[[0,0,5,4],[6,0,5,5]]")
	p.text("Load")
	p.prefers("dark")
	p.drawn()
	p.shot("dashboard-dark")
	value[bool](p, `(document.querySelector("[aria-label=Load].cell").focus(), true)`)
	p.keys(kb.Delete)
	p.lie("[[6,0,5,5]]")
	p.press("delete")
	p.press("cancel") // thinks again
	p.press("delete")
	p.sees(`document.querySelector("dialog .danger") === document.activeElement`)
	p.keys(kb.Enter)
	p.param("dashboard", "")
	p.press("dashboards")
	p.text("None yet")
	p.shot("list-empty")
}

func TestDashboardWithAVariable(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := sit(t, s)
	p.open("/?target=servers.$host.load#token=" + s.token)
	p.text("0 series")
	p.press("to dashboard")
	p.answer("hosts" + kb.Enter)
	p.param("dashboard", "hosts")
	p.press("variable…")
	p.answer("host" + kb.Enter)
	p.text("a variable is written as")
	p.keys("=servers.*" + kb.Enter)
	p.choose("$host", "web2")
	p.param("var-host", "web2")
	p.drawn()
	p.text("servers.web2.load")
	p.press("variable…") // one within another
	p.answer("what=servers.$host.re*" + kb.Enter)
	p.sees(`[...document.querySelectorAll("select[aria-label='$what'] option")].map(o => o.value).join() === "*,requests"`)
	p.press("save")
	p.saved()
	p.open("/" + value[string](p, "location.search"))
	p.drawn()
	p.text("servers.web2.load")

	p.press("change servers.$host.load") // and back
	p.param("edit", "0")
	p.text("servers.web2.load")
	p.choose("kind of graph", "area")
	p.param("draw", "area")
	p.press("back to hosts")
	p.param("edit", "")
	p.param("var-host", "web2")
	p.drawn()
	p.text("not saved")
	p.press("change servers.$host.load")
	p.param("draw", "area")
	p.param("target", "servers.$host.load")
	p.press("back to hosts")
	p.param("edit", "")
	p.drawn()
	p.press("rename servers.web2.load") // in the legend
	p.sees(`document.activeElement.matches(".rename")`)
	value[bool](p, "(document.activeElement.select(), true)")
	p.keys("the load" + kb.Enter)
	p.text("the load")
	p.choose("$host", "web1")
	p.param("var-host", "web1")
	p.drawn()
	p.text("the load")
	p.press("remove $what")
	p.sees(`document.querySelectorAll(".variable").length === 1`)
	p.shot("variables")
}

func TestTemplateDashboard(t *testing.T) {
	t.Parallel()
	s := start(t)
	lines := ""
	for i, name := range []string{"numSent", "numDeferred", "numBounced"} {
		lines += day("servers.mx.postfix."+name, 1440, 60, func(k int) float64 { return float64((k*7+i*13)%(60/(i+1))) + 5 })
	}
	s.send(t, lines)
	p := sit(t, s)
	p.open("/")
	p.keys("d")
	p.press("Postfix")
	p.param("dashboard", "template:postfix")
	p.drawn()
	p.sees(`[...document.querySelectorAll(".legend .name")].some(n => n.innerText === "deferred")`)
	p.sees(`document.querySelector("select[aria-label='$job']").value === "servers.mx.postfix"`)
	p.shot("template")
	p.size(390, 844)
	p.drawn()
	p.shot("dashboard-phone")
	assert.LessOrEqual(t, value[float64](p, "document.documentElement.scrollWidth"), 390.0, "nothing is wider than a phone")
	p.press("save as…")
	p.refused = true
	p.answer("mail" + kb.Enter)
	p.text("this needs the token")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)
	p.param("dashboard", "template:postfix")
}

func TestEventIsAddedAndMarked(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := sit(t, s)
	p.open("/?target=servers.web1.load&from=-1h")
	p.press("add event")
	p.sees(`document.activeElement.name === "what"`)
	p.refused = true
	p.keys("deploy <b>2.0</b>" + kb.Tab + "web" + kb.Tab + kb.Enter)
	p.text("this needs the token")
	p.open("/?target=servers.web1.load&from=-1h#token=" + s.token) // no new page: only what is behind # is new
	p.sees(`location.hash === ""`)
	p.press("add")
	p.param("events", "*")
	p.text("deploy <b>2.0</b>") // as text
	p.drawn()
	p.sees(marked)
	p.shot("event")
	p.open("/?target=servers.web1.load&from=-1h&events=other")
	p.drawn()
	p.sees("!" + marked)
}

// marked tells whether the mark's colour is in the graph.
const marked = `(c => { const want = getComputedStyle(document.documentElement).getPropertyValue("--event").trim().match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16));
	const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	for (let i = 0; i < d.length; i += 4) if (d[i+3] > 250 && want.every((v, k) => Math.abs(d[i+k] - v) < 3)) return true;
	return false })(document.querySelector(".plot canvas"))`
