package extract_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var gathererKills = flag.Int("gatherer-kills", 20, "how often TestGathererChaos kills the program; the gatherer it kills a quarter as often, at least")

// TestGathererChaos kills the program and its gatherer at random instants, the
// gatherer also before and after a batch is kept and before it says so: each line must
// count exactly once, though there is nobody who could tell a repeat but the gatherer.
func TestGathererChaos(t *testing.T) {
	for name, deaths := range map[string]int{"around commits": 15, "serve": -1} {
		t.Run(name, func(t *testing.T) { gathererChaos(t, newGathering(t, deaths)) })
	}
}

func gathererChaos(t *testing.T, g *gathering) {
	began := time.Now().Unix()
	w := emptyWorld(t, "--gatherer-host", g.address, "--delivery-timeout=300ms")
	w.outputs = []string{"gatherer"}
	w.write(10)
	w.delivered() // a first run reads the live file alone
	for w.killed < *gathererKills || g.deadTimes() < *gathererKills/4 {
		w.write(w.rand.IntN(300))
		if w.rand.IntN(3) == 0 && w.rotated < generations-1 {
			w.rotateAnyhow()
		}
		run := func() { w.anyhow(time.Duration(1+w.rand.IntN(40_000)) * time.Microsecond) }
		if w.rand.IntN(3) == 0 {
			g.killedAfter(time.Duration(w.rand.IntN(30_000))*time.Microsecond, run)
		} else {
			run()
		}
		if w.rotated == generations-1 {
			w.delivered()
		}
	}
	g.spare()
	w.delivered()
	g.stop()
	g.check(w.written, began-100)
	t.Logf("%d lines, the program was killed %d times, the gatherer %d times", w.written, w.killed, g.deadTimes())
}

// anyhow runs the program, and kills it after the given time; what it could not
// deliver by then waits for the next run.
func (w *world) anyhow(after time.Duration) {
	w.t.Helper()
	cmd, wait := w.start()
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	switch code, stderr := wait(); code {
	case -1:
		w.killed++
	case 0, 3:
		w.rotated = 0
	default:
		require.FailNow(w.t, "the program ends with another code", "%d: %s", code, stderr)
	}
}

// delivered runs the program until nothing waits.
func (w *world) delivered() {
	w.t.Helper()
	for range 30 {
		_, wait := w.start()
		code, stderr := wait()
		w.rotated = 0
		if code == 0 {
			return
		}
		require.Equal(w.t, 3, code, "%s", stderr)
	}
	require.FailNow(w.t, "it is never all delivered")
}

// check holds the gatherer to the oracle: a series for each of n lines, which
// was counted once.
func (g *gathering) check(n int, from int64) {
	g.t.Helper()
	db := g.open()
	lines := 0
	for _, name := range db.Names().All() {
		if strings.HasPrefix(string(name), "n.") {
			lines++
		}
	}
	require.Equal(g.t, n, lines, "lines that are there")
	for id := range n {
		name := fmt.Sprint("n.", id)
		require.EqualValues(g.t, 1, total(buckets(g.t, db, name, from, 0)), name)
	}
	assert.EqualValues(g.t, n, total(buckets(g.t, db, "logmetrics.lines", from, 0)), "the account of the program")
}

// TestGathererChaosByLogTime does so with lines that come hours late: each bucket
// must have the lines that are of it.
func TestGathererChaosByLogTime(t *testing.T) {
	g := newGathering(t, 200)
	w := emptyWorld(t, "--gatherer-host", g.address, "--delivery-timeout=300ms", "--time=log", "--interval=10s", "--timezone=UTC")
	w.outputs, w.parser = []string{"gatherer"}, "JsonParser"
	w.args = append(w.args, "--parser-options", "--counter n")
	truth, lines := make(map[int64]float64), 0
	begin := time.Now().Add(-20 * 24 * time.Hour).Unix()
	for round := int64(0); w.killed < *gathererKills/2 || g.deadTimes() < *gathererKills/8; round++ {
		var text strings.Builder
		for range 1 + w.rand.IntN(50) {
			at := begin + 3600*round + w.rand.Int64N(3600)
			if w.rand.IntN(4) == 0 {
				at -= w.rand.Int64N(9 * 24 * 3600)
			}
			truth[at-at%300]++
			lines++
			fmt.Fprintf(&text, `{"time": %d, "n": 1}`+"\n", at)
		}
		w.raw("", text.String())
		g.killedAfter(time.Duration(w.rand.IntN(100_000))*time.Microsecond, func() {
			w.anyhow(time.Duration(1+w.rand.IntN(60_000)) * time.Microsecond)
		})
	}
	w.raw("", fmt.Sprintf(`{"time": %d, "n": 1}`+"\n", time.Now().Unix()+120)) // closes what is open
	g.spare()
	w.delivered()
	g.stop()
	got := buckets(t, g.open(), "n", begin-10*24*3600, 300) // the finest tier does not go back so far
	for at, n := range truth {
		require.Equal(t, n, got[at].Sum, "%d", at)
	}
	assert.EqualValues(t, lines, total(got))
	t.Logf("%d lines, the program was killed %d times, the gatherer %d times", lines, w.killed, g.deadTimes())
}
