package otlp_test

import (
	"bytes"
	"encoding/json"
	"errors"
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
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/logmetrics/logmetrics/internal/wire/otlp"
)

// shown returns the points of a request as text.
func shown(t testing.TB, request []byte) (list []string) {
	t.Helper()
	var p otlp.Parser
	require.NoError(t, p.Parse(request, func(pt *otlp.Point) error {
		list = append(list, show(pt))
		return nil
	}))
	return list
}

func show(pt *otlp.Point) string {
	text := fmt.Sprintf("%s kind=%d temporality=%d monotonic=%t [%d,%d]", pt.Metric, pt.Kind, pt.Temporality, pt.Monotonic, pt.Start, pt.Time)
	for where, list := range [][]otlp.Attribute{pt.Resource, pt.Scope, pt.Attributes} {
		for _, a := range list {
			text += fmt.Sprintf(" %d:%s=%s", where, a.Key, a.Value)
		}
	}
	return text + fmt.Sprintf(" none=%t value=%v count=%d sum=%v min=%v max=%v bounds=%v bins=%v scale=%d zero=%d positive=%v negative=%v quantiles=%v err=%v",
		pt.NoValue, pt.Value, pt.Count, pt.Sum, pt.Min, pt.Max, pt.Bounds, pt.Bins, pt.Scale, pt.Zero, pt.Positive, pt.Negative, pt.Quantiles, pt.Err)
}

func ptr[T any](v T) *T { return &v }

func attributes() []*commonpb.KeyValue {
	text := func(s string) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
	}
	return []*commonpb.KeyValue{
		{Key: "text", Value: text("a b")}, {Key: "empty", Value: text("")}, {Key: "nothing"},
		{Key: "bool", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}},
		{Key: "int", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: math.MinInt64}}},
		{Key: "double", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: .5}}},
		{Key: "list", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{text("x")}}}}},
		{Key: "bytes", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte("x")}}},
	}
}

// all has a point of each kind.
func all() *metricspb.MetricsData {
	delta := metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	return &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: &resourcepb.Resource{Attributes: attributes()},
		ScopeMetrics: []*metricspb.ScopeMetrics{{
			Scope: &commonpb.InstrumentationScope{Name: "s", Version: "1", Attributes: attributes()[:1]},
			Metrics: []*metricspb.Metric{
				{Name: "g", Description: "d", Unit: "s", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{
					{StartTimeUnixNano: 1, TimeUnixNano: 2, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: -1.5}, Attributes: attributes()[3:5]},
					{TimeUnixNano: 3, Value: &metricspb.NumberDataPoint_AsInt{AsInt: -7}}, {Flags: 1},
				}}}},
				{Name: "s", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{AggregationTemporality: delta, IsMonotonic: true, DataPoints: []*metricspb.NumberDataPoint{{Value: &metricspb.NumberDataPoint_AsInt{AsInt: 1}}}}}},
				{Name: "h", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{AggregationTemporality: 2, DataPoints: []*metricspb.HistogramDataPoint{
					{Count: 6, Sum: ptr(1.5), Min: ptr(0.0), Max: ptr(5.0), ExplicitBounds: []float64{.5, 5}, BucketCounts: []uint64{1, 2, 3}, Attributes: attributes()[:1],
						Exemplars: []*metricspb.Exemplar{{TimeUnixNano: 9, TraceId: make([]byte, 16), SpanId: make([]byte, 8)}}}, {},
				}}}},
				{Name: "e", Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{AggregationTemporality: delta, DataPoints: []*metricspb.ExponentialHistogramDataPoint{
					{Count: 6, Sum: ptr(1.5), Scale: -3, ZeroCount: 4, ZeroThreshold: .1, Min: ptr(-1.0), Max: ptr(2.0),
						Positive: &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: -5, BucketCounts: []uint64{1, 300}},
						Negative: &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: 5, BucketCounts: []uint64{7}}},
				}}}},
				{Name: "q", Data: &metricspb.Metric_Summary{Summary: &metricspb.Summary{DataPoints: []*metricspb.SummaryDataPoint{
					{Count: 6, Sum: 1.5, Attributes: attributes()[:1], QuantileValues: []*metricspb.SummaryDataPoint_ValueAtQuantile{{Quantile: .5, Value: 1}, {Quantile: 1, Value: 2}}},
				}}}},
			},
		}},
	}}}
}

var tags = " 0:text=a b 0:bool=true 0:int=-9223372036854775808 0:double=0.5 1:text=a b"

