package metric_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/metric"
)

func TestDeclaredListsWhatIsSentInOrder(t *testing.T) {
	r := metric.NewRecorder(metric.RecorderOptions{})
	sent := r.Series("sent", metric.Counter, metric.PyInt)
	r.Unit(sent, "Total Sent")
	r.Hide(r.Series("secret", metric.Counter, metric.Shortest))
	r.SeriesBytes([]byte("from.log"), metric.Timer)
	r.Derive("rate", metric.Shortest, metric.Rate(sent))
	assert.Equal(t, []metric.Sample{
		{Name: "sent", Kind: metric.Counter, Form: metric.PyInt, Unit: "Total Sent"},
		{Name: "rate", Kind: metric.Gauge},
	}, r.Declared())
}
