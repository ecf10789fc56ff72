package metric_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/logmetrics/logmetrics/metric"
)

// worker is a recorder with the declarations that a parser would make.
type worker struct {
	*Recorder
	count, level, delay, who ID
	family                   *Family
}

func newWorker(opt RecorderOptions) *worker {
	w := &worker{Recorder: NewRecorder(opt)}
	w.count = w.Series("count", Counter, PyInt)
	w.level = w.Series("level", Gauge, Shortest)
	w.delay = w.Series("delay", Timer, Shortest)
	w.who = w.Series("who", Set, Shortest)
	w.family = w.Family("requests", Gauge, "status")
	w.Derive("perSecond", Shortest, Rate(w.count))
	w.Derive("last", Shortest, func(v View) (float64, bool) {
		total, ok := v.Total("requests")
		return total.Last, ok
	})
	return w
}

// op is one line of a log.
type op struct {
	At    int64 // 0: a line without a stamp
	What  int
	Value float64
}

func (w *worker) do(o op) {
	if o.At != 0 {
		w.At(o.At)
	}
	node := fmt.Append(nil, "n/", int(o.Value)%5)
	switch o.What {
	case 0:
		w.Inc(w.count, uint64(o.Value)+1)
	case 1:
		w.SetForm(w.level, o.Value, Form(int(o.Value)%2))
	case 2:
		w.Observe(w.delay, o.Value)
	case 3:
		w.Add(w.who, node)
	case 4:
		w.Set(w.family.ID(node), o.Value)
	case 5:
		w.Observe(w.SeriesBytes(node, Timer), o.Value)
	case 6:
		w.SetForm(w.SeriesBytes(node, Counter), o.Value, Form(int(o.Value)%2))
	case 7:
		w.SetForm(w.level, math.Inf(1), Form(int(o.Value)%2)) // dropped
	}
}

// run gives blocks to n workers, block i to who[i], merges the workers in the
// order of their numbers and returns what is flushed.
func run(opt RecorderOptions, blocks [][]op, n int, who func(int) int) (batches []*Batch) {
	workers := make([]*worker, n)
	for i := range workers {
		workers[i] = newWorker(opt)
	}
	for i, block := range blocks {
		w := workers[who(i)]
		w.Block(uint64(i))
		for _, o := range block {
			w.do(o)
		}
	}
	all := newWorker(opt)
	for _, w := range workers {
		all.Merge(w.Recorder)
	}
	for _, start := range all.Intervals() {
		b := &Batch{Start: start, End: start + 10}
		all.FlushInterval(start, b)
		batches = append(batches, b)
	}
	return batches
}

func requireSame(t require.TestingT, want, got []*Batch) {
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].Start, got[i].Start)
		require.Len(t, got[i].Samples, len(want[i].Samples))
		for j := range want[i].Samples {
			requireSameSample(t, want[i].Samples[j], got[i].Samples[j])
		}
	}
}

func requireSameSample(t require.TestingT, w, g Sample) {
	near := func(a, b, scale, eps float64) {
		require.LessOrEqual(t, math.Abs(a-b), eps*scale+1e-300, "%s: %v, %v", w.Name, w.Bucket, g.Bucket)
	}
	near(w.Sum, g.Sum, w.Sum, 1e-12)
	// M2 is relative to itself, but no better than the rounding of the squares.
	near(w.M2, g.M2, w.M2+1e-6*float64(w.Count)*w.Max*w.Max, 1e-9)
	g.Sum, g.M2 = w.Sum, w.M2
	require.Equal(t, w.Bucket, g.Bucket, w.Name)
	require.Equal(t, w.Form, g.Form, w.Name)
	require.Equal(t, w.Tags, g.Tags)
	require.Equal(t, AppendBatch(nil, &Batch{Samples: []Sample{w}}), AppendBatch(nil, &Batch{Samples: []Sample{g}}), w.Name)
}

