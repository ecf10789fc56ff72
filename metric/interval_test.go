package metric_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/logmetrics/logmetrics/metric"
)

// crew is workers that read one log and commit now and then, as a daemon does.
type crew struct {
	opt     RecorderOptions
	workers []*worker
	done    []*Batch
}

func newCrew(opt RecorderOptions, n int) *crew {
	c := &crew{opt: opt}
	for range n {
		c.workers = append(c.workers, newWorker(opt))
	}
	return c
}

func (c *crew) main() *worker { return c.workers[0] }

func (c *crew) read(seq int, who int, block []op) {
	w := c.workers[who%len(c.workers)]
	w.Block(uint64(seq))
	for _, o := range block {
		w.do(o)
	}
}

// commit flushes the intervals that end by from.
func (c *crew) commit(from int64) {
	for _, w := range c.workers[1:] {
		c.main().Merge(w.Recorder)
	}
	for _, start := range c.main().Intervals() {
		if start+c.opt.Interval <= from {
			b := &Batch{Start: start, End: start + c.opt.Interval}
			c.main().FlushInterval(start, b)
			c.done = append(c.done, b)
		}
	}
}

// bound is called after commit.
func (c *crew) bound(from int64) {
	for _, w := range c.workers {
		w.Bound(from, math.MaxInt64)
	}
}

// restart goes on with other recorders, as many as n.
func (c *crew) restart(t require.TestingT, n int) *crew {
	c.commit(math.MinInt64)
	next := newCrew(c.opt, n)
	next.done = c.done
	for _, b := range c.main().AppendOpen(nil) {
		kept, err := ParseBatch(AppendBatch(nil, b))
		require.NoError(t, err)
		require.NoError(t, next.main().Load(kept))
	}
	return next
}

func (c *crew) end() []*Batch {
	c.commit(math.MinInt64)
	c.main().Assume(0)
	c.commit(math.MaxInt64)
	slices.SortStableFunc(c.done, func(a, b *Batch) int { return int(a.Start - b.Start) })
	return c.done
}

func drawBlocks(t *rapid.T) [][]op {
	line := rapid.Custom(func(t *rapid.T) op {
		o := op{What: rapid.IntRange(0, 5).Draw(t, "what"), Value: rapid.Float64Range(0, 1000).Draw(t, "value")}
		if rapid.Bool().Draw(t, "stamped") {
			o.At = rapid.Int64Range(1000, 1049).Draw(t, "at")
		}
		return o
	})
	return rapid.SliceOfN(rapid.SliceOfN(line, 0, 8), 1, 12).Draw(t, "blocks")
}

// settled returns up to where all is read when blocks[n:] follow: what is to
// come has no stamp before it, and the line before has none either.
func settled(blocks [][]op, n int) int64 {
	from, last := int64(math.MaxInt64), int64(0)
	for i, block := range blocks {
		for _, o := range block {
			switch {
			case o.At == 0:
			case i < n:
				last = o.At
			default:
				from = min(from, o.At)
			}
		}
	}
	return min(from, last) / 10 * 10
}

// A log gives the same intervals however often what is complete is sent, and
// however often the program is started again.
func TestCommitsAndRestartsChangeNothing(t *testing.T) {
	opt := RecorderOptions{Interval: 10}
	rapid.Check(t, func(t *rapid.T) {
		blocks := drawBlocks(t)
		one := newCrew(opt, 1)
		c := newCrew(opt, rapid.IntRange(1, 4).Draw(t, "workers"))
		for i, block := range blocks {
			one.read(i, 0, block)
			c.read(i, rapid.IntRange(0, 3).Draw(t, "who"), block)
			switch from := settled(blocks, i+1); rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				c.commit(from)
				c.bound(from)
			case 1:
				c.commit(from)
				c = c.restart(t, rapid.IntRange(1, 4).Draw(t, "workers"))
				c.bound(from)
			}
		}
		assert.Zero(t, c.main().Late())
		requireSame(t, one.end(), c.end())
	})
}

func TestOpenIntervalsShareNothing(t *testing.T) {
	opt := RecorderOptions{Interval: 10}
	w := newWorker(opt)
	lines := func(seq uint64) {
		w.Block(seq)
		for i := range 7000 {
			w.do(op{At: 1000 + int64(i%30), What: i % 6, Value: float64(i)})
			w.Add(w.who, fmt.Append(nil, i, seq))
		}
	}
	lines(0)
	open := w.AppendOpen(nil)
	var before [][]byte
	for _, b := range open {
		before = append(before, AppendBatch(nil, b))
	}
	next := newWorker(opt)
	for _, b := range open {
		require.NoError(t, next.Load(b))
	}
	lines(1)
	w, next = next, w
	lines(1)
	for i, b := range open {
		require.Equal(t, before[i], AppendBatch(nil, b), "recording goes on in a kept batch")
	}
	requireSame(t, next.flushAll(), w.flushAll())
}

