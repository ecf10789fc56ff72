package ingest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/metric"
)

// counter is a writer that only counts.
type counter struct{ n, bytes int }

func (c *counter) Put(name []byte, _ metric.Method, _ int64, _ float64) store.Refusal {
	c.n++
	c.bytes += len(name)
	return store.Taken
}

func (c *counter) Merge(name []byte, _ metric.Method, _ int64, _ metric.Bucket) store.Refusal {
	c.n++
	c.bytes += len(name)
	return store.Taken
}

func (c *counter) Flush() error { return nil }
func (c *counter) Reset()       {}

// unread is a response that nobody reads.
type unread struct {
	header http.Header
	status int
}

func (w *unread) Header() http.Header         { return w.header }
func (w *unread) Write(p []byte) (int, error) { return len(p), nil }
func (w *unread) WriteHeader(status int)      { w.status = status }

// repeated posts one body again and again.
type repeated struct {
	h    http.Handler
	req  *http.Request
	body []byte
	read *bytes.Reader
	w    unread
}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

func newRepeated(c *counter, path string, content []byte, header ...string) *repeated {
	h := ingest.NewHTTP(ingest.HTTPOptions{Workers: 1, NewWriter: func() ingest.HTTPWriter { return c }})
	mux := http.NewServeMux()
	for _, route := range h.Routes() {
		mux.Handle(route.Pattern, route.Handler)
	}
	r := &repeated{h: mux, body: content, read: bytes.NewReader(nil), w: unread{header: http.Header{}}}
	r.req = httptest.NewRequest(http.MethodPost, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.req.Header.Set(header[i], header[i+1])
	}
	r.req.Body, r.req.ContentLength = body{r.read}, int64(len(content))
	return r
}

func (r *repeated) post() {
	r.read.Reset(r.body)
	clear(r.w.header)
	r.h.ServeHTTP(&r.w, r.req)
}

// influxLines are as telegraf writes them.
func influxLines(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "cpu,cpu=cpu%d,host=web-%d usage_idle=%d.5,usage_user=%d,usage_system=3.25 1760000000000000000\n", i%16, i/16%100, i%100, i%37)
	}
	return b.Bytes()
}

// TestInfluxLinesDoNotAllocate: a body of ten times the lines allocates a little
// for each block more, which is 600 lines, and nothing for a line.
func TestInfluxLinesDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("the race detector makes sync.Pool forget")
	}
	few, many := newRepeated(&counter{}, "/write?db=d", influxLines(500)), newRepeated(&counter{}, "/write?db=d", influxLines(5000))
	a, b := testing.AllocsPerRun(20, few.post), testing.AllocsPerRun(20, many.post)
	assert.Equal(t, 204, many.w.status)
	assert.Less(t, (b-a)/4500, .01, "a line")
	assert.Less(t, b, 60.0, "a request")
}

func BenchmarkInflux(b *testing.B) {
	const lines = 10_000
	c := &counter{}
	r := newRepeated(c, "/write?db=d", influxLines(lines))
	b.SetBytes(int64(len(r.body)))
	b.ReportAllocs()
	for b.Loop() {
		r.post()
	}
	b.ReportMetric(float64(c.n)/b.Elapsed().Seconds(), "samples/s")
}
