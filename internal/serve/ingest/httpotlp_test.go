package ingest_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/otlp"
)

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func attribute(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: text(value)}
}

// request has the metrics of a service, made by the protocol's own library.
func request(metrics ...*metricspb.Metric) *metricspb.MetricsData {
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource:     &resourcepb.Resource{Attributes: []*commonpb.KeyValue{attribute("service.name", "shop"), attribute("process.pid", "17")}},
		ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: metrics}},
	}}}
}

var (
	nowNs     = uint64(now.UnixNano())
	delta     = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	running   = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	untold    = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_UNSPECIFIED
	recordedN = uint32(metricspb.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK)
)

func double(v float64, attributes ...*commonpb.KeyValue) *metricspb.NumberDataPoint {
	return &metricspb.NumberDataPoint{TimeUnixNano: nowNs, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: v}, Attributes: attributes}
}

func gauge(name string, points ...*metricspb.NumberDataPoint) *metricspb.Metric {
	return &metricspb.Metric{Name: name, Unit: "1", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: points}}}
}

func sum(name string, temporality metricspb.AggregationTemporality, monotonic bool, points ...*metricspb.NumberDataPoint) *metricspb.Metric {
	return &metricspb.Metric{Name: name, Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{AggregationTemporality: temporality, IsMonotonic: monotonic, DataPoints: points}}}
}

func bins(name string, temporality metricspb.AggregationTemporality, p *metricspb.HistogramDataPoint) *metricspb.Metric {
	p.TimeUnixNano = nowNs
	return &metricspb.Metric{Name: name, Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{AggregationTemporality: temporality, DataPoints: []*metricspb.HistogramDataPoint{p}}}}
}

func exponential(name string, p *metricspb.ExponentialHistogramDataPoint) *metricspb.Metric {
	p.TimeUnixNano = nowNs
	return &metricspb.Metric{Name: name, Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{AggregationTemporality: delta, DataPoints: []*metricspb.ExponentialHistogramDataPoint{p}}}}
}

func side(offset int32, counts ...uint64) *metricspb.ExponentialHistogramDataPoint_Buckets {
	return &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts}
}

func ptr[T any](v T) *T { return &v }

