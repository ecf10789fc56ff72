package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
)

// odd are lines that looking ahead must not stumble over, among good ones.
var odd = "\n\n:\n::1|c\nnothing\n" + strings.Repeat("x", 300) + "\n" + strings.Repeat("y", 300) + ":1|c\nnew:1|c\n" +
	"tagged:1|c|#" + strings.Repeat("k:v,", 100) + "a:b\n" + strings.Repeat("\n", 100) + "last:1|c\nopen"

// TestManyNames: what comes of many names is what comes of few, in either dialect,
// also when none of them is a counter.
func TestManyNames(t *testing.T) {
	const names = 5000
	block := func(kind string) []byte {
		var b []byte
		for i := range names {
			b = fmt.Appendf(b, "n%d:%d|%s\n", i, i, kind)
		}
		return b
	}
	t.Run("node", func(t *testing.T) {
		n, sink := node(t, `{"graphite": {"legacyNamespace": false}}`)
		w := n.Worker()
		for range 3 {
			w.Block(block("g"))
		}
		w.Block(block("c"))
		w.Block(append([]byte(odd+"\n"), block("c")...))
		n.Flush(0)
		has(t, sink.values, map[string]float64{
			"stats.gauges.n17": 17, "stats.gauges.n4999": 4999, "stats.counters.n4999.count": 2 * 4999,
			"stats.counters.new.count": 1, "stats.counters.last.count": 1,
		})
	})
	t.Run("brubeck", func(t *testing.T) {
		u, sink := brubeck(t, aggregate.BrubeckConfig{})
		w := u.Worker()
		for range 3 {
			w.Block(block("c"))
		}
		w.Block(append([]byte(odd+"\n"), block("g")...))
		u.Flush(0)
		has(t, sink.values, map[string]float64{"n17": 4 * 17, "n4999": 4 * 4999, "new": 1, "last": 1})
	})
}
