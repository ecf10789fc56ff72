package outputs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// otlpMetrics decodes a request by the protocol's own library.
func otlpMetrics(t testing.TB, body []byte) (list []*metricspb.Metric) {
	t.Helper()
	var data metricspb.MetricsData
	require.NoError(t, proto.Unmarshal(body, &data))
	require.Empty(t, data.ProtoReflect().GetUnknown())
	require.Len(t, data.ResourceMetrics, 1)
	require.Len(t, data.ResourceMetrics[0].ScopeMetrics, 1)
	assert.Equal(t, "service.name", data.ResourceMetrics[0].Resource.Attributes[0].Key)
	return data.ResourceMetrics[0].ScopeMetrics[0].Metrics
}

// collector is an OTLP receiver on loopback.
type collector struct {
	*httptest.Server
	answer []byte // to each request
	bodies [][]byte
	header http.Header // of the last one
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/metrics" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Content-Encoding") != "gzip" {
			http.Error(w, "this takes metrics", http.StatusNotFound)
			return
		}
		body, err := unpacked(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.bodies, c.header = append(c.bodies, body), r.Header
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(c.answer)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) metrics(t *testing.T) map[string]*metricspb.Metric {
	t.Helper()
	all := make(map[string]*metricspb.Metric)
	for _, body := range c.bodies {
		for _, m := range otlpMetrics(t, body) {
			require.NotContains(t, all, m.Name)
			all[m.Name] = m
		}
	}
	return all
}

func TestCollectorGetsEachKind(t *testing.T) {
	c := startCollector(t)
	secret := filepath.Join(t.TempDir(), "headers")
	require.NoError(t, os.WriteFile(secret, []byte("# of the collector\nAuthorization: Bearer abc\n\nX-Tenant: t: 1\n"), 0o600))
	b := sampleBatch()
	b.Samples[0].Unit = "Total"
	opt := outputs.Options{Address: c.URL, OTLP: outputs.OTLPOptions{HeadersFile: secret}}
	require.NoError(t, newVariant(t, variant{"otlp", "", opt}).Write(t.Context(), b))
	assert.Equal(t, "Bearer abc", c.header.Get("Authorization"))
	assert.Equal(t, "t: 1", c.header.Get("X-Tenant"))
	all := c.metrics(t)

	sum := all["servers.web1.numSent.test"].GetSum()
	require.NotNil(t, sum)
	assert.True(t, sum.IsMonotonic)
	assert.Equal(t, metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA, sum.AggregationTemporality)
	p := sum.DataPoints[0]
	assert.Equal(t, 97.0, p.GetAsDouble())
	assert.EqualValues(t, 1759999990e9, p.StartTimeUnixNano)
	assert.EqualValues(t, 1760000000e9, p.TimeUnixNano)

	assert.Equal(t, -5.25, all["servers.web1.change.test"].GetGauge().DataPoints[0].GetAsDouble())
	assert.Equal(t, 4.0, all["servers.web1.clients.test"].GetGauge().DataPoints[0].GetAsDouble())
	requests := all["servers.web1.requests.test"].GetSum().DataPoints
	require.Len(t, requests, 1)
	assert.Equal(t, map[string]string{"code": "200", "method": "GET"}, attributes(requests[0].Attributes))

	idle := all["servers.web1.idle.timer.test"].GetExponentialHistogram().DataPoints[0]
	assert.Zero(t, idle.Count)
	assert.Nil(t, idle.Min)
	delay := all["servers.web1.delay.test"]
	assert.Equal(t, "s", delay.Unit)
	h := delay.GetExponentialHistogram().DataPoints[0]
	assert.Equal(t, []any{uint64(4), -1.0, 2.0}, []any{h.Count, h.GetMin(), h.GetMax()})
	assert.Nil(t, h.Sum, "not with values below 0")
	assert.Equal(t, .25, all["servers.web1.time.test"].GetExponentialHistogram().DataPoints[0].GetSum())
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, a := range list {
		all[a.Key] = a.Value.GetStringValue()
	}
	return all
}

func TestOTLPJoinsSeriesOfAName(t *testing.T) {
	r := metric.NewRecorder(metric.RecorderOptions{})
	f := r.Family("requests", metric.Counter, "code")
	for i := range 12_000 {
		r.Inc(f.ID(fmt.Append(nil, i)), 1)
	}
	r.Unit(r.Series("wait", metric.Gauge, metric.Shortest), "ms")
	r.Unit(r.Series("sent", metric.Gauge, metric.Shortest), "Total Sent")
	b := &metric.Batch{Start: 5, End: 5}
	r.Flush(b)
	c := startCollector(t)
	require.NoError(t, newVariant(t, variant{"otlp", "", outputs.Options{Address: c.URL}}).Write(t.Context(), b))
	require.Len(t, c.bodies, 3, "each within what collectors take")
	points := 0
	for _, body := range c.bodies {
		for _, m := range otlpMetrics(t, body) {
			points += len(m.GetSum().GetDataPoints())
			switch m.Name {
			case "wait":
				assert.Equal(t, "ms", m.Unit)
			case "sent":
				assert.Equal(t, "Total Sent", m.Description, "no code of UCUM")
				assert.Empty(t, m.Unit)
			}
		}
		assert.LessOrEqual(t, len(otlpMetrics(t, body)), 3)
	}
	assert.Equal(t, len(b.Samples)-2, points)
}

