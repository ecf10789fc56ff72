package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// TestKnownNamesDoNotAllocate: over a flush, too.
func TestKnownNamesDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("allocations are not measured under the race detector")
	}
	n, _ := node(t, `{}`)
	w := n.Worker()
	b := []byte("c:1|c\nc:1|c|@0.1\ng:5|g\ng:+1|g\nt:5|ms\nt:7:8|h\ns:abc|s\ntotal:10|C\na b/c:1|c\ntag:1|c|#x:y\n_e{1,1}:a|b\nbad\nbad:x|c\n")
	for range 3 {
		w.Block(b)
		n.Flush(0)
	}
	for range 100 {
		w.Block(b) // room for the values
	}
	n.Flush(0)
	w.Block(b)
	n.Flush(0)
	assert.Zero(t, testing.AllocsPerRun(50, func() { w.Block(b) }))
}