func TestOTLP(t *testing.T) {
	const s = ";service.name=shop"
	silent := double(1)
	silent.Flags = recordedN
	whole := &metricspb.NumberDataPoint{Value: &metricspb.NumberDataPoint_AsInt{AsInt: -3}}
	many := double(1)
	for i := range 65 {
		many.Attributes = append(many.Attributes, attribute(fmt.Sprint("k", i), "v"))
	}
	other := &commonpb.KeyValue{Key: "n", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: -7}}}
	list := &commonpb.KeyValue{Key: "l", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{text("x")}}}}}
	for _, c := range []struct {
		name     string
		metric   *metricspb.Metric
		rejected uint64
		why      string
		rows     []string
	}{
		{"gauge", gauge("queue.length", double(1.5, attribute("path", "/a b"), other, list)), 0, "", []string{"put queue.length;path=/a_b;n=-7" + s + " - 0 1.5"}},
		{"gauge with an integer and no time", gauge("g", whole), 0, "", []string{"put g" + s + " - 0 -3"}},
		{"the point's attribute stands before the resource's", gauge("g", double(1, attribute("service.name", "own"))), 0, "", []string{"put g;service.name=own - 0 1"}},
		{"running total", sum("n", running, true, double(7)), 0, "", []string{"put n" + s + " last 0 7"}},
		{"up and down", sum("n", running, false, double(7)), 0, "", []string{"put n" + s + " - 0 7"}},
		{"delta", sum("n", delta, true, double(7)), 0, "", []string{"merge n" + s + " sum -1 1*7"}},
		{"delta up and down", sum("n", delta, false, double(-7)), 0, "", []string{"merge n" + s + " sum -1 1*-7"}},
		{"no temporality", sum("n", untold, true, double(7)), 1, `noTemporality, as "n"`, nil},
		{"no value is recorded", gauge("g", silent), 0, "", nil},
		{"no number", gauge("g", double(math.NaN()), double(math.Inf(-1))), 0, "", nil},
		{"no name", gauge("", double(1)), 1, `badLabels, as "_"`, nil},
		{"no data", &metricspb.Metric{Name: "x"}, 0, "", nil},
		{"a point without a value", gauge("g", &metricspb.NumberDataPoint{}), 1, `badPoint, as "g;service.name=shop"`, nil},
		{"too old", gauge("g", &metricspb.NumberDataPoint{TimeUnixNano: 1, Value: &metricspb.NumberDataPoint_AsInt{AsInt: 1}}), 1, `badTime, as "g;service.name=shop"`, nil},
		{"histogram", bins("h", running, &metricspb.HistogramDataPoint{Count: 6, Sum: ptr(12.5), Min: ptr(.1), Max: ptr(9.0), ExplicitBounds: []float64{.5, 5}, BucketCounts: []uint64{1, 2, 3}}), 0, "",
			[]string{"put h.bucket" + s + ";le=+Inf last 0 6", "put h.bucket" + s + ";le=0.5 last 0 1", "put h.bucket" + s + ";le=5 last 0 3",
				"put h.count" + s + " last 0 6", "put h.max" + s + " max 0 9", "put h.min" + s + " min 0 0.1", "put h.sum" + s + " last 0 12.5"}},
		{"histogram of a delta, without bins", bins("h", delta, &metricspb.HistogramDataPoint{Count: 6, Max: ptr(9.0)}), 0, "",
			[]string{"merge h.count" + s + " sum -1 1*6", "merge h.max" + s + " max -1 1*9"}},
		{"histogram with a bin too few", bins("h", delta, &metricspb.HistogramDataPoint{ExplicitBounds: []float64{.5, 5}, BucketCounts: []uint64{1, 2}}), 1, `badPoint, as "h;service.name=shop"`, nil},
		{"histogram with bounds that fall", bins("h", delta, &metricspb.HistogramDataPoint{ExplicitBounds: []float64{5, 5}, BucketCounts: []uint64{1, 2, 3}}), 1, `badPoint, as "h;service.name=shop"`, nil},
		{"exponential histogram", exponential("e", &metricspb.ExponentialHistogramDataPoint{Count: 20, Sum: ptr(1.0), Scale: 1, ZeroCount: 2, Positive: side(-1, 1, 2, 4, 0, 8), Negative: side(2, 3)}), 0, "",
			[]string{"merge e.bin" + s + ";le=-2 sum -1 1*3", "merge e.bin" + s + ";le=0 sum -1 1*2", "merge e.bin" + s + ";le=1 sum -1 1*1", "merge e.bin" + s + ";le=2 sum -1 1*6",
				"merge e.bin" + s + ";le=4 sum -1 1*8", "merge e.count" + s + " sum -1 1*20", "merge e.sum" + s + " sum -1 1*1"}},
		{"exponential histogram, coarse", exponential("e", &metricspb.ExponentialHistogramDataPoint{Scale: -2, Positive: side(-1, 1, 2), Negative: side(0, 5)}), 0, "",
			[]string{"merge e.bin" + s + ";le=-1 sum -1 1*5", "merge e.bin" + s + ";le=1 sum -1 1*1", "merge e.bin" + s + ";le=16 sum -1 1*2", "merge e.count" + s + " sum -1 1*0"}},
		{"exponential histogram, beyond all numbers", exponential("e", &metricspb.ExponentialHistogramDataPoint{Scale: -20, Positive: side(math.MinInt32, 1), Negative: side(math.MaxInt32, 5)}), 0, "",
			[]string{"merge e.bin" + s + ";le=-8.98846567431158e+307 sum -1 1*5", "merge e.bin" + s + ";le=5e-324 sum -1 1*1", "merge e.count" + s + " sum -1 1*0"}},
		{"exponential histogram of no scale", exponential("e", &metricspb.ExponentialHistogramDataPoint{Scale: 99, Positive: side(0, 1)}), 1, `badPoint, as "e;service.name=shop"`, nil},
		{"exponential histogram with too many bins", exponential("e", &metricspb.ExponentialHistogramDataPoint{Scale: 1, Positive: side(0, make([]uint64, 5000)...)}), 1, `badPoint, as "e"`, nil},
		{"summary", &metricspb.Metric{Name: "s", Data: &metricspb.Metric_Summary{Summary: &metricspb.Summary{DataPoints: []*metricspb.SummaryDataPoint{{TimeUnixNano: nowNs, Count: 4, Sum: 2,
			QuantileValues: []*metricspb.SummaryDataPoint_ValueAtQuantile{{Quantile: .5, Value: .25}, {Quantile: .99, Value: math.NaN()}}}}}}}, 0, "",
			[]string{"put s.count" + s + " last 0 4", "put s.sum" + s + " last 0 2", "put s" + s + ";quantile=0.5 - 0 0.25"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := request(c.metric)
			packed, err := proto.Marshal(data)
			require.NoError(t, err)
			asJSON, err := protojson.Marshal(data)
			require.NoError(t, err)
			for kind, body := range map[string][]byte{"application/x-protobuf": packed, "application/json": asJSON} {
				for _, encoding := range []string{"", "gzip"} {
					r := newRig(ingest.HTTPOptions{})
					if encoding == "gzip" {
						body = zipped(t, string(body)).Bytes()
					}
					w := r.post(t, "/v1/metrics", bytes.NewReader(body), "Content-Type", kind, "Content-Encoding", encoding)
					assert.Equal(t, 200, w.Code)
					assert.Equal(t, kind, w.Header().Get("Content-Type"))
					if kind == "application/json" {
						assert.Equal(t, string(otlp.AppendResponseJSON(nil, c.rejected, c.why)), w.Body.String())
					} else {
						assert.Equal(t, string(otlp.AppendResponse(nil, c.rejected, c.why)), w.Body.String())
					}
					assert.Equal(t, c.rows, r.sorted(), "%s %s", kind, encoding)
				}
			}
		})
	}
}

