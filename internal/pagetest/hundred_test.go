package pagetest_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

// TestHundredGraphs: those in sight load, others do when they come into sight, and
// once; scrolling stays quick, and the cursor is at the same time in all.
func TestHundredGraphs(t *testing.T) {
	t.Parallel()
	s := web(t)
	var panels []map[string]any
	for i := range 100 {
		panels = append(panels, map[string]any{"title": fmt.Sprint("graph ", i), "targets": []string{fmt.Sprintf("scale(servers.web%d.load,%d)", i%3+1, i+1), "servers.*.requests"},
			"x": i % 2 * 6, "y": i / 2 * 4, "w": 6, "h": 4})
	}
	s.put(t, "PUT", "/kv/dashboards/hundred", board(t, "", nil, panels...))
	p := sit(t, s)
	const asked = `performance.getEntriesByType("resource").filter(r => r.name.endsWith("/render")).length`
	p.open("/?dashboard=hundred&from=-6h")
	p.drawn()
	p.sees(`document.querySelectorAll(".cell").length === 100`)
	assert.LessOrEqual(t, value[int](p, asked), 16, "requests for graphs in sight and near, of two targets each")
	assert.Equal(t, "in sight", value[string](p, `document.querySelectorAll(".plot canvas").length <= 8 ? "in sight" : "too many"`))

	at := p.find(".cell .plot canvas")
	p.mouse(chromedp.MouseMoved, at.X+at.W/2, at.Y+at.H/2, 0)
	p.sees(`(w => w.length > 3 && w[0] && w.every(x => x === w[0]))([...document.querySelectorAll(".cell:has(canvas) .when")].map(x => x.textContent.slice(0, 19)))`)
	p.sees(`[...document.querySelectorAll(".cell:has(canvas) .legend tbody tr")].every(r => r.cells[1].innerText !== "")`)
	p.shot("cursor")

	// From top to bottom a frame at a time, as a wheel does; how long frames take is
	// shown, as others use this machine, too.
	value[bool](p, `(window.frames = [], window.end = false, (step => step(step))((step, before = performance.now()) => requestAnimationFrame(now => {
		frames.push(now - before); scrollBy(0, 120);
		innerHeight + scrollY < document.documentElement.scrollHeight - 2 ? step(step, now) : end = true })), true)`)
	p.sees("window.end")
	p.drawn()
	p.sees(`[...document.querySelectorAll(".cell")].at(-1).querySelector("canvas")`)
	t.Log("ms a frame, median and 95 %:", value[[]int](p, `(f => [f[f.length >> 1], f[Math.floor(f.length * 0.95)]].map(Math.round))(frames.sort((a, b) => a - b))`))
	loaded := value[int](p, asked)
	assert.LessOrEqual(t, loaded, 200)
	value[bool](p, "(scrollTo(0, document.documentElement.scrollHeight - 2000), true)")
	p.drawn()
	value[bool](p, "(scrollTo(0, document.documentElement.scrollHeight), true)")
	p.drawn()
	assert.LessOrEqual(t, value[int](p, asked), loaded+16, "what was loaded is not loaded again")
	p.shot("hundred")
}
