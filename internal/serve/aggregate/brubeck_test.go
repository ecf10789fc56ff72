package aggregate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/metric"
)

// ordered is a sink that keeps the order alone.
type ordered struct{ names []string }

func (o *ordered) Put(name []byte, _ metric.Method, _ int64, _ float64) {
	o.names = append(o.names, string(name))
}

func (o *ordered) Add(name []byte, m metric.Method, stamp int64, v float64) { o.Put(name, m, stamp, v) }

func (o *ordered) Flush() error { return nil }

func brubeck(t *testing.T, c aggregate.BrubeckConfig) (*aggregate.Brubeck, *recorder) {
	t.Helper()
	sink := &recorder{}
	u, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{Options: aggregate.Options{Sink: sink}, BrubeckConfig: c, Version: "1.2"})
	require.NoError(t, err)
	u.Samples("127.0.0.1:8126")
	return u, sink
}

// TestBrubeckCases are the cases of brubeck's own tests, and what it was seen to do.
func TestBrubeckCases(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want map[string]float64
	}{
		"meter":                      {"a:1|c\na:2|c|@0.5\na:-3|c", map[string]float64{"a": 2, "brubeck.metrics": 3, "brubeck.errors": 0, "brubeck.unique_keys": 2}},
		"counter":                    {"a:10|C\na:15|C\na:22|C\na:3|C", map[string]float64{"a": 15}},
		"counter of one":             {"a:10|C", map[string]float64{"a": 0}},
		"counter from 0":             {"a:0|C\na:5|C\na:9|C", map[string]float64{"a": 4}},
		"gauge":                      {"a:5|g\na:+2|g\na:-3|g\nb:-1|g\nc:|g", map[string]float64{"a": 4, "b": -1, "c": 0}},
		"histogram of one":           {"a:7|h|@0.1", map[string]float64{"a.count": 10, "a.count_ps": 1, "a.min": 7, "a.max": 7, "a.median": 7, "a.percentile.999": 7, "a.mean": 7, "a.sum": 7}},
		"the lower of two":           {"a:1|ms\na:2|ms", map[string]float64{"a.median": 1, "a.percentile.75": 2}},
		"the first type is for ever": {"a:1|c\na:5|g\na:7|ms\nb:1|g\nb:5|c", map[string]float64{"a": 13, "b": 5, "a.count": none}},
		"errors":                     {"\n\na b:1|c\na.:1|c\na:1|c|#x:y\na:1|c\r\na:1:2|c\nx\n:1|c\nu:1|s\na:1|c\n", map[string]float64{"a": 1, "brubeck.errors": 10, "brubeck.metrics": 1}},
		"whole doubles":              {"a:0.7|g\nb:5000000000|g\nc:16777217|g", map[string]float64{"a": .7, "b": 5e9, "c": 16777217}},
		"names as sent":              {"a/b$:1|c\né:1|c\nx\x00y:1|c", map[string]float64{"a/b$": 1, "é": 1, "brubeck.errors": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			u, sink := brubeck(t, aggregate.BrubeckConfig{})
			u.Worker().Block([]byte(c.in))
			u.Flush(10)
			has(t, sink.values, c.want)
		})
	}
}

func TestBrubeckHistogram(t *testing.T) {
	for rate, count := range map[string]float64{"": 128, "|@0.1": 1280} {
		u, sink := brubeck(t, aggregate.BrubeckConfig{})
		w := u.Worker()
		for i := 1; i <= 128; i++ {
			w.Block(fmt.Appendf(nil, "x:%d|h%s", i, rate))
		}
		u.Flush(10)
		has(t, sink.values, map[string]float64{"x.min": 1, "x.max": 128, "x.percentile.99": 127, "x.mean": 64.5, "x.sum": 8256, "x.count": count, "x.median": 64})
		u.Flush(20)
		has(t, sink.values, map[string]float64{"x.min": none, "x.count": 0, "x.count_ps": 0})
	}
}

// TestBrubeckManyValues: 65,535 are kept, more are counted.
func TestBrubeckManyValues(t *testing.T) {
	u, sink := brubeck(t, aggregate.BrubeckConfig{})
	w := u.Worker()
	for i := 1; i <= 65_535+500; i++ {
		w.Block(fmt.Appendf(nil, "x:%d|h", i))
	}
	u.Flush(10)
	has(t, sink.values, map[string]float64{"x.count": 66_035, "x.max": 65_535, "x.min": 1})
	assert.InEpsilon(t, 65_535*.99, sink.values["x.percentile.99"], .011)
}

// TestBrubeckIdle: values are sent again, and totals live on.
func TestBrubeckIdle(t *testing.T) {
	u, sink := brubeck(t, aggregate.BrubeckConfig{ServerName: "me"})
	w := u.Worker()
	w.Block([]byte("c:1|c\nC:5|C\ng:3|g"))
	u.Flush(10)
	u.Flush(20)
	has(t, sink.values, map[string]float64{"c": 0, "C": 0, "g": 3, "me.metrics": 0, "me.unique_keys": 4})
	w.Block([]byte("C:7|C\ng:+1|g"))
	u.Flush(30)
	has(t, sink.values, map[string]float64{"C": 2, "g": 4})
}

