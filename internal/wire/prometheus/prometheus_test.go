package prometheus_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name string
		kind prometheus.Kind
		want string
	}{
		{"servers.web-1_numSent", prometheus.Counter, "servers_web_1_num_sent"},
		{"numSent_total", prometheus.Counter, "num_sent"},
		{"_total", prometheus.Counter, "_total"},
		{"mailTxnsSec", prometheus.Gauge, "mail_txns_sec"},
		{"idleDNS", prometheus.Gauge, "idle_DNS"},
		{"TCP_MISS", prometheus.Gauge, "TCP_MISS"},
		{"http.2xxErr", prometheus.Gauge, "http_2xx_err"},
		{"5xx", prometheus.Counter, "_5xx"},
		{"delay", prometheus.Histogram, "delay_seconds"},
		{"delay_seconds", prometheus.Histogram, "delay_seconds"},
		{"é\n{", prometheus.Gauge, "____"},
		{"", prometheus.Gauge, "_"},
	} {
		assert.Equal(t, c.want, prometheus.Name([]byte(c.name), c.kind), c.name)
	}
	for name, want := range map[string]string{
		"code": "code", "le": "tag_le", "quantile": "tag_quantile", "__name__": "tag___name__", "9a": "_9a", "userAgent": "user_agent", "a:b": "a_b",
	} {
		assert.Equal(t, want, prometheus.LabelName(name))
	}
}

func TestBounds(t *testing.T) {
	for _, bad := range [][]float64{{1, 1}, {2, 1}, {math.NaN()}, {1, math.Inf(1)}, make([]float64, prometheus.MaxBounds+1)} {
		_, err := prometheus.NewBounds(bad)
		assert.Error(t, err)
	}
	b, err := prometheus.NewBounds([]float64{-1, 0, 1e-9, 2.5, 1e21})
	require.NoError(t, err)
	page := prometheus.NewPage([]prometheus.Series{{Family: "h", Kind: prometheus.Histogram, Bounds: b, Bins: make([]uint64, 6), Count: 1, Value: math.MaxFloat64}})
	assert.Equal(t, `# HELP h 
# TYPE h histogram
h_bucket{le="-1.0"} 0
h_bucket{le="0.0"} 0
h_bucket{le="1e-09"} 0
h_bucket{le="2.5"} 0
h_bucket{le="1e+21"} 0
h_bucket{le="+Inf"} 1
h_sum 1.7976931348623157e+308
h_count 1
# EOF
`, string(page.AppendOpenMetrics(nil)))
}

func TestPage(t *testing.T) {
	labels := prometheus.NewLabels(
		prometheus.Label{Name: "z", Value: "back\\slash \"quote\"\nline\xff"},
		prometheus.Label{Name: "a.b", Value: "1"},
		prometheus.Label{Name: "a_b", Value: "2"},
		prometheus.Label{Name: "none", Value: ""},
	)
	first := prometheus.NewPage([]prometheus.Series{
		{Family: "x", Kind: prometheus.Counter, Help: "what \"it\" \\ is\nreally", Labels: labels, Value: 1e300},
		{Family: "x", Kind: prometheus.Counter, Labels: labels, Value: 2},
		{Family: "x_total", Kind: prometheus.Gauge, Value: 3},
		{Family: "g", Kind: prometheus.Gauge, Value: math.Inf(1)},
	})
	assert.Equal(t, 2, first.LeftOut())
	second := prometheus.NewPage([]prometheus.Series{{Family: "x", Kind: prometheus.Counter, Value: 4}, {Family: "g", Kind: prometheus.Gauge, Value: 5}})
	joined := prometheus.Join(first, second)
	assert.Equal(t, 3, joined.LeftOut())
	const series = `x_total 4
x_total{a_b="1",z="back\\slash \"quote\"\nline` + "\uFFFD" + `"} 1e+300
`
	assert.Equal(t, "# HELP g \n# TYPE g gauge\ng +Inf\n# HELP x_total what \"it\" \\\\ is\\nreally\n# TYPE x_total counter\n"+series, string(joined.AppendText(nil)))
	assert.Equal(t, "# HELP g \n# TYPE g gauge\ng +Inf\n# HELP x what \\\"it\\\" \\\\ is\\nreally\n# TYPE x counter\n"+series+"# EOF\n", string(joined.AppendOpenMetrics(nil)))
}

