package ingest_test

import (
	"bytes"
	"fmt"
	"math"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

const (
	type1 = "application/x-protobuf"
	type2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

// remote2 is a request of version 2, made by Prometheus' own code.
func remote2(t testing.TB, series ...*writev2.TimeSeries) *writev2.Request {
	t.Helper()
	return &writev2.Request{Symbols: []string{"", "__name__", "up", "instance", "127.0.0.1:9090", "x_total", "path", "/a b;c=d"}, Timeseries: series}
}

func marshal2(t testing.TB, request *writev2.Request) []byte {
	t.Helper()
	body, err := request.MarshalVT()
	require.NoError(t, err)
	return prometheus.Compress(nil, body)
}

func samples2(values ...float64) (list []*writev2.Sample) {
	for i, v := range values {
		list = append(list, &writev2.Sample{Value: v, Timestamp: now.UnixMilli() + int64(i)*1000 + 999})
	}
	return list
}

// labels are names each followed by its value.
func labels(list ...string) (l []prometheus.Label) {
	for i := 0; i < len(list); i += 2 {
		l = append(l, prometheus.Label{Name: list[i], Value: list[i+1]})
	}
	return l
}

func TestRemoteWrite(t *testing.T) {
	at := func(second int64, v float64) prometheus.Sample {
		return prometheus.Sample{Value: v, Milliseconds: (now.Unix()+second)*1000 + 999}
	}
	up := prometheus.AppendSeries(nil, labels("__name__", "up", "instance", "127.0.0.1:9090"), at(0, 1))
	total := prometheus.AppendSeries(nil, labels("__name__", "x_total"), at(-1, 2))
	unsorted := prometheus.AppendSeries(nil, labels("b", "1", "__name__", "x"), at(0, 1))
	nameless := prometheus.AppendSeries(nil, labels("a", "1"), at(0, 1))
	old := prometheus.AppendSeries(nil, labels("__name__", "up"), at(-86400*2000, 1))
	series := func(v float64) []byte { return prometheus.AppendSeries(nil, labels("__name__", "g"), at(0, v)) }
	histogram := append([]byte{0x0a, 19}, "\x0a\x0d\x0a\x08__name__\x12\x01x\x22\x02\x08\x01"...)
	for _, c := range []struct {
		name    string
		request [][]byte
		status  int
		says    string
		rows    []string
	}{
		{"nothing", nil, 204, "", nil},
		{"two series", [][]byte{up, total}, 204, "", []string{"put up;instance=127.0.0.1:9090 - 0 1", "put x_total last -1 2"}},
		{"numbers that are none", [][]byte{series(math.NaN()), series(math.Inf(1)), series(math.Float64frombits(0x7ff0000000000002)), up}, 204, "",
			[]string{"put up;instance=127.0.0.1:9090 - 0 1"}},
		{"bad labels", [][]byte{up, unsorted, nameless, total}, 400, "2 samples are not taken (badLabels), the others are\n",
			[]string{"put up;instance=127.0.0.1:9090 - 0 1", "put x_total last -1 2"}},
		{"too old", [][]byte{old, total}, 400, "1 samples are not taken (badTime, as \"up\"), the others are\n", []string{"put x_total last -1 2"}},
		{"native histogram", [][]byte{histogram, total}, 400, "1 samples are not taken (nativeHistogram), the others are\n", []string{"put x_total last -1 2"}},
		{"broken at the end", [][]byte{up, {0x0a, 5}}, 400, "bad remote write request: it ends within a field\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(ingest.HTTPOptions{})
			w := r.post(t, "/api/v1/write", bytes.NewReader(prometheus.Compress(nil, slices.Concat(c.request...))), "Content-Encoding", "snappy", "Content-Type", type1)
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, c.says, w.Body.String())
			assert.Equal(t, c.rows, r.sorted())
			assert.EqualValues(t, len(c.rows), r.figure(t, "points", "http-prometheus"))
			assert.Empty(t, w.Header().Get("X-Prometheus-Remote-Write-Samples-Written"))
		})
	}
}

