package outputs_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

var (
	cvmfs     = outputs.InfluxOptions{MetricName: "cv", ExtraTags: "repo=atlas.example.org", ExtraFields: `os="a b",cores=8`}
	cvmfsHTTP = outputs.InfluxOptions{MetricName: "cv", ExtraTags: "repo=atlas.example.org", Database: "logs"}
)

func newInflux(t *testing.T, opt outputs.Options) outputs.Output {
	t.Helper()
	return newVariant(t, variant{"influx", "", opt})
}

func refuseInflux(t *testing.T, opt outputs.Options, want string) {
	t.Helper()
	f, ok := outputs.Find("influx")
	require.True(t, ok)
	_, err := f.New(opt)
	assert.ErrorContains(t, err, "influx: ")
	assert.ErrorContains(t, err, want)
}

// strictInflux counts fields, of which the extra ones are no samples.
func strictInflux(t *testing.T, v variant, packet []byte) (fields int) {
	p := influx.Parser{Precision: influx.Second}
	if v.opt.Protocol == "udp" {
		p.Precision = influx.Nanosecond
	}
	var pt influx.Point
	lines := 0
	for p.Reset(packet); ; lines++ {
		ok, err := p.Next(&pt)
		require.NoError(t, err)
		if !ok {
			break
		}
		require.EqualValues(t, 1760000000e9, pt.Time)
		fields += strictFields(t, v, &pt)
	}
	require.Equal(t, lines, bytes.Count(packet, []byte("\n")))
	return fields
}

func strictFields(t *testing.T, v variant, pt *influx.Point) (fields int) {
	if v.opt.Influx.MetricName == "" {
		checkName(t, v, pt.Measurement)
		for _, tag := range pt.Tags {
			if !strings.Contains("code dc", string(tag.Key)) {
				checkTag(t, tag.Key, tag.Value)
			}
		}
		require.Len(t, pt.Fields, 1)
		require.Equal(t, "value", string(pt.Fields[0].Key))
		return 1
	}
	require.Equal(t, "cv_absolute", string(pt.Measurement))
	require.Len(t, pt.Tags, 1)
	for _, f := range pt.Fields {
		if key := string(f.Key); key != "os" && key != "cores" {
			checkName(t, v, f.Key)
			require.Equal(t, influx.Float, f.Kind)
			fields++
		}
	}
	return fields
}

// counts is the batch of one interval.
func counts(seq uint64, samples ...metric.Sample) *metric.Batch {
	stamp := 1760000000 + 10*int64(seq)
	return &metric.Batch{ID: metric.BatchID{Job: [16]byte{7}, Seq: seq}, Start: stamp - 10, End: stamp, Stamp: stamp, Prefix: "test", Samples: samples}
}

func counter(name string, sum float64) metric.Sample {
	s := metric.Sample{Name: name, Kind: metric.Counter}
	if sum != 0 {
		s.Bucket = metric.Bucket{Count: 1, Sum: sum}
	}
	return s
}

