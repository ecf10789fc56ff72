package pagetest_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// BenchmarkRedraw is how long the page's chart takes to draw anew, at each step of
// moving and zooming: 10 series of 8640 points each, a day of 10 s. What is shown is
// in milliseconds, by the browser's clock around the drawing.
func BenchmarkRedraw(b *testing.B) {
	s := start(b)
	for i := range 10 {
		s.send(b, day(fmt.Sprintf("apps.s%d", i), 8640, 10, func(k int) float64 {
			return float64(10*i) + 5*math.Sin(float64(k)/300) + float64((k*7919+i*31)%100)/50
		}))
	}
	p := sit(b, s)
	p.open("/")
	p.text("apps")
	const steps = `(async () => {
		const [{load}, {options, data, uPlot, moveTo}, {plain}] = await Promise.all(["load", "chart", "url"].map(n => import("/js/" + n + ".js")));
		const picture = await load({...plain, targets: ["apps.*"]}, 8640, new AbortController().signal);
		const box = document.body.appendChild(document.createElement("div"));
		const now = {picture, range: picture.range, look: {...plain, zone: "UTC", events: []}};
		const none = () => {};
		const u = new uPlot(options(now, {width: 1200, height: 400}, {select: none, cursor: none, near: none, sync: "bench"}), data(picture), box);
		const [a, e] = picture.range;
		performance.clearMeasures("logmetrics.move");
		for (let i = 0; i < 200; i++) {
			const by = (e - a) / 2 * (i % 100) / 100; // to the left, then closer and closer
			moveTo(u, now, i < 100 ? [a - by / 4, e - by / 4] : [a + by, e - by]);
			await new Promise(requestAnimationFrame);
		}
		const ms = performance.getEntriesByName("logmetrics.move").map(m => m.duration).sort((x, y) => x - y);
		u.destroy(); box.remove();
		return [picture.lines.length, picture.x.length, ms.length, ms[100], ms[190]];
	})()`
	for b.Loop() {
		v, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]float64](steps, chromedp.EvalAwaitPromise))
		require.NoError(b, err)
		require.Equal(b, []float64{10, 200}, []float64{v[0], v[2]})
		require.GreaterOrEqual(b, v[1], 8600.0, "points")
		b.ReportMetric(v[3], "ms-median")
		b.ReportMetric(v[4], "ms-95%")
	}
}

// BenchmarkFirstGraph is how long after the last of its data the first graph is
// drawn, in milliseconds by the browser's clock, in a page that is opened with it.
func BenchmarkFirstGraph(b *testing.B) {
	p := sit(b, web(b))
	for b.Loop() {
		p.open("/?target=servers.*.*")
		p.drawn()
		b.ReportMetric(value[float64](p, `(d => d.startTime + d.duration - Math.max(...performance.getEntriesByType("resource")
			.filter(r => r.name.endsWith("/render") && r.responseEnd < d.startTime).map(r => r.responseEnd)))(performance.getEntriesByName("logmetrics.draw")[0])`), "ms-after-data")
	}
}
