package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
	"github.com/logmetrics/logmetrics/metric"
)

// stuck is a writer whose Flush waits.
type stuck struct {
	counter
	goOn chan struct{}
}

func (s *stuck) Flush() error {
	<-s.goOn
	return nil
}

// TestBusy: who finds no turn in time is told to come again, by each handler.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{goOn: make(chan struct{})}
		r := newRig(ingest.HTTPOptions{Workers: 1, NewWriter: func() ingest.HTTPWriter { return w }})
		var first sync.WaitGroup
		first.Go(func() { assert.Equal(t, 204, r.post(t, "/write?db=d", strings.NewReader("m f=1")).Code) })
		synctest.Wait()
		began := time.Now()
		for target, kind := range map[string]string{"/write?db=d": "", "/api/v1/write": type1, "/v1/metrics": "application/x-protobuf"} {
			a := r.post(t, target, bytes.NewReader([]byte{0}), "Content-Type", kind)
			assert.Equal(t, 503, a.Code, target)
			assert.Equal(t, "5", a.Header().Get("Retry-After"))
		}
		assert.Equal(t, 15*time.Second, time.Since(began))
		for _, handler := range []string{"http-influx", "http-prometheus", "http-otlp"} {
			assert.EqualValues(t, 1, r.figure(t, "refusedRequests", handler, "busy"))
		}
		close(w.goOn)
		first.Wait()
		assert.Equal(t, 204, r.post(t, "/write?db=d", strings.NewReader("m f=1")).Code)
	})
}

// stall sends the head of a request and n bytes of a body that is announced to
// be larger, and no more.
func stall(t *testing.T, address, target, head string, n int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n", target, head, n+1000)
	require.NoError(t, err)
	_, err = c.Write(bytes.Repeat([]byte("m f=1\n"), n/6+1)[:n])
	require.NoError(t, err)
	return c
}

