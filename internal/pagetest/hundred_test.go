package pagetest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestHundredGraphs: the cursor is at the same time in all, scrolling stays quick,
// and what was loaded is not loaded again.
func TestHundredGraphs(t *testing.T) {
	t.Parallel()
	s := web(t)
	hundred(t, s)
	p := sit(t, s)
	p.open("/?dashboard=hundred&from=-6h")
	p.sees(`document.querySelectorAll(".cell").length === 100`)
	p.drawn()
	p.hover(".cell", 0.5, 0.5)
	p.sees(`(w => w.length > 3 && w[0] && w.every(x => x === w[0]))([...document.querySelectorAll(".cell:has(canvas) .when")].map(x => x.textContent.slice(0, 19)))`)
	p.sees(`[...document.querySelectorAll(".cell:has(canvas) .legend tbody tr")].every(r => r.cells[1].innerText !== "")`)
	p.shot("cursor")

	// From top to bottom, at each frame a bit, as a wheel does; how long frames take is
	// only shown, for others may use this machine, too.
	value[bool](p, `(window.frames = [], window.end = false, (step => step(step))((step, before = performance.now()) => requestAnimationFrame(now => {
		frames.push(now - before); scrollBy(0, 120);
		innerHeight + scrollY < document.documentElement.scrollHeight - 2 ? step(step, now) : end = true })), true)`)
	p.sees("window.end")
	p.sees(`document.querySelector("[aria-label='graph 99'] canvas")`)
	p.drawn()
	t.Log("ms a frame, median and 95 %:", value[[]int](p, `(f => [f[f.length >> 1], f[Math.floor(f.length * 0.95)]].map(Math.round))(frames.sort((a, b) => a - b))`))
	const asked = `performance.getEntriesByType("resource").filter(r => r.name.endsWith("/render")).length`
	loaded := value[int](p, asked)
	assert.LessOrEqual(t, loaded, 100)
	for _, name := range []string{"graph 90", "graph 99"} { // which were in sight at the end, or near
		value[bool](p, `(document.querySelector("[aria-label='`+name+`']").scrollIntoView(), true)`)
		p.drawn()
	}
	assert.LessOrEqual(t, value[int](p, asked), loaded+4)
}