func (w *worker) flushAll() (batches []*Batch) {
	for _, start := range w.Intervals() {
		b := &Batch{Start: start, End: start + 10}
		w.FlushInterval(start, b)
		batches = append(batches, b)
	}
	return batches
}

func TestOpenIntervalsAreRaw(t *testing.T) {
	r := NewRecorder(RecorderOptions{Interval: 10, MaxSeries: 1})
	hidden := r.Series("hidden", Counter, PyInt)
	r.Hide(hidden)
	r.Series("idle", Counter, PyInt)
	r.Derive("derived", Shortest, Rate(hidden))
	r.Finish(func(Sample, float64, func(Sample)) { t.Error("finished") })
	r.Block(0)
	r.At(25)
	r.Inc(hidden, 3)
	r.Inc(r.SeriesBytes([]byte("b"), Counter), 1)
	r.Inc(r.SeriesBytes([]byte("a"), Counter), 1)
	open := r.AppendOpen(nil)
	require.Len(t, open, 1)
	assert.Equal(t, []int64{20, 30, 20}, []int64{open[0].Start, open[0].End, open[0].Stamp})
	var names []string
	for _, s := range open[0].Samples {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{"b", "hidden", "overflow"}, names)

	// One whose bound is taken already takes what it is given.
	r = NewRecorder(RecorderOptions{Interval: 10, MaxSeries: 1})
	r.SeriesBytes([]byte("other"), Counter)
	open[0].Samples[2].Name = "a"
	require.NoError(t, r.Load(open[0]))
	assert.True(t, r.Full())
	var b Batch
	r.FlushInterval(20, &b)
	assert.Len(t, b.Samples, 3)
	dropped, _ := r.Dropped()
	assert.Zero(t, dropped)

	bad := Batch{Samples: []Sample{{Name: "a b"}}}
	require.ErrorIs(t, r.Load(&bad), ErrBadBatch)
}

// Who changes --interval between two runs has the open intervals go into those
// that hold their starts.
func TestLoadWithAnotherInterval(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 10})
	w.Block(0)
	for i := range int64(12) {
		w.do(op{At: 1000 + 5*i, What: 1, Value: float64(i)})
	}
	next := newWorker(RecorderOptions{Interval: 25})
	for _, b := range w.AppendOpen(nil) {
		require.NoError(t, next.Load(b))
	}
	assert.Equal(t, []int64{1000, 1025, 1050}, next.Intervals())
	var b Batch
	next.FlushInterval(1025, &b)
	assert.Equal(t, Bucket{Count: 4, Sum: 6 + 7 + 8 + 9, Min: 6, Max: 9, M2: 5, Last: 9}, b.Samples[1].Bucket, "1030 and 1040")
}

func TestBound(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 10})
	w.Bound(1000, 2000)
	w.Block(0)
	for _, o := range []op{
		{At: 1005}, {At: 999}, {}, {At: 999}, {At: 2000}, {At: 1500}, {At: math.MaxInt64}, {}, {At: 1005}, {At: math.MinInt64},
	} {
		w.do(o)
	}
	w.Block(1)
	w.do(op{}) // after a late line
	assert.EqualValues(t, 3, w.Late())
	assert.EqualValues(t, 2, w.Unbelieved())
	_, _, ok := w.BlockSpan()
	assert.False(t, ok)
	first, last, ok := w.Span()
	assert.Equal(t, []any{int64(1005), int64(1500), true}, []any{first, last, ok})
	counts := make(map[int64]float64)
	for _, b := range w.flushAll() {
		counts[b.Start] = b.Samples[0].Sum
	}
	assert.Equal(t, map[int64]float64{1000: 2, 1500: 3}, counts)

	w.Bound(1600, 3000)
	w.Block(2)
	w.do(op{}) // late still
	w.do(op{At: 1700})
	w.Block(3)
	w.do(op{At: 1600})
	first, last, ok = w.BlockSpan()
	assert.Equal(t, []any{int64(1600), int64(1600), true}, []any{first, last, ok})
	assert.Len(t, w.flushAll(), 2)
	w.Bound(1800, 3000)
	w.Block(4)
	w.do(op{})
	assert.Equal(t, []int64{1800}, w.Intervals(), "the time of the line before is over")
	assert.Panics(t, func() { w.Bound(1700, 3000) })
	assert.Panics(t, func() { w.Bound(1800, 2999) })
}

