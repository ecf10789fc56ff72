package gatherer_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// TestMemoryOfHostileBatches: the largest batches, of what is small on the way
// and large in memory, cost no more than twenty times their length.
func TestMemoryOfHostileBatches(t *testing.T) {
	most := int64(20 * gatherer.MaxPlain)
	if testutil.Race() {
		most += most / 4 // small objects are larger then
	}
	for name, record := range map[string]func(r *metric.Recorder){
		"sets of tiny members": func(r *metric.Recorder) {
			id := r.Series("a", metric.Set, metric.Shortest)
			for k := range metric.MaxMembers {
				r.Add(id, []byte{byte(k), byte(k >> 8)})
			}
		},
		"sparse sketches": func(r *metric.Recorder) {
			id := r.Series("a", metric.Timer, metric.Shortest)
			for range metric.MaxExact {
				r.Observe(id, 1e-9)
			}
			r.Observe(id, 1e15)
		},
		"nothing but names": func(r *metric.Recorder) { r.Series("a", metric.Counter, metric.Shortest) },
	} {
		body := largest(record)
		before := heap()
		d := gatherer.NewDecoder()
		got, err := d.Parse(body)
		require.NoError(t, err, name)
		grown := int64(heap()) - int64(before)
		t.Logf("%s: %d samples, %d KB on the way, %d MB in memory", name, len(got.Samples), len(body)>>10, grown>>20)
		assert.Less(t, grown, most, name)
		d.Close()
	}
}

// largest is a body with as many copies of a sample as may be.
func largest(record func(r *metric.Recorder)) []byte {
	r := metric.NewRecorder(metric.RecorderOptions{})
	record(r)
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{1}, Seq: 1}}
	r.Flush(b)
	one := len(metric.AppendBatch(nil, b))
	b.Samples = slices.Repeat(b.Samples, min(gatherer.MaxSamples, gatherer.MaxPlain/one))
	return gatherer.NewEncoder().Append(nil, metric.AppendBatch(nil, b))
}

// heap is what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