var want = []string{
	"g kind=0 temporality=0 monotonic=false [1,2]" + tags + " 2:bool=true 2:int=-9223372036854775808 none=false value={-1.5 true} count=0 sum={0 false} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"g kind=0 temporality=0 monotonic=false [0,3]" + tags + " none=false value={-7 true} count=0 sum={0 false} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"g kind=0 temporality=0 monotonic=false [0,0]" + tags + " none=true value={0 false} count=0 sum={0 false} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"s kind=1 temporality=1 monotonic=true [0,0]" + tags + " none=false value={1 true} count=0 sum={0 false} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"h kind=2 temporality=2 monotonic=false [0,0]" + tags + " 2:text=a b none=false value={0 false} count=6 sum={1.5 true} min={0 true} max={5 true} bounds=[0.5 5] bins=[1 2 3] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"h kind=2 temporality=2 monotonic=false [0,0]" + tags + " none=false value={0 false} count=0 sum={0 false} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[] err=<nil>",
	"e kind=3 temporality=1 monotonic=false [0,0]" + tags + " none=false value={0 false} count=6 sum={1.5 true} min={-1 true} max={2 true} bounds=[] bins=[] scale=-3 zero=4 positive={-5 [1 300]} negative={5 [7]} quantiles=[] err=<nil>",
	"q kind=4 temporality=0 monotonic=false [0,0]" + tags + " 2:text=a b none=false value={0 false} count=6 sum={1.5 true} min={0 false} max={0 false} bounds=[] bins=[] scale=0 zero=0 positive={0 []} negative={0 []} quantiles=[{0.5 1} {1 2}] err=<nil>",
}

func TestParse(t *testing.T) {
	request, err := proto.Marshal(all())
	require.NoError(t, err)
	assert.Equal(t, want, shown(t, request))
	assert.Equal(t, want, shown(t, turned(t, request, "")), "fields may come in any order")
}

func TestFromJSON(t *testing.T) {
	text, err := protojson.Marshal(all())
	require.NoError(t, err)
	request, err := otlp.FromJSON(text)
	require.NoError(t, err)
	assert.Equal(t, want, shown(t, request))
	_, err = otlp.FromJSON([]byte(`{"resourceMetrics": 1}`))
	require.ErrorIs(t, err, otlp.ErrBadRequest)
	request, err = otlp.FromJSON([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"\"{[","unknown":{"a":[1]},"sum":{"aggregationTemporality":1,"dataPoints":[{"asInt":"9","timeUnixNano":17}]}}]}]}]}`))
	require.NoError(t, err)
	assert.Contains(t, shown(t, request)[0], `"{[ kind=1 temporality=1 monotonic=false [0,17] none=false value={9 true}`)
}

func TestFromJSONRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `1`, `{"resourceMetrics":[1]}`, `{"resourceMetrics":{}}`, `{"resourceMetrics":[{]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":1}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":["a"]}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":"x"}]}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":1.5}]}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"timeUnixNano":-1}]}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"isMonotonic":1}}]}]}]}`,
		`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"aggregationTemporality":"x"}}]}]}]}`,
		`{"resourceMetrics":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`,
		`{"resourceMetrics":[` + strings.Repeat("{},", 200_000) + `{}]}`,
	} {
		_, err := otlp.FromJSON([]byte(text))
		require.ErrorIs(t, err, otlp.ErrBadRequest, "%.80s", text)
	}
}

// FuzzFromJSON: what the protocol's library reads, we read as the same.
func FuzzFromJSON(f *testing.F) {
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(all())
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(` { "resourceMetrics" : [ { "scopeMetrics" : [ { "metrics" : [ { "name" : "\u00e9\"", "x" : [ { } , "]" ] , "unit" : null, "gauge" : { "dataPoints" :
		[ { "asInt" : 1e3, "flags" : "1" } , { "asDouble" : "NaN" , "timeUnixNano" : "18446744073709551615" } ] } } ] } ] } ] } `))
	f.Fuzz(func(t *testing.T, text []byte) {
		request, err := otlp.FromJSON(text)
		if err != nil {
			require.ErrorIs(t, err, otlp.ErrBadRequest)
		}
		var data metricspb.MetricsData
		if !json.Valid(text) || bytes.ContainsAny(text, `\_`) || (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &data) != nil {
			return // JSON that it takes nevertheless, and names that are written otherwise
		}
		require.NoError(t, err)
		want, err := proto.Marshal(&data)
		require.NoError(t, err)
		require.Equal(t, shown(t, want), shown(t, request))
	})
}

// messages says which fields are messages in which fields are put the other way
// round, by the path to them; lists of attributes and points keep their order.
var messages = map[string]bool{"": true, "/1": true, "/1/2": true, "/1/2/2": true, "/1/2/2/5": true, "/1/2/2/7": true, "/1/2/2/9": true, "/1/2/2/10": true, "/1/2/2/11": true}