// TestSlowClients: clients that stall in the middle of a body, more of them large
// than there are places for, do not keep a good one waiting.
func TestSlowClients(t *testing.T) {
	testutil.LeakCheck(t)
	r := newRig(ingest.HTTPOptions{Workers: 2, NewWriter: func() ingest.HTTPWriter { return &counter{} }})
	s := httptest.NewServer(r.mux)
	defer s.Close()
	defer s.CloseClientConnections()
	address := strings.TrimPrefix(s.URL, "http://")
	for i := range 200 {
		target, head, n := "/write?db=d", "", 100_000
		switch i % 3 {
		case 1:
			target, head = "/api/v1/write", "Content-Type: "+type1+"\r\n"
		case 2:
			target, head = "/v1/metrics", "Content-Type: application/x-protobuf\r\n"
		}
		if i%10 == 1 {
			n = 300_000
		}
		defer stall(t, address, target, head, n).Close()
	}
	body := prometheus.Compress(nil, remoteBody(100))
	for range 20 {
		began := time.Now()
		for target, content := range map[string]io.Reader{"/write?db=d": strings.NewReader("good f=1"), "/api/v1/write": bytes.NewReader(body)} {
			res, err := http.Post(s.URL+target, type1, content)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.Equal(t, 204, res.StatusCode)
		}
		assert.Less(t, time.Since(began), 2*time.Second)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestLargeBodies: those beyond the places are told to come again.
func TestLargeBodies(t *testing.T) {
	r := newRig(ingest.HTTPOptions{Wait: time.Millisecond})
	s := httptest.NewServer(r.mux)
	defer s.Close()
	defer s.CloseClientConnections()
	address := strings.TrimPrefix(s.URL, "http://")
	for range 8 {
		defer stall(t, address, "/api/v1/write", "", 300_000).Close()
	}
	testutil.Eventually(t, testutil.StartLimit, func() bool {
		res, err := http.Post(s.URL+"/api/v1/write", type1, bytes.NewReader(make([]byte, 300_000)))
		if err != nil {
			return false // refused while it still wrote
		}
		require.NoError(t, res.Body.Close())
		return res.StatusCode == 503 && res.Header.Get("Retry-After") == "5"
	})
	assert.Positive(t, r.figure(t, "refusedRequests", "http-prometheus", "busy"))
	res, err := http.Post(s.URL+"/api/v1/write", type1, bytes.NewReader(prometheus.Compress(nil, remoteBody(1))))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 204, res.StatusCode)
}

// TestBodyTime: a body that does not come is not waited for.
func TestBodyTime(t *testing.T) {
	r := newRig(ingest.HTTPOptions{BodyTime: 20 * time.Millisecond})
	s := httptest.NewServer(r.mux)
	defer s.Close()
	address := strings.TrimPrefix(s.URL, "http://")
	for target, handler := range map[string]string{"/write?db=d": "http-influx", "/api/v1/write": "http-prometheus"} {
		c := stall(t, address, target, "", 100)
		text, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Contains(t, string(text), "400 Bad Request")
		assert.EqualValues(t, 1, r.figure(t, "refusedRequests", handler, "clientGone"))
		require.NoError(t, c.Close())
	}
}

// TestHostileMemory: bodies made to take much memory do not.
func TestHostileMemory(t *testing.T) {
	size := 16 << 20
	if testutil.Race() {
		size = 1 << 17 // there is but one goroutine, and what a body costs is seen without it
	}
	fill := func(unit string) []byte { return bytes.Repeat([]byte(unit), size/len(unit)) }
	for name, c := range map[string]struct {
		target, kind, encoding string
		body                   []byte
	}{
		"labels":              {"/api/v1/write", type1, "snappy", wrap(0x0a, fill("\x0a\x06\x0a\x01a\x12\x01b"))},
		"samples":             {"/api/v1/write", type1, "snappy", wrap(0x0a, fill("\x12\x00"))},
		"series":              {"/api/v1/write", type1, "snappy", fill("\x0a\x00")},
		"symbols":             {"/api/v1/write", type2, "snappy", fill("\x22\x00")},
		"references":          {"/api/v1/write", type2, "snappy", append([]byte("\x22\x00"), wrap(0x2a, fill("\x08\x00"))[:size-100]...)},
		"resources":           {"/v1/metrics", "application/x-protobuf", "", fill("\x0a\x00")},
		"attributes":          {"/v1/metrics", "application/x-protobuf", "", wrap(0x0a, wrap(0x0a, fill("\x0a\x00")))},
		"nested lists":        {"/v1/metrics", "application/json", "", []byte(strings.Repeat(`{"a":`, size/16))},
		"JSON objects":        {"/v1/metrics", "application/json", "", append([]byte(`{"resourceMetrics":[`), fill("{},")...)},
		"tags":                {"/write?db=d", "", "", append([]byte("m"), fill(",a=b")...)},
		"fields":              {"/write?db=d", "", "", append([]byte("m "), fill("a=1,")...)},
		"bad lines":           {"/write?db=d", "", "", fill("m\n")},
		"fields by tags":      {"/write?db=d", "", "", bytes.Repeat([]byte("m,k="+strings.Repeat("v", 2000)+" "+strings.Repeat("a=1,", 4000)+"a=1\n"), size/18_000)},
		"fields by long tags": {"/write?db=d", "", "", bytes.Repeat([]byte("m,k="+strings.Repeat("v", 900_000)+" "+strings.Repeat("a=1,", 4000)+"a=1\n"), max(1, size>>20))},
		"series by a symbol":  {"/api/v1/write", type2, "snappy", slices.Concat([]byte("\x22\x00"), wrap(0x22, make([]byte, size/2)), bytes.Repeat(wrap(0x2a, []byte("\x0a\x02\x01\x01\x12\x00")), size/16))},
		"points by a resource": {"/v1/metrics", "application/x-protobuf", "", wrap(0x0a, slices.Concat(
			wrap(0x0a, wrap(0x0a, append([]byte("\x0a\x09host.name"), wrap(0x12, wrap(0x0a, bytes.Repeat([]byte("v"), size/2)))...))),
			wrap(0x12, wrap(0x12, slices.Concat([]byte("\x0a\x01m"), wrap(0x2a, bytes.Repeat([]byte("\x0a\x09\x21\x00\x00\x00\x00\x00\x00\x00\x00"), size/32)))))))},
		"points by a name": {"/v1/metrics", "application/x-protobuf", "", wrap(0x0a, wrap(0x12, wrap(0x12, slices.Concat(wrap(0x0a, bytes.Repeat([]byte("("), size/2)),
			wrap(0x2a, bytes.Repeat([]byte("\x0a\x09\x21\x00\x00\x00\x00\x00\x00\x00\x00"), size/32))))))},
		"zip bomb": {"/write?db=d", "", "gzip", zipped(t, strings.Repeat("\n", 5*size)).Bytes()},
	} {
		t.Run(name, func(t *testing.T) {
			if c.encoding == "snappy" {
				c.body = prometheus.Compress(nil, c.body)
			}
			k := &counter{}
			r := newRig(ingest.HTTPOptions{Workers: 1, NewWriter: func() ingest.HTTPWriter { return k }, MaxBytes: 17 << 20, MaxStream: int64(4 * size)})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			w := r.post(t, c.target, bytes.NewReader(c.body), "Content-Type", c.kind, "Content-Encoding", c.encoding)
			runtime.ReadMemStats(&after)
			t.Logf("%d in %s, %d KiB allocated: %.300q", w.Code, time.Since(began), (after.TotalAlloc-before.TotalAlloc)>>10, w.Body.String())
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
			if !testutil.Race() {
				assert.Less(t, time.Since(began), 5*time.Second)
			}
		})
	}
}

// wrap makes a field of the bytes.
func wrap(tag byte, body []byte) []byte {
	dst := []byte{tag}
	for n := len(body); ; n >>= 7 {
		if n < 0x80 {
			return append(append(dst, byte(n)), body...)
		}
		dst = append(dst, byte(n)|0x80)
	}
}

// clean is a writer that knows what a name may be.
type clean struct {
	counter
	t *testing.T
}

func (c *clean) Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal {
	c.check(name)
	require.True(c.t, v-v == 0, "%v", v)
	return c.counter.Put(name, m, unix, v)
}

func (c *clean) Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) store.Refusal {
	c.check(name)
	return c.counter.Merge(name, m, unix, b)
}