// lines writes batches one after the other and returns the lines of each.
func lines(t *testing.T, out outputs.Output, got *bytes.Buffer, b *metric.Batch) string {
	t.Helper()
	got.Reset()
	require.NoError(t, out.Write(t.Context(), b))
	var kept strings.Builder
	for line := range strings.Lines(got.String()) {
		if !strings.HasPrefix(line, "#") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// TestTelemetryOfCVMFS has the values of CVMFS's own test: c1=1, c3=10, then
// c1=1, c2=1, c3=15.
func TestTelemetryOfCVMFS(t *testing.T) {
	var got bytes.Buffer
	opt := outputs.Options{Protocol: "udp", DryRun: &got, Influx: outputs.InfluxOptions{
		MetricName: "unittest", ExtraTags: "repo=some.repo,hello=world", ExtraFields: `x=1,y="a b"`,
	}}
	first := counts(1, counter("c3", 10), counter("c1", 1), counter("c2", 0))
	second := counts(2, counter("c3", 5), counter("c2", 1), counter("c1", 0))
	const wantFirst = `unittest_absolute,repo=some.repo,hello=world test.c1=1,test.c3=10,x=1,y="a b" 1760000010000000000` + "\n"
	const wantSecond = `unittest_absolute,repo=some.repo,hello=world test.c1=1,test.c2=1,test.c3=15,x=1,y="a b" 1760000020000000000` + "\n" +
		"unittest_delta,repo=some.repo,hello=world test.c1=0,test.c2=1,test.c3=5 1760000020000000000\n"
	out := newInflux(t, opt)
	assert.Equal(t, wantFirst, lines(t, out, &got, first))
	assert.Equal(t, wantFirst, lines(t, out, &got, first), "a repeat")
	memo := out.(outputs.Stateful).Memo()
	assert.Equal(t, wantSecond, lines(t, out, &got, second))
	assert.Equal(t, wantSecond, lines(t, out, &got, second), "a repeat")
	assert.Equal(t, 1, strings.Count(got.String(), "#"), "both lines are in one datagram")

	again := newInflux(t, opt)
	require.NoError(t, again.(outputs.Stateful).Restore(memo))
	assert.Equal(t, wantFirst, lines(t, again, &got, first), "a repeat after a restart")
	assert.Equal(t, wantSecond, lines(t, again, &got, second), "after a restart")
}

// TestTelemetryOfOtherKinds: they are levels in the absolute line.
func TestTelemetryOfOtherKinds(t *testing.T) {
	var got bytes.Buffer
	out := newInflux(t, outputs.Options{Protocol: "udp", DryRun: &got, Influx: outputs.InfluxOptions{MetricName: "n"}})
	b := counts(1, metric.NewGauge("level", 0, metric.Shortest, ""), counter("c", 0))
	b.Samples = append(b.Samples, metric.Sample{Name: "t", Kind: metric.Timer}, metric.Sample{Name: "s", Kind: metric.Set})
	assert.Equal(t, "n_absolute test.level=0,test.s=0,test.t.count=0 1760000010000000000\n", lines(t, out, &got, b))
	b = counts(2, counter("c", 3))
	b.Samples[0].Tags = metric.Tags{{Key: "k", Value: "v"}}
	assert.Equal(t, "n_absolute test.c.v=3 1760000020000000000\nn_delta test.c.v=3 1760000020000000000\n", lines(t, out, &got, b))
	out = newInflux(t, outputs.Options{Protocol: "udp", DryRun: &got, Influx: outputs.InfluxOptions{MetricName: "n"}})
	assert.Empty(t, lines(t, out, &got, counts(1, counter("c", 0))), "a line without fields is none to InfluxDB")
}

// TestTelemetryIsSplit: no datagram is too large, and no field is lost.
func TestTelemetryIsSplit(t *testing.T) {
	var samples []metric.Sample
	for i := range 200 {
		samples = append(samples, counter("c"+strings.Repeat("x", i), float64(i+1)))
	}
	for _, size := range []int{300, 500, 1432, 65507} {
		opt := outputs.Options{Protocol: "udp", PacketSize: size, Influx: cvmfs}
		fields := map[string]float64{}
		outputs.Packets(t, "influx", opt, counts(1, samples...), func(packet []byte) {
			require.LessOrEqual(t, len(packet), size)
			var p influx.Parser
			var pt influx.Point
			for p.Reset(packet); ; {
				ok, err := p.Next(&pt)
				require.NoError(t, err)
				if !ok {
					break
				}
				require.Equal(t, "cv_absolute", string(pt.Measurement))
				require.EqualValues(t, 1760000010e9, pt.Time)
				for _, f := range pt.Fields {
					fields[string(f.Key)], _ = f.Number()
				}
			}
		})
		require.Len(t, fields, 202)
		for _, s := range samples {
			require.Equal(t, s.Sum, fields["test."+s.Name])
		}
	}
}

func TestInfluxRefuses(t *testing.T) {
	influxOptions := func(o outputs.InfluxOptions) outputs.Options { return outputs.Options{Influx: o} }
	refuseInflux(t, outputs.Options{}, "a database (InfluxDB 1) or a bucket (InfluxDB 2) must be named")
	refuseInflux(t, influxOptions(outputs.InfluxOptions{Database: "d", Bucket: "b"}), "name one of them")
	refuseInflux(t, influxOptions(outputs.InfluxOptions{Database: "d", User: "u", TokenFile: "f"}), "give one of them")
	refuseInflux(t, influxOptions(outputs.InfluxOptions{Database: "d", PasswordFile: "f"}), "the user of the password is missing")
	refuseInflux(t, influxOptions(outputs.InfluxOptions{Database: "d", ExtraFields: "a=1"}), "extra fields need a metric name")
	refuseInflux(t, outputs.Options{Protocol: "tcp"}, `no protocol "tcp"; there are: http, https, udp`)
	refuseInflux(t, outputs.Options{Address: "http://me:secret@h"}, "an address must not hold a password")
	refuseInflux(t, outputs.Options{Address: "http://h:x/"}, `port "x" is not a number`)
	for _, tags := range []string{"a", "a=", "a=b,", "a=b c=d", "a=b f=1\nevil f=1", "a=b\nevil", "=b", "a=b,a=c", "a=b f=1 1\nevil", `a=b\`} {
		refuseInflux(t, outputs.Options{Protocol: "udp", Influx: outputs.InfluxOptions{ExtraTags: tags}}, "extra tags")
	}
	for _, fields := range []string{"a", "a=", "a=1,", "a=nan", "a=1 5", `a="b`, "a=1\nevil f=1", "a=1 1\nevil f=1", "#"} {
		refuseInflux(t, outputs.Options{Protocol: "udp", Influx: outputs.InfluxOptions{MetricName: "n", ExtraFields: fields}}, "extra fields")
	}
}

// TestInfluxRequests looks at what arrives at servers of both versions.
func TestInfluxRequests(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("s3cret\n"), 0o600))
	for name, c := range map[string]struct {
		path           string
		opt            outputs.InfluxOptions
		uri, authority string
	}{
		"1":             {"", outputs.InfluxOptions{Database: "logs"}, "/write?db=logs&precision=s", ""},
		"1 with policy": {"/", outputs.InfluxOptions{Database: "l&s/a month"}, "/write?db=l%26s&precision=s&rp=a+month", ""},
		"1 with user":   {"", outputs.InfluxOptions{Database: "logs", User: "me", PasswordFile: secret}, "/write?db=logs&precision=s", "Basic bWU6czNjcmV0"},
		"2":             {"", outputs.InfluxOptions{Org: "my org", Bucket: "b", TokenFile: secret}, "/api/v2/write?bucket=b&org=my+org&precision=s", "Token s3cret"},
		"2 below":       {"/influx/?x=y", outputs.InfluxOptions{Bucket: "b"}, "/influx/api/v2/write?bucket=b&precision=s&x=y", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "POST", r.Method)
				assert.Equal(t, c.uri, r.URL.RequestURI())
				assert.Equal(t, c.authority, r.Header.Get("Authorization"))
				assert.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
				body, err := gzip.NewReader(r.Body)
				if assert.NoError(t, err) {
					text, err := io.ReadAll(body)
					assert.NoError(t, err)
					bodies <- string(text)
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			out := newInflux(t, outputs.Options{Address: server.URL + c.path, Influx: c.opt})
			require.NoError(t, out.Write(t.Context(), counts(1, counter("c", 2))))
			assert.Equal(t, "test.c value=2 1760000010\n", <-bodies)
		})
	}
}

