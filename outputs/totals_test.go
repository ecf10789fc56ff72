package outputs

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// counted is a batch of counters, numbered and stamped.
func counted(seq uint64, sums map[string]float64) *metric.Batch {
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: seq}, Stamp: 1760000000 + 10*int64(seq)}
	for name, sum := range sums {
		s := metric.Sample{Name: name, Kind: metric.Counter}
		if sum != 0 {
			s.Bucket = metric.Bucket{Count: 1, Sum: sum}
		}
		b.Samples = append(b.Samples, s)
	}
	return b
}

func (t *totals) shown() map[string]float64 {
	m := make(map[string]float64)
	for _, s := range t.order {
		key := s.Name
		for _, tag := range s.Tags {
			key += ";" + tag.Key + "=" + tag.Value
		}
		m[key] = s.Sum
	}
	return m
}

func TestTotalsAddEachBatchOnce(t *testing.T) {
	var sums totals
	one, two := counted(5, map[string]float64{"a": 1, "idle": 0}), counted(6, map[string]float64{"a": 2, "b": 7})
	sums.add(one)
	assert.True(t, sums.first(one))
	sums.add(one)
	assert.Equal(t, map[string]float64{"a": 1, "idle": 0}, sums.shown())
	assert.True(t, sums.first(one), "a repeat of the first is the first")
	sums.add(two)
	sums.add(two)
	sums.add(one)
	assert.Equal(t, map[string]float64{"a": 3, "b": 7, "idle": 0}, sums.shown())
	assert.False(t, sums.first(two))
}

// TestStatefulSkipsWhatWasTaken: several batches come from one file, and the
// memo is kept after the last; a kill before the cursor is kept has all of them
// come again. Those before the last were taken, with totals nobody knows any more.
func TestStatefulSkipsWhatWasTaken(t *testing.T) {
	for name, opt := range map[string]Options{
		"influx":     {Protocol: "udp", Influx: InfluxOptions{MetricName: "m"}},
		"prometheus": {Protocol: "http", Address: "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := Find(name)
			require.True(t, ok)
			var sent bytes.Buffer
			opt.DryRun = &sent
			write := func(out Output, b *metric.Batch) string {
				sent.Reset()
				require.NoError(t, out.Write(t.Context(), b))
				return sent.String()
			}
			one, two := counted(1, map[string]float64{"a": 1}), counted(2, map[string]float64{"a": 2})
			out, err := f.New(opt)
			require.NoError(t, err)
			require.NotEmpty(t, write(out, one))
			want := write(out, two)
			again, err := f.New(opt)
			require.NoError(t, err)
			was, ok := As[Stateful](out)
			require.True(t, ok)
			is, ok := As[Stateful](again)
			require.True(t, ok)
			require.NoError(t, is.Restore(was.Memo()))
			assert.Empty(t, write(again, one))
			assert.Equal(t, want, write(again, two))
		})
	}
}

func TestTotalsTellSeriesApart(t *testing.T) {
	b := counted(1, nil)
	for _, tags := range []metric.Tags{nil, {{Key: "k", Value: "v"}}, {{Key: "k", Value: "w"}}, {{Key: "k", Value: "v"}, {Key: "l", Value: "v"}}} {
		b.Samples = append(b.Samples, metric.Sample{Name: "a", Tags: tags, Kind: metric.Counter, Bucket: metric.Bucket{Count: 1, Sum: 1}})
	}
	b.Samples = append(b.Samples, metric.NewGauge("level", 3, metric.Shortest, ""))
	var sums totals
	sums.add(b)
	clear(b.Samples[1].Tags) // nothing of the batch is kept
	assert.Equal(t, map[string]float64{"a": 1, "a;k=v": 1, "a;k=w": 1, "a;k=v;l=v": 1}, sums.shown())
}

func TestTotalsOfAnotherJob(t *testing.T) {
	var sums totals
	sums.add(counted(5, map[string]float64{"a": 1}))
	other := counted(3, map[string]float64{"b": 2})
	other.ID.Job[0] = 2
	sums.add(other)
	assert.Equal(t, map[string]float64{"b": 2}, sums.shown())
	assert.True(t, sums.first(other))
}

// TestTotalsWithoutNumber: a batch outside a job's history is never a repeat.
func TestTotalsWithoutNumber(t *testing.T) {
	var sums totals
	for range 2 {
		sums.add(counted(0, map[string]float64{"a": 1}))
	}
	assert.Equal(t, map[string]float64{"a": 2}, sums.shown())
}

// TestTotalsRestart stops and goes on at random, writing some batches twice;
// the totals are those of a run without either.
func TestTotalsRestart(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var straight, sums totals
	require.NoError(t, sums.Restore(nil))
	kept := sums.Memo()
	for seq := uint64(1); seq < 200; seq++ {
		b := counted(seq, map[string]float64{fmt.Sprint("c", rnd.IntN(20)): float64(rnd.IntN(100)), "always": .5})
		straight.add(b)
		sums.add(b)
		for range rnd.IntN(3) {
			if rnd.IntN(2) == 0 { // stopped before this batch was known to be delivered
				sums = totals{}
				require.NoError(t, sums.Restore(kept))
			}
			sums.add(b)
		}
		require.Equal(t, straight.first(b), sums.first(b))
		require.Equal(t, straight.shown(), sums.shown(), seq)
		kept = sums.Memo()
	}
}

func TestTotalsRefuseDamage(t *testing.T) {
	var sums totals
	sums.add(counted(1, map[string]float64{"a": 1}))
	memo := sums.Memo()
	memo[len(memo)/2] ^= 1
	require.ErrorIs(t, sums.Restore(memo), metric.ErrBadBatch)
	assert.Empty(t, sums.shown())
}

func TestTotalsAreBounded(t *testing.T) {
	var sums totals
	for seq := range uint64(12) {
		b := counted(seq+1, nil)
		for i := range 10_000 {
			s := metric.Sample{Name: fmt.Sprintf("n%d.%d", seq, i), Kind: metric.Counter, Bucket: metric.Bucket{Count: 1, Sum: 1}}
			b.Samples = append(b.Samples, s)
		}
		sums.add(b)
	}
	shown := sums.shown()
	assert.Len(t, shown, maxTotals+1)
	assert.EqualValues(t, 20_000, shown[metric.Overflow], "what exceeds the bound is not lost")
}

// remembering is a Stateful that takes all.
type remembering struct{ totals }

func (r *remembering) Write(context.Context, *metric.Batch) error { return nil }
func (r *remembering) Close() error                               { return nil }

func TestRetryRemembers(t *testing.T) {
	_, ok := As[Stateful](Retry(&output{}, time.Second, time.Second))
	assert.False(t, ok)
	out := &remembering{}
	s, ok := As[Stateful](Retry(out, time.Second, time.Second))
	require.True(t, ok)
	out.add(counted(1, map[string]float64{"a": 1}))
	memo := s.Memo()
	out.totals = totals{}
	require.NoError(t, s.Restore(memo))
	assert.Equal(t, map[string]float64{"a": 1}, out.shown())
	require.NoError(t, s.Write(t.Context(), counted(2, nil)))
}
