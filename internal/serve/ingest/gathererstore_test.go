package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// TestGathererTakesABatchOnceOfManyAtATime posts each batch eight times at once,
// as a client does that has lost its patience.
func TestGathererTakesABatchOnceOfManyAtATime(t *testing.T) {
	db, err := store.Open(store.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	g := ingest.NewGatherer(ingest.GathererOptions{Writer: func() ingest.BatchWriter { return db.NewWriter() }})
	now := time.Now().Unix()
	var fresh atomic.Int64
	const batches = 10
	for seq := range uint64(batches) {
		b := recorded(seq+1, now, func(r *metric.Recorder) {
			r.Inc(r.Series("n", metric.Counter, metric.PyInt), 3)
			r.Observe(r.Series("delay", metric.Timer, metric.Shortest), float64(seq))
		})
		body := gatherer.NewEncoder().Append(nil, metric.AppendBatch(nil, b))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, gatherer.Path, bytes.NewReader(body))
				req.Header.Set("Content-Encoding", gatherer.Encoding)
				res := httptest.NewRecorder()
				g.ServeHTTP(res, req)
				assert.Equal(t, http.StatusOK, res.Code, "%s", res.Body)
				if a, err := gatherer.ParseAnswer(res.Body.Bytes()); assert.NoError(t, err) && !a.Repeated {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
	}
	assert.EqualValues(t, batches, fresh.Load())
	sum := func(name string) (sum float64) {
		c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: now - 60, Until: now + 60})
		require.NoError(t, err)
		for i := range c.Sum {
			sum += c.Sum[i]
		}
		return sum
	}
	assert.EqualValues(t, 3*batches, sum("servers.web1.n.x"))
	assert.EqualValues(t, batches*(batches-1)/2, sum("servers.web1.delay.x.sum"))
	assert.EqualValues(t, batches, sum("servers.web1.delay.x.count"))
}
