package ingest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// stored is an HTTP server with a real store behind it.
type stored struct {
	db  *store.DB
	url string
}

func serveStore(t *testing.T, opt store.Options) *stored {
	t.Helper()
	opt.Dir, opt.FS = "data", vfs.NewMem()
	opt.Now = func() time.Time { return now }
	db, err := store.Open(opt)
	require.NoError(t, err)
	r := newRig(ingest.HTTPOptions{NewWriter: func() ingest.HTTPWriter { return db.NewWriter() }})
	s := httptest.NewServer(r.mux)
	t.Cleanup(func() {
		s.Close()
		assert.NoError(t, db.Close())
	})
	return &stored{db, s.URL}
}

// last returns what the store shows of the ten seconds that begin at unix.
func (s *stored) last(t testing.TB, name string, unix int64) float64 {
	t.Helper()
	c, err := s.db.Fetch(t.Context(), name, store.FetchOptions{From: unix, Until: unix + 10, Step: 10})
	require.NoError(t, err, name)
	require.Len(t, c.Value, 1)
	return c.Value[0]
}

// run makes the batch of one interval of a mail log.
func run(seq uint64, sent int) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	deliveries, delay := r.Series("numSent", metric.Counter, metric.PyInt), r.Series("delay", metric.Timer, metric.Shortest)
	relays := r.Family("relays", metric.Counter, "relay")
	for i := range sent {
		r.Inc(deliveries, 1)
		r.Observe(delay, float64(i%10)/10)
		r.Inc(relays.ID([]byte("mx1")), 1)
	}
	r.Set(r.Series("pctSent", metric.Gauge, metric.PyFloat), 99.5)
	end := now.Unix() / 10 * 10
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{3}, Seq: seq}, Start: end - 10, End: end, Stamp: end - 10, Prefix: "servers.mx-1"}
	r.Flush(b)
	return b
}

func deliver(t *testing.T, name string, opt outputs.Options, batches ...*metric.Batch) {
	t.Helper()
	for _, f := range outputs.Table() {
		if f.Name != name {
			continue
		}
		out, err := f.New(opt)
		require.NoError(t, err)
		for _, b := range batches {
			require.NoError(t, out.Write(t.Context(), b))
		}
		require.NoError(t, out.Close())
		return
	}
	require.FailNow(t, "no output "+name)
}

// TestOutputsRoundTrip: what our own outputs send is in the store as it was meant.
func TestOutputsRoundTrip(t *testing.T) {
	begin := now.Unix()/10*10 - 10
	for _, c := range []struct {
		name    string
		output  string
		opt     outputs.Options
		batches []*metric.Batch
		want    map[string]float64
	}{
		{"influx 1", "influx", outputs.Options{Influx: outputs.InfluxOptions{Database: "d"}}, []*metric.Batch{run(1, 20), run(1, 20)}, map[string]float64{
			"servers.mx-1.numSent": 20, "servers.mx-1.relays;relay=mx1": 20, "servers.mx-1.pctSent": 99.5,
			"servers.mx-1.delay.count": 20, "servers.mx-1.delay.upper": .9}},
		{"influx 2", "influx", outputs.Options{Influx: outputs.InfluxOptions{Bucket: "b"}}, []*metric.Batch{run(1, 20)}, map[string]float64{"servers.mx-1.numSent": 20}},
		{"remote write", "prometheus", outputs.Options{Protocol: "remote-write"}, []*metric.Batch{run(1, 20), run(2, 5)}, map[string]float64{
			"servers_mx_1_num_sent_total": 25, "servers_mx_1_relays_total;relay=mx1": 25, "servers_mx_1_pct_sent": 99.5,
			"servers_mx_1_delay_seconds_count": 25, "servers_mx_1_delay_seconds_bucket;le=+Inf": 25, "servers_mx_1_delay_seconds_bucket;le=0.5": 17}},
		{"otlp", "otlp", outputs.Options{OTLP: outputs.OTLPOptions{Hostname: "h"}}, []*metric.Batch{run(1, 20), run(2, 5)}, map[string]float64{
			"servers.mx-1.numSent;service.name=logmetrics;host.name=h": 25, "servers.mx-1.relays;relay=mx1;service.name=logmetrics;host.name=h": 25,
			"servers.mx-1.delay.count;service.name=logmetrics;host.name=h": 25, "servers.mx-1.delay.max;service.name=logmetrics;host.name=h": .9,
			"servers.mx-1.delay.bin;service.name=logmetrics;host.name=h;le=0.25": 3, // the .2 of each ten values
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveStore(t, store.Options{})
			c.opt.Address = s.url
			deliver(t, c.output, c.opt, c.batches...)
			for name, want := range c.want {
				assert.InDelta(t, want, s.last(t, name, begin), 1e-9, name)
			}
		})
	}
}

// TestStoreBounds: beyond the most series that there may be, new ones are refused
// and old ones live.
func TestStoreBounds(t *testing.T) {
	s := serveStore(t, store.Options{MaxSeries: 100})
	post := func(from, to int) (int, string) {
		var lines strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&lines, "m,k=%d value=%d\n", i, i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/write?db=d", strings.NewReader(lines.String()))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode, res.Header.Get("X-Influxdb-Error")
	}
	status, says := post(0, 50_000)
	assert.Equal(t, 400, status)
	assert.Contains(t, says, "tooManySeries")
	assert.Contains(t, says, "dropped=49900")
	status, _ = post(0, 100)
	assert.Equal(t, 204, status)
	assert.EqualValues(t, 99, s.last(t, "m;k=99", now.Unix()/10*10))
}
