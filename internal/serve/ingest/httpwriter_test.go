package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// kept is what a fake store holds: a test's writers put into it. Its rules are
// those of store.Writer.
type kept struct {
	mu      sync.Mutex
	rows    []string // "put NAME METHOD SECOND VALUE", in order
	flushes int
	full    bool // Flush fails
	names   map[string]bool
	most    int // names that there may be; 0: any
	newFail bool
	anyTime bool
}

var errNoRoom = errors.New("store is full")

// now is the clock of tests.
var now = time.Unix(1_760_000_000, 0)

type fakeWriter struct {
	k       *kept
	pending []string
}

func (k *kept) writer() ingest.HTTPWriter { return &fakeWriter{k: k} }

func (w *fakeWriter) check(name []byte, unix int64, v float64) store.Refusal {
	w.k.mu.Lock()
	defer w.k.mu.Unlock()
	switch {
	case strings.HasPrefix(string(name), "bad"):
		return store.BadName
	case math.IsNaN(v) || math.IsInf(v, 0):
		return store.BadValue
	case !w.k.anyTime && (unix < now.Unix()-1000*86400 || unix > now.Unix()+86400):
		return store.BadTime
	case w.k.names[string(name)]:
		return store.Taken
	case w.k.newFail:
		return store.TooManyNew
	case w.k.most > 0 && len(w.k.names) >= w.k.most:
		return store.TooManySeries
	}
	if w.k.names == nil {
		w.k.names = map[string]bool{}
	}
	w.k.names[string(name)] = true
	return store.Taken
}

var methods = map[metric.Method]string{metric.Unset: "-", metric.Average: "average", metric.Sum: "sum", metric.Min: "min", metric.Max: "max", metric.Last: "last"}

func (w *fakeWriter) Put(name []byte, m metric.Method, unix int64, v float64) store.Refusal {
	r := w.check(name, unix, v)
	if r == store.Taken {
		w.pending = append(w.pending, fmt.Sprintf("put %s %s %d %v", name, methods[m], unix-now.Unix(), v))
	}
	return r
}

func (w *fakeWriter) Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) store.Refusal {
	r := w.check(name, unix, b.Sum)
	if r == store.Taken {
		w.pending = append(w.pending, fmt.Sprintf("merge %s %s %d %d*%v", name, methods[m], unix-now.Unix(), b.Count, b.Sum))
	}
	return r
}

func (w *fakeWriter) Flush() error {
	w.k.mu.Lock()
	defer w.k.mu.Unlock()
	if w.k.full {
		return errNoRoom
	}
	w.k.flushes++
	w.k.rows = append(w.k.rows, w.pending...)
	w.pending = nil
	return nil
}

func (w *fakeWriter) Reset() { w.pending = nil }

// sorted returns the rows, sorted.
func (k *kept) sorted() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(slices.Values(k.rows))
}

// rig is an HTTP with its store.
type rig struct {
	*kept
	http *ingest.HTTP
	mux  *http.ServeMux
}

func newRig(opt ingest.HTTPOptions) *rig {
	k := &kept{}
	if opt.NewWriter == nil {
		opt.NewWriter = k.writer
	}
	if opt.Now == nil {
		opt.Now = func() time.Time { return now }
	}
	r := &rig{k, ingest.NewHTTP(opt), http.NewServeMux()}
	for _, route := range r.http.Routes() {
		r.mux.Handle(route.Pattern, route.Handler)
	}
	return r
}

// post sends a request; header is names each followed by its value.
func (r *rig) post(t testing.TB, target string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, body)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	return w
}

// figure returns a counter by its name and the values of its labels.
func (r *rig) figure(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	for _, f := range r.http.Figures() {
		values := []string{}
		for _, l := range f.Labels {
			values = append(values, l.Value)
		}
		if f.Name == name && slices.Equal(values, labels) {
			require.True(t, f.Counter)
			return f.Value
		}
	}
	return 0
}

// object decodes an answer.
func object(t testing.TB, body []byte) (o map[string]string) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, &o), "%q", body)
	return o
}