func (c *clean) check(name []byte) {
	text := string(name)
	path, _, _ := strings.Cut(text, ";")
	require.True(c.t, metric.ValidName(path), "%q", text)
	require.True(c.t, utf8.ValidString(text), "%q", text)
	require.False(c.t, strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), "%q", text)
	require.LessOrEqual(c.t, len(text), ingest.MaxSeriesName)
	_, ok := names.AppendCanonical(nil, name)
	require.True(c.t, ok || len(text) > names.MaxLen || strings.Count(text, ";") > names.MaxTags, "%q", text)
}

// FuzzHTTP: whatever is posted, it is answered, and no name is more than one.
func FuzzHTTP(f *testing.F) {
	kinds := []struct{ target, kind string }{
		{"/write?db=d", ""}, {"/api/v2/write?bucket=b&precision=s", ""}, {"/api/v1/write", type1}, {"/api/v1/write", type2},
		{"/v1/metrics", "application/x-protobuf"}, {"/v1/metrics", "application/json"},
	}
	f.Add(byte(0), influxLines(3))
	f.Add(byte(1), []byte("m,a=\"b\\ c,d=e f=\"x\ny\",g=2i,h=t 17\n\nm"))
	f.Add(byte(2), remoteBody(2))
	two, err := prometheus.Uncompress(nil, symbolBody(f, 2), 1<<20)
	require.NoError(f, err)
	f.Add(byte(3), two)
	f.Add(byte(4), otlpBody(f, 100)[:400])
	histograms, err := proto.Marshal(request(exponential("e", bothSides())))
	require.NoError(f, err)
	f.Add(byte(4), histograms)
	f.Add(byte(5), []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asDouble":1,"timeUnixNano":"1760000000000000000"}]}}]}]}]}`))
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		k := kinds[int(which)%len(kinds)]
		if strings.HasPrefix(k.target, "/api/v1") {
			body = prometheus.Compress(nil, body)
		}
		r := newRig(ingest.HTTPOptions{Workers: 1, MaxBytes: 1 << 20, NewWriter: func() ingest.HTTPWriter { return &clean{t: t} }})
		w := r.post(t, k.target, bytes.NewReader(body), "Content-Type", k.kind)
		require.Contains(t, []int{200, 204, 400, 413}, w.Code)
		for _, values := range w.Header() {
			for _, v := range values {
				require.False(t, strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }), "%q", v)
			}
		}
	})
}
