package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector lets the heap grow to twice what is in use. For what the store
// holds that is a good price; queries use so much for so short a time that it would
// double the most that the process ever needs.
const (
	memoryTick  = time.Second
	memorySlack = 32 << 20 // for the bodies of requests and answers
	bigQueries  = 64 << 20 // it is worth a collection when they have ended
	calmTicks   = 5        // so long ago: while others come all the time it is not
)

// keepMemory has the collector keep the heap below twice what is in use without
// queries, and as much again as all queries may use; used tells what they do.
func keepMemory(ctx context.Context, used func() (bytes, most int64)) {
	defer debug.SetMemoryLimit(math.MaxInt64)
	tick := time.NewTicker(memoryTick)
	defer tick.Stop()
	peak, calm := int64(0), 0
	for {
		now, most := used()
		if peak, calm = max(peak, now), calm+1; peak-now < bigQueries {
			calm = 0
		}
		if calm == calmTicks {
			debug.FreeOSMemory()
			peak, calm = now, 0
		}
		debug.SetMemoryLimit(memoryGoal(readMemory(), now, most))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// memory is what the runtime says of its own, in bytes.
type memory struct {
	live  int64 // heap that the last collection left
	other int64 // beside the heap: stacks, its own tables
}

func readMemory() memory {
	list := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(list)
	m := memory{live: int64(list[0].Value.Uint64()), other: int64(list[1].Value.Uint64())}
	for _, heap := range list[2:] {
		m.other -= int64(heap.Value.Uint64())
	}
	return m
}

// memoryGoal is the limit for the runtime, while queries use some of the most that they may.
func memoryGoal(m memory, used, most int64) int64 {
	store := max(0, m.live-used)
	return 2*store + most + m.other + memorySlack
}
