package metric_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/metric"
)

// The unit that the log has first counts, whichever worker read it and in
// whichever order they are merged.
func TestMergeKeepsTheEarliestUnit(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {1, 0, 2}} {
		main := metric.NewRecorder(metric.RecorderOptions{})
		for _, seq := range order {
			r := metric.NewRecorder(metric.RecorderOptions{})
			r.Block(uint64(seq))
			id := r.SeriesBytes([]byte("x"), metric.Timer)
			r.Observe(id, 1)
			r.Unit(id, []string{"", "ms", "s"}[seq])
			main.Merge(r)
		}
		b := metric.Batch{}
		main.Flush(&b)
		assert.Equal(t, "", b.Samples[0].Unit, order)
	}
}

func TestCountersHaveNoSpread(t *testing.T) {
	main := metric.NewRecorder(metric.RecorderOptions{})
	for _, v := range []float64{1, 5, 7} {
		r := metric.NewRecorder(metric.RecorderOptions{})
		r.Observe(r.SeriesBytes([]byte("x"), metric.Counter), v)
		main.Merge(r)
	}
	b := metric.Batch{}
	main.Flush(&b)
	assert.Equal(t, metric.Bucket{Count: 3, Sum: 13}, b.Samples[0].Bucket)
}