func TestOTLPPartial(t *testing.T) {
	r := newRig(ingest.HTTPOptions{})
	r.most = 1
	body, err := proto.Marshal(request(gauge("a", double(1), double(2)), gauge("b", double(3)), sum("c", untold, true, double(4))))
	require.NoError(t, err)
	w := r.post(t, "/v1/metrics", bytes.NewReader(body), "Content-Type", "application/x-protobuf")
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, string(otlp.AppendResponse(nil, 2, `tooManySeries, as "b;service.name=shop"`)), w.Body.String())
	assert.Len(t, r.rows, 2)
	assert.EqualValues(t, 2, r.figure(t, "points", "http-otlp"))
	assert.EqualValues(t, 1, r.figure(t, "refusedPoints", "http-otlp", "tooManySeries"))
	assert.EqualValues(t, 1, r.figure(t, "refusedPoints", "http-otlp", "noTemporality"))
}

// TestOTLPResource: which of the resource's attributes are tags, and that of two
// resources each has its own.
func TestOTLPResource(t *testing.T) {
	data := request(gauge("a", double(1)))
	data.ResourceMetrics[0].ScopeMetrics[0].Scope = &commonpb.InstrumentationScope{Name: "x", Attributes: []*commonpb.KeyValue{attribute("lib", "y")}}
	data.ResourceMetrics = append(data.ResourceMetrics, request(gauge("a", double(2))).ResourceMetrics...)
	data.ResourceMetrics[1].Resource.Attributes = []*commonpb.KeyValue{attribute("host.name", "h"), attribute("process.pid", "18")}
	body, err := proto.Marshal(data)
	require.NoError(t, err)
	for want, resource := range map[string][]string{
		"put a;host.name=h - 0 2|put a;lib=y;service.name=shop - 0 1": nil,
		"put a;lib=y;process.pid=17 - 0 1|put a;process.pid=18 - 0 2": {"process.pid"},
		"put a - 0 2|put a;lib=y - 0 1":                               {},
	} {
		r := newRig(ingest.HTTPOptions{Resource: resource})
		assert.Equal(t, 200, r.post(t, "/v1/metrics", bytes.NewReader(body), "Content-Type", "application/x-protobuf").Code)
		assert.Equal(t, want, strings.Join(r.sorted(), "|"))
	}
}

