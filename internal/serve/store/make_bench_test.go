package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// BenchmarkNewSeries makes a series with each sample: an operation is 100 000, as
// many as the first flush of 50 000 counters of statsd has.
func BenchmarkNewSeries(b *testing.B) {
	const n = 100_000
	names := make([][]byte, n)
	for i := range names {
		names[i] = fmt.Appendf(nil, "stats.counters.host%d.metric%d.rate", i/100, i%100)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		db, err := store.Open(store.Options{Dir: b.TempDir(), SealEvery: -1, MaxNewSeries: 10 * n})
		require.NoError(b, err)
		w := db.NewWriter()
		now := time.Now().Unix()
		b.StartTimer()
		for _, name := range names {
			w.Add(name, metric.Average, now, 1)
		}
		require.NoError(b, w.Flush())
		b.StopTimer()
		require.NoError(b, db.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/series")
}