// TestBrubeckExpire: after a while a name is inactive, then it is not sent
// until a sample comes.
func TestBrubeckExpire(t *testing.T) {
	u, sink := brubeck(t, aggregate.BrubeckConfig{Expire: 20})
	w := u.Worker()
	state := func() string {
		var m struct{ Type, Expire string }
		require.NoError(t, json.Unmarshal([]byte(get(t, u, "GET", "/metric/g", 200)), &m))
		require.Equal(t, "gauge", m.Type)
		return m.Expire
	}
	w.Block([]byte("g:3|g\nc:1|c"))
	for stamp, want := range []string{"active", "active", "inactive", "inactive", "disabled", "disabled"} {
		u.Flush(int64(10 + 10*stamp))
		require.Equal(t, want, state(), "at %d", stamp)
	}
	has(t, sink.values, map[string]float64{"g": none, "c": none})
	w.Block([]byte("g:+1|g"))
	u.Flush(80)
	has(t, sink.values, map[string]float64{"g": 4, "c": none})
	get(t, u, "POST", "/expire/g", 200)
	require.Equal(t, "disabled", state())
	u.Flush(90)
	has(t, sink.values, map[string]float64{"g": none})
	w.Block([]byte("g:2|g"))
	require.Equal(t, "active", state())
	u.Flush(100)
	has(t, sink.values, map[string]float64{"g": 2})
}

func TestBrubeckOrder(t *testing.T) {
	sink := &ordered{}
	u, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{Options: aggregate.Options{Sink: sink}})
	require.NoError(t, err)
	u.Worker().Block([]byte("a:1|c\nb:1|g\nc:1|C"))
	u.Flush(10)
	assert.Equal(t, "brubeck.metrics brubeck.errors brubeck.unique_keys c b a", strings.Join(sink.names, " "))
}

// get asks the handler, and checks the status.
func get(t *testing.T, u *aggregate.Brubeck, method, path string, status int) string {
	t.Helper()
	w := httptest.NewRecorder()
	u.Handler().ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	require.Equal(t, status, w.Code, path)
	require.Equal(t, "close", w.Header().Get("Connection"))
	if status == http.StatusOK {
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	}
	return w.Body.String()
}

func TestBrubeckHTTP(t *testing.T) {
	u, sink := brubeck(t, aggregate.BrubeckConfig{Frequency: 2})
	u.Worker().Block([]byte("c1:1|c\nc1:1|c\nt:1|ms\nh:1|h\nC:1|C\nbad"))
	u.Flush(10)
	assert.Regexp(t, `^\{\n    "version": "logmetrics 1\.2",\n    "pid": \d+,\n    "status": "OK",\n    "metrics_per_second": 2\.5,\n    "errors_per_second": 0\.5,\n    "unique_keys": 5\n\}$`,
		get(t, u, "GET", "/ping", 200))
	assert.JSONEq(t, get(t, u, "GET", "/ping", 200), get(t, u, "GET", "/_ping", 200))
	assert.JSONEq(t, `{"version": "logmetrics 1.2", "metrics": 5, "errors": 1, "unique_keys": 5, "secure": {"failed": 0, "from_future": 0, "delayed": 0, "replayed": 0},
		"backends": [{"type": "store", "sample_freq": 2, "connected": true, "sent": 29}], "samplers": [{"type": "statsd", "sample_freq": 0.0, "address": "127.0.0.1", "port": 8126}]}`,
		get(t, u, "GET", "/stats", 200))
	for name, kind := range map[string]string{"c1": "meter", "t": "timer", "h": "histogram", "C": "counter", "brubeck": "internal"} {
		assert.JSONEq(t, fmt.Sprintf(`{"key": %q, "type": %q, "shard": 0, "expire": "active"}`, name, kind), get(t, u, "GET", "/metric/"+name, 200))
	}
	for method, paths := range map[string][]string{
		"GET": {"/", "/metric/none", "/expire/c1", "/metric/<script>"}, "HEAD": {"/ping"}, "POST": {"/ping", "/expire/none", "/metric/c1"},
	} {
		for _, path := range paths {
			assert.Equal(t, "404 not found", get(t, u, method, path, 404))
		}
	}
	sink.err = assert.AnError
	u.Flush(12)
	assert.Contains(t, get(t, u, "GET", "/ping", 200), `"status": "ERROR (backend disconnected)"`)
}

// TestBrubeckNamesComeAndGo: those that are disabled leave room for others.
func TestBrubeckNamesComeAndGo(t *testing.T) {
	sink := &recorder{}
	u, err := aggregate.NewBrubeck(aggregate.BrubeckOptions{
		Options: aggregate.Options{Sink: sink, Limits: aggregate.Limits{MaxNames: 9000}}, BrubeckConfig: aggregate.BrubeckConfig{Expire: 10},
	})
	require.NoError(t, err)
	w := u.Worker()
	for round := range 30 {
		for i := range 1000 {
			w.Block(fmt.Appendf(nil, "r%d.n%d:1|c\nstays:+1|g", round, i))
		}
		u.Flush(int64(10 * round))
		require.Equal(t, 1.0, sink.values[fmt.Sprintf("r%d.n999", round)], "round %d", round)
		require.Equal(t, float64(1000*(round+1)), sink.values["stays"])
	}
}