// The promise of the package: any number of recorders, any cut.
func TestAnyNumberOfRecordersAgree(t *testing.T) {
	for _, opt := range []RecorderOptions{{}, {Interval: 10}} {
		t.Run(fmt.Sprint("interval ", opt.Interval), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				line := rapid.Custom(func(t *rapid.T) op {
					o := op{What: rapid.IntRange(0, 7).Draw(t, "what"), Value: rapid.Float64Range(0, 1000).Draw(t, "value")}
					if rapid.Bool().Draw(t, "stamped") {
						o.At = rapid.Int64Range(1000, 1049).Draw(t, "at")
					}
					return o
				})
				blocks := rapid.SliceOfN(rapid.SliceOfN(line, 0, 8), 1, 12).Draw(t, "blocks")
				n := rapid.IntRange(1, 5).Draw(t, "workers")
				who := rapid.SliceOfN(rapid.IntRange(0, n-1), len(blocks), len(blocks)).Draw(t, "who")
				one := run(opt, blocks, 1, func(int) int { return 0 })
				requireSame(t, one, run(opt, blocks, n, func(i int) int { return who[i] }))
			})
		})
	}
}

func TestFlushOrder(t *testing.T) {
	r := NewRecorder(RecorderOptions{})
	for _, n := range []string{"zz", "b b", "a"} {
		r.Inc(r.SeriesBytes([]byte(n), Counter), 1)
	}
	z := r.Series("z", Counter, PyInt)
	r.ZeroAs(r.Derive("share", PyFloat, Percent(z, z)), PyInt)
	r.Derive("rate", PyFloat, Rate(z))
	r.Series("first", Counter, PyInt)
	r.Hide(r.Series("hidden", Counter, PyInt))
	f := r.Family("a", Counter, "k")
	r.Inc(f.ID([]byte("v")), 1)
	r.SeriesBytes([]byte("idle"), Counter)

	assert.Equal(t, []string{"z", "share", "first", "a", "a", "b_b", "zz"}, flushed(r, 0), "no rate without a length")
	r.Inc(z, 5)
	assert.Equal(t, []string{"z", "share", "rate", "first"}, flushed(r, 10), "names from the log only when they have values")
}

func flushed(r *Recorder, seconds int64) (names []string) {
	b := &Batch{End: seconds}
	r.Flush(b)
	for _, s := range b.Samples {
		names = append(names, s.Name)
	}
	return names
}

func TestDerivedAndFinish(t *testing.T) {
	r := NewRecorder(RecorderOptions{})
	sent, lost := r.Series("sent", Counter, PyInt), r.Series("lost", Counter, PyInt)
	share := r.Derive("share", PyFloat, Percent(sent, sent, lost))
	r.ZeroAs(share, PyInt)
	r.Derive("broken", Shortest, func(View) (float64, bool) { return math.NaN(), true })
	r.Finish(func(s Sample, seconds float64, emit func(Sample)) {
		emit(NewGauge(s.Name+"PerSec", s.Sum/seconds, PyFloat, "/s"))
		emit(NewGauge("bad name", 1, PyFloat, ""))
	})
	var idle Batch
	r.Flush(&idle)
	require.Len(t, idle.Samples, 1, "a rate without a length is not finite")
	assert.Equal(t, NewGauge("share", 0, PyInt, ""), idle.Samples[0])

	r.Inc(sent, 3)
	r.Inc(lost, 1)
	b := Batch{Start: 0, End: 2}
	r.Flush(&b)
	require.NoError(t, b.Check())
	assert.Equal(t, []Sample{NewGauge("sentPerSec", 1.5, PyFloat, "/s"), NewGauge("lostPerSec", 0.5, PyFloat, "/s"), NewGauge("share", 75, PyFloat, "")}, b.Samples)
}

func TestSeriesAreBounded(t *testing.T) {
	r := NewRecorder(RecorderOptions{MaxSeries: 10})
	sent := r.Series("sent", Counter, PyInt)
	f := r.Family("requests", Counter, "status")
	for i := range 100 {
		r.Inc(r.SeriesBytes(fmt.Append(nil, "n", i), Counter), 1)
		r.Inc(f.ID(fmt.Append(nil, i)), 1)
	}
	assert.Equal(t, sent, r.SeriesBytes([]byte("sent"), Counter), "declared names are not beyond the bound")
	dropped, _ := r.Dropped()
	assert.EqualValues(t, 190, dropped)

	all := NewRecorder(RecorderOptions{MaxSeries: 3})
	all.Merge(r)
	dropped, _ = all.Dropped()
	assert.EqualValues(t, 190+7, dropped)
	b := new(Batch)
	all.Flush(b)
	sum, names := 0.0, map[string]float64{}
	for _, s := range b.Samples {
		sum += s.Sum
		v, _ := s.Tags.Get("status")
		names[s.Name+v] = s.Sum
	}
	assert.Equal(t, 200.0, sum, "nothing is lost beyond the bound")
	assert.Len(t, names, 1+3+2)
	assert.Equal(t, 99.0, names["requestsoverflow"])
	assert.Equal(t, 98.0, names["overflow"])
}