func TestInfluxSecretsAreKept(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	require.NoError(t, os.WriteFile(open, []byte("s3cret\n"), 0o644))
	refuseInflux(t, outputs.Options{Influx: outputs.InfluxOptions{Bucket: "b", TokenFile: open}}, "everybody may read")
	refuseInflux(t, outputs.Options{Influx: outputs.InfluxOptions{Database: "b", User: "u", PasswordFile: open + ".not"}}, "no such file")
	require.NoError(t, os.Chmod(open, 0o600))
	var got bytes.Buffer
	out := newInflux(t, outputs.Options{DryRun: &got, Influx: outputs.InfluxOptions{Bucket: "b", TokenFile: open}})
	require.NoError(t, out.Write(t.Context(), sampleBatch()))
	assert.NotContains(t, got.String(), "s3cret")
}

// TestInfluxNumbers: no value that InfluxDB refuses is sent, and no time.
func TestInfluxNumbers(t *testing.T) {
	var got bytes.Buffer
	out := newInflux(t, outputs.Options{Protocol: "udp", DryRun: &got})
	for v, want := range map[float64]string{math.Inf(1): "1.7976931348623157e+308", math.Inf(-1): "-1.7976931348623157e+308", 1e-7: "1e-07", -.5: "-0.5"} {
		assert.Equal(t, "test.g value="+want+" 1760000010000000000\n", lines(t, out, &got, counts(1, metric.NewGauge("g", v, metric.PyFloat, ""))))
	}
	assert.Empty(t, lines(t, out, &got, counts(1, metric.NewGauge("g", math.NaN(), metric.Shortest, ""))))
	for _, stamp := range []int64{1e10, -1e10, math.MaxInt64, math.MinInt64} {
		b := counts(1, counter("c", 1))
		b.Stamp = stamp
		assert.ErrorIs(t, out.Write(t.Context(), b), outputs.ErrPermanent)
	}
}