// answerOf is an ExportMetricsServiceResponse, with a field nobody knows.
func answerOf(refused int64, why string) []byte {
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(refused))
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), why)
	answer := protowire.AppendFixed64(protowire.AppendTag(nil, 9, protowire.Fixed64Type), 1)
	return protowire.AppendBytes(protowire.AppendTag(answer, 1, protowire.BytesType), partial)
}

func TestPartialSuccess(t *testing.T) {
	c := startCollector(t)
	out := newVariant(t, variant{"otlp", "", outputs.Options{Address: c.URL}})
	b := bigBatch()
	b.Samples = b.Samples[:10_001]
	c.answer = answerOf(2, "no\nunits")
	err := out.Write(t.Context(), b)
	require.ErrorIs(t, err, outputs.ErrPermanent)
	assert.ErrorContains(t, err, `refused 6 data points and took the others: "no\nunits"`)
	assert.Len(t, c.bodies, 3, "the other requests go on")
	for name, answer := range map[string][]byte{"a warning": answerOf(0, "slow down"), "JSON": []byte("{}"), "cut": answerOf(3, "x")[:12], "none": nil} {
		c.answer = answer
		assert.NoError(t, out.Write(t.Context(), sampleBatch()), name)
	}
}

// TestExponentialBins holds the bins to the protocol's definition and to the
// values, at their ends, too.
func TestExponentialBins(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for name, c := range map[string]struct {
		value func() float64
		n     int
		scale int32
	}{
		"one":           {func() float64 { return .25 }, 1, 6},
		"powers of 2":   {func() float64 { return math.Ldexp(1, rnd.IntN(4)) }, 100, 6},
		"near":          {func() float64 { return 1 + rnd.Float64() }, 1000, 6},
		"zeros":         {func() float64 { return float64(rnd.IntN(2)) }, 100, 6},
		"mostly":        {func() float64 { return math.Exp(rnd.NormFloat64() * 2) }, 5000, -100},
		"both sides":    {func() float64 { return rnd.NormFloat64() }, 3000, -100},
		"extremes":      {func() float64 { return math.Ldexp(1+rnd.Float64(), rnd.IntN(2000)-1000) }, 1000, -1},
		"a sketch":      {func() float64 { return 1 + rnd.Float64()*8 }, 20_000, 6},
		"a wide sketch": {func() float64 { return math.Exp(rnd.NormFloat64()) }, 20_000, -100},
	} {
		t.Run(name, func(t *testing.T) {
			r := metric.NewRecorder(metric.RecorderOptions{})
			id := r.Series("t", metric.Timer, metric.Shortest)
			for range c.n {
				r.Observe(id, c.value())
			}
			b := &metric.Batch{Start: 1, End: 2}
			r.Flush(b)
			checkBins(t, &b.Samples[0], histogramOf(t, b), c.scale)
		})
	}
}

func histogramOf(t *testing.T, b *metric.Batch) (p *metricspb.ExponentialHistogramDataPoint) {
	t.Helper()
	outputs.Packets(t, "otlp", outputs.Options{}, b, func(body []byte) {
		p = otlpMetrics(t, body)[0].GetExponentialHistogram().DataPoints[0]
	})
	return p
}

// checkBins compares with what the definition makes of each value. A scale of
// -100 is any.
func checkBins(t *testing.T, s *metric.Sample, p *metricspb.ExponentialHistogramDataPoint, scale int32) {
	if scale != -100 {
		assert.Equal(t, scale, p.Scale)
	}
	assert.Equal(t, s.Count, p.Count)
	total := p.ZeroCount
	for sign, side := range map[float64]*metricspb.ExponentialHistogramDataPoint_Buckets{1: p.Positive, -1: p.Negative} {
		assert.LessOrEqual(t, len(side.GetBucketCounts()), 320)
		for i, n := range side.GetBucketCounts() {
			total += n
			width := math.Ldexp(1, -int(p.Scale)) // in powers of 2
			low, high := float64(int(side.Offset)+i)*width, float64(int(side.Offset)+i+1)*width
			var want uint64
			s.Dist.Bins(func(v float64, count uint64) bool {
				if at := math.Log2(v * sign); v*sign >= 1e-9 && at > low+1e-12*math.Abs(low) && at <= high+1e-12*math.Abs(high) {
					want += count
				}
				return true
			})
			assert.Equal(t, want, n, "bin %d", int(side.Offset)+i)
		}
	}
	assert.Equal(t, s.Count, total, "each value is somewhere")
}

func FuzzPartialSuccess(f *testing.F) {
	f.Add(answerOf(3, "no units"))
	f.Add(answerOf(-1, "\xff"))
	f.Add([]byte("{}"))
	f.Add(answerOf(3, "x")[:12])
	f.Fuzz(func(t *testing.T, answer []byte) {
		refused, why := outputs.PartialSuccess(answer)
		require.GreaterOrEqual(t, refused, int64(0))
		require.True(t, utf8.ValidString(why))
	})
}