// turned puts fields of different numbers into the opposite order.
func turned(t *testing.T, msg []byte, path string) []byte {
	t.Helper()
	byNumber := map[protowire.Number][]byte{}
	highest := protowire.Number(0)
	for len(msg) > 0 {
		number, kind, head := protowire.ConsumeTag(msg)
		require.Positive(t, head)
		size := protowire.ConsumeFieldValue(number, kind, msg[head:])
		require.GreaterOrEqual(t, size, 0)
		one := msg[:head+size]
		if below := fmt.Sprint(path, "/", number); messages[below] {
			body, _ := protowire.ConsumeBytes(msg[head:])
			one = protowire.AppendBytes(protowire.AppendTag(nil, number, kind), turned(t, body, below))
		}
		byNumber[number] = append(byNumber[number], one...)
		highest = max(highest, number)
		msg = msg[head+size:]
	}
	var out []byte
	for number := highest; number > 0; number-- {
		out = append(out, byNumber[number]...)
	}
	return out
}

// TestParseUnpacked: lists of numbers may be written one by one.
func TestParseUnpacked(t *testing.T) {
	var point []byte
	for _, v := range []uint64{1, 2} {
		point = protowire.AppendFixed64(protowire.AppendTag(point, 6, protowire.Fixed64Type), v)
	}
	point = protowire.AppendFixed64(protowire.AppendTag(point, 7, protowire.Fixed64Type), math.Float64bits(.5))
	request := point
	for _, number := range []protowire.Number{1, 9, 2, 2, 1} {
		request = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), request)
	}
	assert.Contains(t, shown(t, request)[0], "bounds=[0.5] bins=[1 2]")
}

func TestParseStops(t *testing.T) {
	request, err := proto.Marshal(all())
	require.NoError(t, err)
	var p otlp.Parser
	n := 0
	assert.Equal(t, assert.AnError, p.Parse(request, func(*otlp.Point) error { n++; return assert.AnError }))
	assert.Equal(t, 1, n)
	for i := range request {
		if err := p.Parse(request[:i], func(*otlp.Point) error { return nil }); err != nil {
			require.ErrorIs(t, err, otlp.ErrBadRequest)
		}
	}
}

// TestAnswers: the protocol's own JSON reader reads ours; of the messages its Go
// packages import gRPC, so that their bytes stand here.
func TestAnswers(t *testing.T) {
	assert.Empty(t, otlp.AppendResponse(nil, 0, "x"))
	assert.Equal(t, "\x0a\x06\x08\x03\x12\x02no", string(otlp.AppendResponse(nil, 3, "no")))
	assert.Equal(t, "{}", string(otlp.AppendResponseJSON(nil, 0, "x")))
	assert.JSONEq(t, `{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"a\"b"}}`, string(otlp.AppendResponseJSON(nil, 3, `a"b`)))
	assert.Equal(t, "\x08\x03\x12\x02no", string(otlp.AppendStatus(nil, 3, "no")))
	assert.JSONEq(t, `{"code":14,"message":"<no>"}`, string(otlp.AppendStatusJSON(nil, 14, "<no>")))
}

// FuzzParse: what the protocol's library reads, we read, and as many points.
func FuzzParse(f *testing.F) {
	request, err := proto.Marshal(all())
	require.NoError(f, err)
	f.Add(request)
	f.Add([]byte("\x0a\x00\x0a\x02\x12\x00"))
	f.Add([]byte("\x0b\x0c"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p otlp.Parser
		n := 0
		err := p.Parse(body, func(pt *otlp.Point) error {
			n++
			require.LessOrEqual(t, len(pt.Attributes), otlp.MaxAttributes)
			require.LessOrEqual(t, len(pt.Positive.Counts), otlp.MaxBins)
			return nil
		})
		if err != nil {
			require.True(t, errors.Is(err, otlp.ErrBadRequest))
			return
		}
		var data metricspb.MetricsData
		if proto.Unmarshal(body, &data) != nil {
			return // texts that are no UTF-8
		}
		again, err := proto.Marshal(&data)
		require.NoError(t, err)
		if bytes.Equal(body, again) { // else it has messages in parts, which the library joins
			require.Equal(t, points(&data), n)
		}
	})
}

func points(d *metricspb.MetricsData) (n int) {
	for _, r := range d.ResourceMetrics {
		for _, s := range r.ScopeMetrics {
			for _, m := range s.Metrics {
				n += len(m.GetGauge().GetDataPoints()) + len(m.GetSum().GetDataPoints()) + len(m.GetHistogram().GetDataPoints()) +
					len(m.GetExponentialHistogram().GetDataPoints()) + len(m.GetSummary().GetDataPoints())
			}
		}
	}
	return n
}

func BenchmarkFromJSON(b *testing.B) {
	text, err := protojson.Marshal(all())
	require.NoError(b, err)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := otlp.FromJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	request, err := proto.Marshal(all())
	require.NoError(b, err)
	var p otlp.Parser
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Parse(request, func(*otlp.Point) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