// TestRemoteWrite2: version 2, as Prometheus' own code encodes it.
func TestRemoteWrite2(t *testing.T) {
	r := newRig(ingest.HTTPOptions{})
	up := &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3, 4}, Samples: samples2(1, 0, math.NaN()), Metadata: &writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_GAUGE}}
	total := &writev2.TimeSeries{LabelsRefs: []uint32{1, 5, 6, 7}, Samples: samples2(7), CreatedTimestamp: 5,
		Exemplars: []*writev2.Exemplar{{Value: 1, LabelsRefs: []uint32{1, 2}}}}
	w := r.post(t, "/api/v1/write", bytes.NewReader(marshal2(t, remote2(t, up, total))), "Content-Encoding", "snappy", "Content-Type", type2)
	assert.Equal(t, 204, w.Code)
	assert.Equal(t, "3", w.Header().Get("X-Prometheus-Remote-Write-Samples-Written"))
	assert.Equal(t, "0", w.Header().Get("X-Prometheus-Remote-Write-Histograms-Written"))
	assert.Equal(t, "0", w.Header().Get("X-Prometheus-Remote-Write-Exemplars-Written"))
	assert.Equal(t, []string{"put up;instance=127.0.0.1:9090 - 0 1", "put up;instance=127.0.0.1:9090 - 1 0", "put x_total;path=/a_b_c=d last 0 7"}, r.sorted())
	assert.EqualValues(t, 1, r.figure(t, "refusedPoints", "http-prometheus", "exemplar"))
	assert.EqualValues(t, 1, r.figure(t, "refusedPoints", "http-prometheus", "notFinite"))

	bad := &writev2.TimeSeries{LabelsRefs: []uint32{1, 99}, Samples: samples2(1)}
	odd := &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3}, Samples: samples2(1)}
	histogram := &writev2.TimeSeries{LabelsRefs: []uint32{1, 2}, Histograms: []*writev2.Histogram{{Sum: 1}, {Sum: 2}}}
	w = r.post(t, "/api/v1/write", bytes.NewReader(marshal2(t, remote2(t, bad, histogram, odd, up))), "Content-Encoding", "snappy", "Content-Type", type2)
	assert.Equal(t, 400, w.Code)
	assert.Equal(t, "4 samples are not taken (badLabels), the others are\n", w.Body.String())
	assert.Equal(t, "2", w.Header().Get("X-Prometheus-Remote-Write-Samples-Written"))
	assert.EqualValues(t, 2, r.figure(t, "refusedPoints", "http-prometheus", "nativeHistogram"))
	assert.EqualValues(t, 2, r.figure(t, "refusedPoints", "http-prometheus", "badLabels"))
}

// TestRemoteWriteClient: the client of Prometheus' own library believes our
// answers, of both versions, and comes again when it is told to.
func TestRemoteWriteClient(t *testing.T) {
	r := newRig(ingest.HTTPOptions{})
	s := httptest.NewServer(r.mux)
	defer s.Close()
	api, err := remote.NewAPI(s.URL, remote.WithAPIPath("api/v1/write"), remote.WithAPIBackoff(remote.BackoffConfig{Min: time.Millisecond, Max: time.Millisecond, MaxRetries: 3}))
	require.NoError(t, err)
	request := remote2(t, &writev2.TimeSeries{LabelsRefs: []uint32{1, 2}, Samples: samples2(1, 2)})
	stats, err := api.Write(t.Context(), remote.WriteV2MessageType, request)
	require.NoError(t, err)
	assert.Equal(t, 2, stats.Samples)
	assert.Equal(t, []string{"put up - 0 1", "put up - 1 2"}, r.sorted())

	request.Timeseries = append(request.Timeseries, &writev2.TimeSeries{LabelsRefs: []uint32{1, 5}, Histograms: []*writev2.Histogram{{Sum: 1}}})
	stats, err = api.Write(t.Context(), remote.WriteV2MessageType, request)
	require.ErrorContains(t, err, "nativeHistogram")
	assert.Equal(t, 2, stats.Samples)
	assert.Len(t, r.rows, 4, "a request that is bad does not come again")
}

