package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestGathering: many datagrams gather for a millisecond, few do not, and never
// more than a quarter of what the kernel holds.
func TestGathering(t *testing.T) {
	const small, large = 416 << 10, 64 << 20 // without privileges, and with
	for _, c := range []struct {
		came   int
		in     time.Duration
		buffer int
		nap    time.Duration
	}{
		{0, time.Hour, large, 0},
		{1, 0, large, 0}, // the clock did not go on
		{7, time.Millisecond, large, 0},
		{8, time.Millisecond, large, time.Millisecond},
		{300, time.Second, large, 0},
		{1000, time.Millisecond, large, time.Millisecond},
		{100_000, time.Millisecond, large, 0},
		{8192, time.Millisecond, large, 500 * time.Microsecond},
		{52, time.Millisecond, small, 500 * time.Microsecond},
		{1000, time.Millisecond, small, 0},
	} {
		assert.Equal(t, c.nap, gathering(c.came, c.in, c.buffer), "%d in %v, %d bytes", c.came, c.in, c.buffer)
	}
}
