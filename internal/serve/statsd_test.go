package serve

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// TestFlushOfManyNames: all series of a first flush are made, though they are more
// than may be made in a second on average, and later flushes allocate nothing for a
// name.
func TestFlushOfManyNames(t *testing.T) {
	s, _ := opened(t, Options{HTTP: "127.0.0.1:0"})
	n, err := aggregate.NewNode(aggregate.NodeOptions{Options: aggregate.Options{Sink: &intoStore{w: s.db.NewWriter(), intervalSec: 10}}})
	require.NoError(t, err)
	w := n.Worker()
	const names = 9000
	fill := func() {
		for i := range names {
			w.Block(fmt.Appendf(nil, "servers.web%d.time:%d|ms", i, i))
		}
	}
	fill()
	stamp := time.Now().Unix() / 10 * 10
	n.Flush(stamp)
	assert.GreaterOrEqual(t, s.db.Stats().Series, 12*names)
	for range 2 { // room for what both intervals of the worker keep
		fill()
		stamp += 10
		n.Flush(stamp)
	}
	fill()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n.Flush(stamp + 10)
	runtime.ReadMemStats(&after)
	if !testutil.Race() {
		assert.Less(t, after.Mallocs-before.Mallocs, uint64(names/4), "of 12 values a name")
	}
}
