package pagetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// hundred keeps a dashboard of 100 graphs.
func hundred(t testing.TB, s *server) {
	t.Helper()
	panels := make([]string, 100)
	for i := range panels {
		panels[i] = fmt.Sprintf(`{"title": "graph %d", "targets": ["servers.web%d.load"], "x": %d, "y": %d, "w": 6, "h": 4}`, i, 1+i%3, 6*(i%2), 4*(i/2))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/kv/dashboards/hundred", strings.NewReader(`{"version": 1, "title": "hundred", "panels": [`+strings.Join(panels, ",")+`]}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Less(t, answer.StatusCode, 300)
}

// TestOnlyWhatIsSeenLoads: of 100 graphs on a dashboard those in sight are asked for,
// and others when they come into sight.
func TestOnlyWhatIsSeenLoads(t *testing.T) {
	t.Parallel()
	s := web(t)
	hundred(t, s)
	p := sit(t, s)
	p.open("/?dashboard=hundred")
	p.sees(`document.querySelectorAll(".cell").length === 100`)
	p.drawn()
	const asked = `performance.getEntriesByType("resource").filter(r => r.name.endsWith("/render")).length`
	first := value[float64](p, asked)
	assert.LessOrEqual(t, first, 10.0, "two columns, 800 px, 200 more")
	value[bool](p, `(document.querySelector("[aria-label='graph 99']").scrollIntoView(), true)`)
	p.sees(`document.querySelector("[aria-label='graph 99'] canvas")`)
	p.drawn()
	assert.LessOrEqual(t, value[float64](p, asked)-first, 12.0)
	p.press("reload") // again only what is in sight
	p.sees(asked + fmt.Sprintf(" > %v", first+4))
	p.drawn()
	assert.LessOrEqual(t, value[float64](p, asked)-first, 24.0)
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
