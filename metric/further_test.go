package metric_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/logmetrics/logmetrics/metric"
)

// TestExtend: lines before the bound go into late batches of their intervals,
// with those without a stamp that follow them, in this block or the next.
func TestExtend(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 10})
	w.Bound(1000, 2000)
	w.Extend(900)
	w.Block(0)
	for _, o := range []op{
		{At: 1005}, {At: 899}, {}, {At: 905}, {At: 905}, {}, {At: 1001}, {At: 999},
	} {
		w.do(o)
	}
	w.Block(1)
	w.do(op{}) // at 999
	w.do(op{At: 950})
	assert.EqualValues(t, 1, w.Late())
	assert.EqualValues(t, 4, w.Further())
	counts := make(map[int64]float64)
	for _, start := range w.Intervals() {
		b := &Batch{Start: start, End: start + 10, Late: start < 1000}
		w.FlushInterval(start, b)
		counts[start] = b.Samples[0].Sum
		if b.Late {
			assert.Len(t, b.Samples, 1, "what is idle or derived was sent before")
		}
	}
	assert.Equal(t, map[int64]float64{1000: 2, 900: 3, 990: 2, 950: 1}, counts)

	w.Bound(1100, 2000)
	w.Block(2)
	w.do(op{}) // at 950 still
	assert.Equal(t, []int64{950}, w.Intervals())
	w.Block(3)
	w.do(op{At: 1150})
	w.Block(4)
	w.do(op{})
	assert.Equal(t, []int64{950, 1150}, w.Intervals())
}

// TestExtendTakesWholeIntervals: of one that is partly before an odd bound nobody
// knows which part was sent.
func TestExtendTakesWholeIntervals(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 10})
	w.Bound(1005, 2000)
	w.Extend(0)
	w.Block(0)
	for _, o := range []op{{At: 1003}, {At: 1005}, {At: 999}} {
		w.do(o)
	}
	assert.EqualValues(t, 1, w.Late())
	assert.EqualValues(t, 1, w.Further())
	assert.Equal(t, []int64{990, 1000}, w.Intervals())
}

// sum is what merging outputs make of batches.
type sum struct {
	Bucket
	dist    Dist
	members Members
}

// sums adds up the counters, timers and sets of batches, by interval.
func sums(batches []*Batch) map[int64]map[string]*sum {
	all := make(map[int64]map[string]*sum)
	for _, b := range batches {
		of := all[b.Start]
		if of == nil {
			of = make(map[string]*sum)
			all[b.Start] = of
		}
		for i := range b.Samples {
			s := &b.Samples[i]
			if s.Kind == Gauge || s.Count == 0 {
				continue
			}
			key := s.Kind.String() + s.Name
			if of[key] == nil {
				of[key] = new(sum)
			}
			of[key].Merge(s.Bucket)
			of[key].dist.Merge(s.Dist)
			of[key].members.Merge(s.Members)
		}
	}
	return all
}

// A log gives the same sums whenever intervals are closed, when what comes late
// is added to them.
func TestLateBatchesAddUp(t *testing.T) {
	opt := RecorderOptions{Interval: 10}
	rapid.Check(t, func(t *rapid.T) {
		blocks := drawBlocks(t)
		for _, block := range blocks {
			for i := range block {
				if block[i].At == 0 {
					block[i].At = rapid.Int64Range(1000, 1049).Draw(t, "at")
				}
			}
		}
		one := newCrew(opt, 1)
		c := newCrew(opt, rapid.IntRange(1, 4).Draw(t, "workers"))
		from := int64(1000)
		for i, block := range blocks {
			one.read(i, 0, block)
			c.read(i, rapid.IntRange(0, 3).Draw(t, "who"), block)
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				c.commit(from)
			case 1:
				c.commit(from)
				c = c.restart(t, rapid.IntRange(1, 4).Draw(t, "workers"))
			default:
				continue
			}
			from = rapid.Int64Range(from/10, 105).Draw(t, "from") * 10
			c.commit(from)
			c.bound(from)
			for _, w := range c.workers {
				w.Extend(0)
			}
		}
		assert.Zero(t, c.main().Late())
		want, got := sums(one.end()), sums(c.end())
		require.Len(t, got, len(want))
		for start, of := range want {
			require.Len(t, got[start], len(of), "%d", start)
			for name, a := range of {
				b := got[start][name]
				require.Equal(t, a.Count, b.Count, name)
				require.InDelta(t, a.Sum, b.Sum, 1e-6, name)
				require.InDelta(t, a.M2, b.M2, 1e-3, name)
				require.Equal(t, []float64{a.Min, a.Max}, []float64{b.Min, b.Max}, name)
				require.Equal(t, a.dist.Exact(), b.dist.Exact(), name)
				require.Equal(t, a.members.Exact(), b.members.Exact(), name)
			}
		}
	})
}