func TestRemoteWriteRefuses(t *testing.T) {
	body := prometheus.Compress(nil, prometheus.AppendSeries(nil, labels("__name__", "up"), prometheus.Sample{Value: 1, Milliseconds: now.UnixMilli()}))
	large := prometheus.Compress(nil, make([]byte, 2<<20))
	many := &writev2.TimeSeries{LabelsRefs: []uint32{1, 2}, Samples: samples2(make([]float64, 101)...)}
	for _, c := range []struct {
		name   string
		body   []byte
		header []string
		status int
		reason string
	}{
		{"no type", body, nil, 204, ""},
		{"type of version 1", body, []string{"Content-Type", type1 + ";proto=prometheus.WriteRequest"}, 204, ""},
		{"blank in the type", body, []string{"Content-Type", type1 + "; charset=utf-8"}, 204, ""},
		{"type", body, []string{"Content-Type", "text/plain"}, 415, "wrongType"},
		{"message", body, []string{"Content-Type", type1 + ";proto=x"}, 415, "wrongType"},
		{"encoding", body, []string{"Content-Encoding", "zstd"}, 415, "wrongType"},
		{"not compressed", []byte("hello"), nil, 400, "badRequest"},
		{"no body", nil, nil, 400, "badRequest"},
		{"not a request", prometheus.Compress(nil, []byte("hello")), nil, 400, "badRequest"},
		{"a bomb", large, nil, 413, "tooLarge"},
		{"a length of 4 GiB", []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, nil, 413, "tooLarge"},
		{"a large body", make([]byte, 2<<20), nil, 413, "tooLarge"},
		{"many samples", marshal2(t, remote2(t, many)), []string{"Content-Type", type2}, 413, "tooLarge"},
		{"the first symbol", marshal2(t, &writev2.Request{Symbols: []string{"x"}}), []string{"Content-Type", type2}, 400, "badRequest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(ingest.HTTPOptions{MaxBytes: 1 << 20, MaxSamples: 100})
			w := r.post(t, "/api/v1/write", bytes.NewReader(c.body), c.header...)
			assert.Equal(t, c.status, w.Code, w.Body.String())
			if c.reason != "" {
				assert.EqualValues(t, 1, r.figure(t, "refusedRequests", "http-prometheus", c.reason))
				assert.Empty(t, r.rows)
				assert.Empty(t, w.Header().Get("Retry-After"))
			}
		})
	}
	r := newRig(ingest.HTTPOptions{})
	r.full = true
	w := r.post(t, "/api/v1/write", bytes.NewReader(body))
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, "10", w.Header().Get("Retry-After"))
	assert.Zero(t, r.figure(t, "points", "http-prometheus"))
}

// remoteBody has n series with one sample each.
func remoteBody(n int) (request []byte) {
	for i := range n {
		l := labels("__name__", "http_requests_total", "code", fmt.Sprint(200+i%7), "instance", fmt.Sprintf("10.0.%d.%d:9100", i/250%250, i%250), "job", "node")
		request = prometheus.AppendSeries(request, l, prometheus.Sample{Value: float64(i), Milliseconds: 1760000000000})
	}
	return request
}

// symbolBody is remoteBody as version 2 has it.
func symbolBody(t testing.TB, n int) []byte {
	t.Helper()
	var p prometheus.RequestParser
	symbols := writev2.NewSymbolTable()
	request := &writev2.Request{}
	require.NoError(t, p.Parse(remoteBody(n), func(list []prometheus.RawLabel, samples []prometheus.Sample) error {
		s := &writev2.TimeSeries{Samples: []*writev2.Sample{{Value: samples[0].Value, Timestamp: samples[0].Milliseconds}}}
		for _, l := range list {
			s.LabelsRefs = append(s.LabelsRefs, symbols.Symbolize(string(l.Name)), symbols.Symbolize(string(l.Value)))
		}
		request.Timeseries = append(request.Timeseries, s)
		return nil
	}))
	request.Symbols = symbols.Symbols()
	return marshal2(t, request)
}

func TestRemoteSeriesDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("the race detector allocates")
	}
	for kind, make := range map[string]func(n int) []byte{
		type1: func(n int) []byte { return prometheus.Compress(nil, remoteBody(n)) },
		type2: func(n int) []byte { return symbolBody(t, n) },
	} {
		few, many := newRepeated(&counter{}, "/api/v1/write", make(100), "Content-Type", kind), newRepeated(&counter{}, "/api/v1/write", make(2000), "Content-Type", kind)
		a, b := testing.AllocsPerRun(20, few.post), testing.AllocsPerRun(20, many.post)
		assert.Equal(t, 204, many.w.status)
		assert.Less(t, (b-a)/1900, .01, "a series")
	}
}

func BenchmarkRemoteWrite(b *testing.B) {
	const series = 2000 // as Prometheus sends at a time
	for kind, content := range map[string][]byte{"1.0": prometheus.Compress(nil, remoteBody(series)), "2.0": symbolBody(b, series)} {
		b.Run(kind, func(b *testing.B) {
			c := &counter{}
			r := newRepeated(c, "/api/v1/write", content, "Content-Type", map[string]string{"1.0": type1, "2.0": type2}[kind])
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				r.post()
			}
			b.ReportMetric(float64(c.n)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