func TestWantsOpenMetrics(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/plain": false, "application/openmetrics-text": true,
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": true,
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.6":                                  false,
		"application/openmetrics-text;version=2.0.0, text/plain":                                                                                false,
		"application/openmetrics-text;q=0":      false,
		"application/openmetrics-text;q=x, ;;;": false,
	} {
		assert.Equal(t, want, prometheus.WantsOpenMetrics(accept), accept)
	}
}

// read returns the series of a request as text.
func read(request []byte) (text []byte, err error) {
	var p prometheus.RequestParser
	err = p.Parse(request, func(labels []prometheus.RawLabel, samples []prometheus.Sample) error {
		for _, s := range samples {
			text = prometheus.AppendSample(text, labels, s)
		}
		return nil
	})
	return text, err
}

func raw(labels []prometheus.Label) (list []prometheus.RawLabel) {
	for _, l := range labels {
		list = append(list, prometheus.RawLabel{Name: []byte(l.Name), Value: []byte(l.Value)})
	}
	return list
}

func text(labels []prometheus.RawLabel) (list []prometheus.Label) {
	for _, l := range labels {
		list = append(list, prometheus.Label{Name: string(l.Name), Value: string(l.Value)})
	}
	return list
}

// TestRequestRoundTrip sends random pages through a request and its compression.
func TestRequestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		var series []prometheus.Series
		for i := range rnd.IntN(30) {
			l := prometheus.NewLabels(prometheus.Label{Name: "_A", Value: strings.Repeat("é", rnd.IntN(300))}, prometheus.Label{Name: "k", Value: fmt.Sprint(rnd.IntN(3))})
			series = append(series, prometheus.Series{Family: fmt.Sprint("f", i), Kind: prometheus.Kind(rnd.IntN(2)), Labels: l, Value: math.Float64frombits(rnd.Uint64())})
		}
		var want, request []byte
		require.NoError(t, prometheus.NewPage(series).Each(func(labels []prometheus.Label, value float64) error {
			s := prometheus.Sample{Value: value, Milliseconds: int64(rnd.Uint64())}
			want = prometheus.AppendSample(want, raw(labels), s)
			request = prometheus.AppendSeries(request, labels, s)
			return nil
		}))
		body := prometheus.Compress(nil, request)
		back, err := prometheus.Uncompress(nil, body, len(request))
		require.NoError(t, err)
		got, err := read(back)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		if len(request) > 0 {
			_, err = prometheus.Uncompress(nil, body, len(request)-1)
			require.ErrorIs(t, err, prometheus.ErrBadRequest)
		}
	}
}

