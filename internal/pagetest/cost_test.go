package pagetest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestPointsAreJoined: one value a minute in a tier of 10 s is a line, over a value that
// is missing, too; ten missing ones are a gap.
func TestPointsAreJoined(t *testing.T) {
	t.Parallel()
	s := start(t)
	now := time.Now().Unix() / 60 * 60
	lines := ""
	for i := range int64(60) {
		if i != 20 && (i < 40 || i > 49) {
			lines += fmt.Sprintf("apps.minute %d %d\n", 5+i%3, now-60*(60-i))
		}
	}
	s.send(t, lines)
	p := sit(t, s)
	p.open(fmt.Sprintf("/?target=apps.minute&from=%d&until=%d", now-3600, now))
	p.drawn()
	blue := script[string](p, "/js/palette.js", "m.color(0)")
	runs := value[float64](p, fmt.Sprintf(`(c => { const want = %q.match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16)), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		const column = x => { for (let y = 0; y < c.height; y++) { const i = 4 * (y * c.width + x); if (d[i+3] > 120 && want.every((v, k) => Math.abs(d[i+k] - v) < 12)) return true } return false };
		let runs = 0, before = false;
		for (let x = 0; x < c.width; x++) { const now = column(x); if (now && !before) runs++; before = now }
		return runs })(document.querySelector(".plot canvas"))`, blue))
	assert.Equal(t, 2.0, runs, "lines with one gap between them")
	p.calm()
}

// TestLittleBeforeTheFirstGraph: what the browser was sent of the page when it drew
// first, as it says itself, is 60 KB at most.
func TestLittleBeforeTheFirstGraph(t *testing.T) {
	t.Parallel()
	p := sit(t, web(t))
	p.open("/?target=servers.*.load")
	p.drawn()
	sent := value[float64](p, `(first => performance.getEntriesByType("navigation")[0].encodedBodySize + performance.getEntriesByType("resource")
		.filter(r => /\/(js|vendor)\/|\.css$|\.svg$/.test(r.name) && r.startTime < first).reduce((sum, r) => sum + r.encodedBodySize, 0))(performance.getEntriesByName("logmetrics.draw")[0].startTime)`)
	t.Logf("%.0f bytes", sent)
	assert.Greater(t, sent, 40_000.0)
	assert.LessOrEqual(t, sent, float64(60<<10))
}