func TestOTLPRefuses(t *testing.T) {
	good, err := proto.Marshal(request(gauge("a", double(1))))
	require.NoError(t, err)
	points := make([]*metricspb.NumberDataPoint, 101)
	for i := range points {
		points[i] = double(1)
	}
	many, err := proto.Marshal(request(gauge("a", points...)))
	require.NoError(t, err)
	const pb, js = "application/x-protobuf", "application/json"
	for _, c := range []struct {
		name, kind, encoding string
		body                 []byte
		status               int
		reason               string
	}{
		{"good", pb, "", good, 200, ""},
		{"empty", pb, "", nil, 200, ""},
		{"empty JSON", js, "", []byte("{}"), 200, ""},
		{"no type", "", "", good, 415, "wrongType"},
		{"type", "text/plain", "", good, 415, "wrongType"},
		{"encoding", pb, "zstd", good, 415, "wrongType"},
		{"cut", pb, "", good[:len(good)-1], 400, "badRequest"},
		{"group", pb, "", []byte{0x0b, 0x0c}, 400, "badRequest"},
		{"JSON cut", js, "", []byte(`{"resourceMetrics":[`), 400, "badRequest"},
		{"JSON of something else", js, "", []byte(`[1]`), 400, "badRequest"},
		{"deep JSON", js, "", []byte(strings.Repeat("[", 100_000)), 400, "badRequest"},
		{"JSON with many values", js, "", []byte(`{"resourceMetrics":[` + strings.Repeat("{},", 300_000) + `{}]}`), 400, "badRequest"},
		{"not gzip", pb, "gzip", good, 400, "badRequest"},
		{"bomb", pb, "gzip", zipped(t, strings.Repeat("\x00", 8<<20)).Bytes(), 413, "tooLarge"},
		{"large", pb, "", make([]byte, 2<<20), 413, "tooLarge"},
		{"many points", pb, "", many, 413, "tooLarge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(ingest.HTTPOptions{MaxBytes: 1 << 20, MaxSamples: 100})
			w := r.post(t, "/v1/metrics", bytes.NewReader(c.body), "Content-Type", c.kind, "Content-Encoding", c.encoding)
			assert.Equal(t, c.status, w.Code, w.Body.String())
			if c.reason != "" {
				assert.EqualValues(t, 1, r.figure(t, "refusedRequests", "http-otlp", c.reason))
				assert.Empty(t, r.rows)
				assert.NotEmpty(t, w.Body.String())
			}
		})
	}
	r := newRig(ingest.HTTPOptions{})
	r.full = true
	w := r.post(t, "/v1/metrics", bytes.NewReader(good), "Content-Type", js)
	assert.Equal(t, 400, w.Code)
	w = r.post(t, "/v1/metrics", bytes.NewReader(good), "Content-Type", pb)
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, "10", w.Header().Get("Retry-After"))
	assert.Equal(t, string(otlp.AppendStatus(nil, 14, "the store takes nothing now")), w.Body.String())
}

// otlpBody has n points in metrics of 100 each.
func otlpBody(t testing.TB, n int) []byte {
	t.Helper()
	var metrics []*metricspb.Metric
	for i := range n / 100 {
		m := sum(fmt.Sprint("http.server.requests", i), running, true)
		for j := range 100 {
			p := double(float64(j), attribute("http.route", fmt.Sprint("/a/", j)), attribute("http.method", "GET"))
			m.GetSum().DataPoints = append(m.GetSum().DataPoints, p)
		}
		metrics = append(metrics, m)
	}
	body, err := proto.Marshal(request(metrics...))
	require.NoError(t, err)
	return body
}

func TestOTLPPointsDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("the race detector allocates")
	}
	few, many := newRepeated(&counter{}, "/v1/metrics", otlpBody(t, 200), "Content-Type", "application/x-protobuf"), newRepeated(&counter{}, "/v1/metrics", otlpBody(t, 2000), "Content-Type", "application/x-protobuf")
	a, b := testing.AllocsPerRun(20, few.post), testing.AllocsPerRun(20, many.post)
	assert.Less(t, (b-a)/1800, .01, "a point")
}

func BenchmarkOTLP(b *testing.B) {
	c := &counter{}
	r := newRepeated(c, "/v1/metrics", otlpBody(b, 2000), "Content-Type", "application/x-protobuf")
	b.SetBytes(int64(len(r.body)))
	b.ReportAllocs()
	for b.Loop() {
		r.post()
	}
	b.ReportMetric(float64(c.n)/b.Elapsed().Seconds(), "samples/s")
}

// bothSides is a histogram with both sides and a zero.
func bothSides() *metricspb.ExponentialHistogramDataPoint {
	return &metricspb.ExponentialHistogramDataPoint{Count: 9, Sum: ptr(1.0), Scale: 3, ZeroCount: 2, Positive: side(-9, 1, 2, 3), Negative: side(4, 1)}
}