func TestRequestRefuses(t *testing.T) {
	label := func(name, value string) string {
		l := "\x0a" + string(rune(len(name))) + name + "\x12" + string(rune(len(value))) + value
		return "\x0a" + string(rune(len(l))) + l
	}
	series := func(fields string) string { return "\x0a" + string(rune(len(fields))) + fields }
	good := series(label("__name__", "x") + label("a", "b") + "\x12\x0b\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x07")
	text, err := read([]byte(good))
	require.NoError(t, err)
	require.Equal(t, "x{a=\"b\"} 1 7\n", string(text))
	for n := 1; n < len(good); n++ {
		_, err := read([]byte(good[:n]))
		require.ErrorIs(t, err, prometheus.ErrBadRequest, n)
	}
	for name, request := range map[string]string{
		"labels out of order": series(label("b", "1") + label("a", "1")),
		"a label twice":       series(label("a", "1") + label("a", "1")),
		"no name":             series(label("", "1")),
		"no value":            series(label("a", "")),
		"no UTF-8":            series(label("a", "\xff")),
		"field 0":             "\x02\x01x",
		"a group":             "\x0b\x0c",
		"a varint too long":   strings.Repeat("\xff", 11),
		"longer than it is":   "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		_, err := read([]byte(request))
		assert.ErrorIs(t, err, prometheus.ErrBadRequest, name)
	}
	// Metadata, exemplars, native histograms and what is not known are skipped.
	text, err = read([]byte("\x1a\x03abc" + series(label("a", "1")+"\x1a\x01x\x22\x01y\x2d\x01\x02\x03\x04") + good + "\x28\x07"))
	require.NoError(t, err)
	require.Equal(t, "x{a=\"b\"} 1 7\n", string(text))

	_, err = prometheus.Uncompress(nil, []byte("\xff\xff\xff\xff\x0f"), 1<<20)
	require.ErrorIs(t, err, prometheus.ErrBadRequest)
	_, err = prometheus.Uncompress(nil, []byte("\x05ab"), 1<<20)
	require.ErrorIs(t, err, prometheus.ErrBadRequest)
	_, err = prometheus.Uncompress(nil, nil, 1<<20)
	require.ErrorIs(t, err, prometheus.ErrBadRequest)
}

// TestParseStops at fn's first error.
func TestParseStops(t *testing.T) {
	labels := []prometheus.Label{{Name: "__name__", Value: "x"}}
	request := prometheus.AppendSeries(prometheus.AppendSeries(nil, labels, prometheus.Sample{}), labels, prometheus.Sample{})
	n := 0
	var p prometheus.RequestParser
	err := p.Parse(request, func([]prometheus.RawLabel, []prometheus.Sample) error {
		n++
		return assert.AnError
	})
	assert.Equal(t, assert.AnError, err)
	assert.Equal(t, 1, n)
}

// FuzzRequest: what is read is written and read again the same.
func FuzzRequest(f *testing.F) {
	labels := []prometheus.Label{{Name: "__name__", Value: "requests_total"}, {Name: "code", Value: "200"}}
	f.Add(prometheus.AppendSeries(nil, labels, prometheus.Sample{Value: 7, Milliseconds: 1760000000000}))
	f.Add([]byte("\x1a\x03abc\x0a\x00"))
	f.Add([]byte("\x0a\x04\x12\x02\x10\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		request := data
		if plain, err := prometheus.Uncompress(nil, data, 1<<20); err == nil {
			request = plain
		}
		var again, want []byte
		var p prometheus.RequestParser
		if p.Parse(request, func(labels []prometheus.RawLabel, samples []prometheus.Sample) error {
			require.True(t, slices.IsSortedFunc(labels, func(a, b prometheus.RawLabel) int { return bytes.Compare(a.Name, b.Name) }))
			for _, s := range samples {
				if len(again) > 1<<20 { // labels by samples: a square of the request
					return assert.AnError
				}
				again = prometheus.AppendSeries(again, text(labels), s)
				want = prometheus.AppendSample(want, labels, s)
			}
			return nil
		}) != nil {
			return
		}
		got, err := read(again)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
	})
}

// many is a request with a thousand series.
func many() (request []byte) {
	for i := range 1000 {
		request = prometheus.AppendSeries(request, []prometheus.Label{{Name: "__name__", Value: "requests_total"}, {Name: "code", Value: fmt.Sprint(i)}}, prometheus.Sample{Value: 1, Milliseconds: 1760000000000})
	}
	return request
}

func TestParseDoesNotAllocate(t *testing.T) {
	request := many()
	var p prometheus.RequestParser
	parse := func() {
		if err := p.Parse(request, func([]prometheus.RawLabel, []prometheus.Sample) error { return nil }); err != nil {
			panic(err)
		}
	}
	parse()
	assert.Zero(t, testing.AllocsPerRun(10, parse))
}

func BenchmarkRequest(b *testing.B) {
	request := many()
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	var p prometheus.RequestParser
	for b.Loop() {
		if err := p.Parse(request, func([]prometheus.RawLabel, []prometheus.Sample) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
