package main

import (
	"context"
	"math"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

func TestMemoryGoal(t *testing.T) {
	const mib = 1 << 20
	m := memory{live: 60 * mib, other: 10 * mib}
	assert.EqualValues(t, (120+256+10+32)*mib, memoryGoal(m, 0, 256*mib))
	m.live += 200 * mib
	assert.EqualValues(t, (120+256+10+32)*mib, memoryGoal(m, 200*mib, 256*mib), "what queries use is not doubled")
	assert.EqualValues(t, (0+256+10+32)*mib, memoryGoal(m, 300*mib, 256*mib), "the collector has not seen it yet")
}

// TestKeepMemory sets the limit while it runs, and none behind it.
func TestKeepMemory(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	var asked atomic.Int64
	go func() {
		defer close(ended)
		keepMemory(ctx, func() (int64, int64) { asked.Add(1); return 0, 256 << 20 })
	}()
	testutil.Eventually(t, 10*time.Second, func() bool { return debug.SetMemoryLimit(-1) < math.MaxInt64 })
	assert.Greater(t, debug.SetMemoryLimit(-1), int64(256<<20))
	assert.Positive(t, asked.Load())
	cancel()
	<-ended
	assert.EqualValues(t, math.MaxInt64, debug.SetMemoryLimit(-1))
}