// Lines before the first stamp of all wait for it, over commits and restarts.
func TestLinesBeforeTheFirstStamp(t *testing.T) {
	opt := RecorderOptions{Interval: 10}
	c := newCrew(opt, 2)
	c.read(0, 0, []op{{}})
	c.read(1, 1, []op{{}})
	c.commit(math.MaxInt64)
	assert.Empty(t, c.done)
	c = c.restart(t, 2)
	c.read(0, 1, []op{{}, {At: 1234}})
	c.read(1, 0, []op{{At: 1111}})
	batches := c.end()
	require.Len(t, batches, 2)
	assert.EqualValues(t, 1230, batches[1].Start)
	assert.Equal(t, 4.0, batches[1].Samples[0].Sum)

	w := newWorker(opt)
	w.Block(0)
	w.do(op{})
	w.Assume(1515)
	assert.Equal(t, []int64{1510}, w.Intervals())
}

// A log of hostile stamps takes bounded memory, and each of its lines is counted.
func TestIntervalsAreBounded(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 1, MaxIntervals: 100})
	w.Block(0)
	for i := range int64(1000) {
		w.do(op{At: 5000 + i})
		assert.Equal(t, i >= 50, w.Crowded(), "%d", i)
	}
	assert.EqualValues(t, 900, w.Late())
	_, last, _ := w.BlockSpan()
	assert.EqualValues(t, 5999, last, "log time goes on, or nothing would ever be flushed")
	assert.Len(t, w.flushAll(), 100)
	assert.False(t, w.Crowded())
	w.Block(1)
	w.do(op{At: 6000})
	assert.EqualValues(t, 900, w.Late())
}

func TestCellsAreBounded(t *testing.T) {
	r := NewRecorder(RecorderOptions{Interval: 1})
	var ids []ID
	for i := range DefaultMaxSeries {
		ids = append(ids, r.SeriesBytes(fmt.Append(nil, i), Counter))
	}
	start := heap()
	r.Block(0)
	total := uint64(0)
	for second := range int64(1000) {
		for i := 0; i < len(ids); i += 10 {
			r.At(second)
			r.Inc(ids[i], 1)
			total++
		}
	}
	assert.Less(t, heap()-start, uint64(200<<20))
	assert.True(t, r.Crowded())
	assert.NotZero(t, r.Late())
	for _, start := range r.Intervals() {
		var b Batch
		r.FlushInterval(start, &b)
		for i := range b.Samples {
			total -= b.Samples[i].Count
		}
	}
	assert.Equal(t, r.Late(), total, "no line is lost without being counted")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestFull(t *testing.T) {
	r := NewRecorder(RecorderOptions{MaxSeries: 4})
	for i := range 3 {
		assert.False(t, r.Full())
		r.SeriesBytes([]byte{'a' + byte(i)}, Counter)
	}
	assert.True(t, r.Full())
}

func TestRecordingOutsideOfABlock(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 10})
	assert.PanicsWithValue(t, "BUG: recorded before Block, or for a series of another recorder", func() { w.Inc(w.count, 1) })
	w.Block(0)
	assert.Panics(t, func() { w.Inc(12345, 1) })
}

func TestAtDoesNotAllocate(t *testing.T) {
	w := newWorker(RecorderOptions{Interval: 1})
	w.Bound(3, 7)
	w.Block(0)
	unix := int64(0)
	line := func() {
		w.At(unix % 10)
		w.Inc(w.count, 1)
		unix++
	}
	for range 10 {
		line()
	}
	assert.Zero(t, testing.AllocsPerRun(1000, line))
}

func BenchmarkAt(b *testing.B) {
	for _, bench := range []struct {
		name  string
		every int64 // lines
	}{{"same second", math.MaxInt64}, {"next second each 100 lines", 100}, {"other interval each line", 1}} {
		b.Run(bench.name, func(b *testing.B) {
			w := newWorker(RecorderOptions{Interval: 10})
			w.Bound(0, 1<<40)
			w.Block(0)
			b.ReportAllocs()
			i := int64(0)
			for b.Loop() {
				i++
				w.At(1e9 + i/bench.every*10%1000)
				w.Inc(w.count, 1)
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	w := newWorker(RecorderOptions{})
	for name, fn := range map[string]func(){
		"Inc":           func() { w.Inc(w.count, 1) },
		"Set":           func() { w.Set(w.level, 1.5) },
		"Observe timer": func() { w.Observe(w.delay, 1.5) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fn()
			}
		})
	}
}

// BenchmarkCommit is what a commit of 10 open intervals with 1000 series costs.
func BenchmarkCommit(b *testing.B) {
	w := newWorker(RecorderOptions{Interval: 10})
	w.Block(0)
	for i := range 10000 {
		w.At(int64(i / 100))
		w.Observe(w.SeriesBytes(fmt.Append(nil, "n", i%1000), Timer), float64(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		w.AppendOpen(nil)
	}
}