func TestHostileValuesAndNames(t *testing.T) {
	r := NewRecorder(RecorderOptions{})
	level := r.Series("level", Timer, Shortest)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, MaxValue, -MaxValue, MaxValue} {
		r.Observe(level, v)
	}
	_, values := r.Dropped()
	assert.EqualValues(t, 5, values)
	r.Inc(r.SeriesBytes([]byte("a:1|c\nb"), Counter), 1)
	r.Inc(r.Family("f", Counter, "k").ID([]byte("x;y=z.\x00")), 1)
	r.SeriesBytes([]byte("f\x00k=x_y_z_"), Counter)
	b := new(Batch)
	r.Flush(b)
	require.NoError(t, b.Check(), "sums of the largest values are finite")
	require.Len(t, b.Samples, 3)
	assert.Equal(t, "a_1_c_b", b.Samples[1].Name)
	assert.Equal(t, Tags{{"k", "x_y_z_"}}, b.Samples[2].Tags)
	assert.Panics(t, func() { r.Series("a b", Counter, PyInt) })
	assert.Panics(t, func() { r.Family("f", Counter, "b", "a") })
	assert.Panics(t, func() { r.Unit(level, "a\nb") })
}

// A line without a stamp takes the time of the line before it, also when
// another worker had that one, and also after a flush.
func TestUntimedLinesFollowTheLineBefore(t *testing.T) {
	opt := RecorderOptions{Interval: 10}
	a, b := newWorker(opt), newWorker(opt)
	a.Block(0)
	a.At(1005)
	a.Set(a.level, 1)
	a.At(1031)
	a.Inc(a.count, 1)
	b.Block(1)
	b.Set(b.level, 2) // belongs to 1030
	b.At(1031)
	b.Set(b.level, 3)
	a.Merge(b.Recorder)
	require.Equal(t, []int64{1000, 1030}, a.Intervals())
	var early, late Batch
	a.FlushInterval(1000, &early)
	a.FlushInterval(1030, &late)
	assert.Equal(t, 1.0, early.Samples[1].Last)
	assert.Equal(t, Bucket{Count: 2, Sum: 5, Min: 2, Max: 3, M2: 0.5, Last: 3}, late.Samples[1].Bucket)

	a.Block(2)
	a.Inc(a.count, 1)
	assert.Equal(t, []int64{1030}, a.Intervals(), "not the first interval of all")
	first, last, ok := a.Span()
	assert.Equal(t, []any{int64(1005), int64(1031), true}, []any{first, last, ok})
}

func TestBucketMerge(t *testing.T) {
	var all, left, right Bucket
	for i := range 100 {
		v := float64(i * i)
		all.Observe(v)
		if i < 37 {
			left.Observe(v)
		} else {
			right.Observe(v)
		}
	}
	left.Merge(right)
	left.Merge(Bucket{})
	assert.InEpsilon(t, all.M2, left.M2, 1e-12)
	assert.InEpsilon(t, all.Variance(), left.Variance(), 1e-12)
	left.M2 = all.M2
	assert.Equal(t, all, left)
	assert.Zero(t, new(Bucket).Mean())
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	w := newWorker(RecorderOptions{MaxSeries: 100})
	dirty, status := []byte("some name/x"), []byte("4 04")
	member := []byte("member")
	line := func() {
		w.At(5)
		w.Inc(w.count, 1)
		w.Set(w.level, 2)
		w.Observe(w.delay, 3)
		w.Add(w.who, member)
		w.Inc(w.SeriesBytes(dirty, Counter), 1)
		w.Set(w.family.ID(status), 1)
	}
	for range 10000 { // until the timer is a sketch
		line()
	}
	assert.Zero(t, testing.AllocsPerRun(1000, line))

	for i := range 200 {
		w.SeriesBytes(fmt.Append(nil, "flood", i), Counter)
	}
	w.family.ID([]byte("flood"))
	beyond := func() {
		w.Inc(w.SeriesBytes([]byte("one more"), Counter), 1)
		w.Set(w.family.ID(member), 1)
	}
	beyond()
	assert.Zero(t, testing.AllocsPerRun(1000, beyond), "beyond the bound")
}
