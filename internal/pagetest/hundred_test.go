package pagetest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestHundredGraphs: those in sight load, others do when they come into sight, and
// once; the cursor is at the same time in all.
func TestHundredGraphs(t *testing.T) {
	t.Parallel()
	s := web(t)
	panels := make([]map[string]any, 100)
	for i := range panels {
		panels[i] = map[string]any{"title": fmt.Sprint("graph ", i), "targets": []string{fmt.Sprintf("servers.web%d.load", 1+i%3)}, "x": 6 * (i % 2), "y": 4 * (i / 2), "w": 6, "h": 4}
	}
	s.put(t, "PUT", "/kv/dashboards/hundred", board(t, "", nil, panels...))
	p := sit(t, s)
	const asked = `performance.getEntriesByType("resource").filter(r => r.name.endsWith("/render")).length`
	p.open("/?dashboard=hundred&from=-6h")
	p.sees(`document.querySelectorAll(".cell").length === 100`)
	p.drawn()
	first := value[int](p, asked)
	assert.LessOrEqual(t, first, 10, "two columns, 800 px, 200 more")
	p.press("reload") // again only what is in sight
	p.sees(asked + fmt.Sprintf(" > %d", first))
	p.drawn()
	assert.LessOrEqual(t, value[int](p, asked), 2*first)
	p.hover(".cell", 0.5, 0.5)
	p.sees(`(w => w.length > 3 && w[0] && w.every(x => x === w[0]))([...document.querySelectorAll(".cell:has(canvas) .when")].map(x => x.textContent.slice(0, 19)))`)
	p.sees(`[...document.querySelectorAll(".cell:has(canvas) .legend tbody tr")].every(r => r.cells[1].innerText !== "")`)
	p.shot("dashboard-cursor")

	// From top to bottom, at each frame a bit, as a wheel does; how long frames take is
	// only shown, for others may use this machine, too.
	value[bool](p, `(window.frames = [], window.end = false, (step => step(step))((step, before = performance.now()) => requestAnimationFrame(now => {
		frames.push(now - before); scrollBy(0, 120);
		innerHeight + scrollY < document.documentElement.scrollHeight - 2 ? step(step, now) : end = true })), true)`)
	for !value[bool](p, "window.end") { // as long as it goes on
		p.sees(fmt.Sprintf("window.end || frames.length > %d", value[int](p, "frames.length")))
	}
	p.sees(`document.querySelector("[aria-label='graph 99'] canvas")`)
	p.drawn()
	t.Log("ms a frame, median and 95 %:", value[[]int](p, `(f => [f[f.length >> 1], f[Math.floor(f.length * 0.95)]].map(Math.round))(frames.sort((a, b) => a - b))`))
	loaded := value[int](p, asked)
	assert.LessOrEqual(t, loaded, 100+first, "each once, and the first ones again")
	for _, name := range []string{"graph 90", "graph 99"} { // which were in sight at the end, or near
		value[bool](p, `(document.querySelector("[aria-label='`+name+`']").scrollIntoView(), true)`)
		p.drawn()
	}
	assert.LessOrEqual(t, value[int](p, asked), loaded+4)
	p.hover("[aria-label='graph 99']", 0.5, 0.5)
	const when = `(n => document.querySelector("[aria-label='graph " + n + "'] .when").textContent.slice(0, 19).trim())`
	p.sees(when + `(98) !== ""`)
	assert.Empty(t, value[string](p, when+"(0)"), "what is out of sight need not follow the cursor")
}
