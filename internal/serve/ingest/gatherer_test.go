package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// exact is a store of buckets of ten seconds in memory, without any rounding of
// its own. It may be used concurrently.
type exact struct {
	mu      sync.Mutex // protects the fields below
	series  map[string]*keptSeries
	newest  map[[16]byte]uint64
	refuse  map[string]store.Refusal // by name
	full    error
	jobs    int // that may send; 0: any number
	writers int
}

type keptSeries struct {
	method  metric.Method
	buckets map[int64]metric.Bucket
}

func newExact() *exact {
	return &exact{series: make(map[string]*keptSeries), newest: make(map[[16]byte]uint64), refuse: make(map[string]store.Refusal)}
}

func (e *exact) writer() ingest.BatchWriter {
	e.writers++
	return &exactWriter{e: e}
}

// exactWriter holds what is not committed.
type exactWriter struct {
	e    *exact
	held []func()
}

func (w *exactWriter) Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) store.Refusal {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	series := string(name)
	if b.Count == 0 || b.M2 < 0 {
		return store.BadValue
	}
	if why := w.e.refuse[series]; why != store.Taken {
		return why
	}
	w.held = append(w.held, func() {
		k := w.e.series[series]
		if k == nil {
			k = &keptSeries{m, make(map[int64]metric.Bucket)}
			w.e.series[series] = k
		}
		old := k.buckets[unix-unix%10]
		old.Merge(b)
		k.buckets[unix-unix%10] = old
	})
	return store.Taken
}

func (w *exactWriter) Commit(id metric.BatchID) (repeated bool, err error) {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	if w.e.full != nil {
		return false, w.e.full
	}
	if w.e.newest[id.Job] >= id.Seq {
		w.held = nil
		return true, nil
	}
	if _, known := w.e.newest[id.Job]; !known && w.e.jobs > 0 && len(w.e.newest) >= w.e.jobs {
		return false, fmt.Errorf("commit: %w", store.ErrIdentities)
	}
	for _, fn := range w.held {
		fn()
	}
	w.held, w.e.newest[id.Job] = nil, id.Seq
	return false, nil
}

func (w *exactWriter) Reset() { w.held = nil }

// value is what a plain read shows.
func (e *exact) value(name string, at int64) float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.series[name]
	if k == nil || k.buckets[at].Count == 0 { // as the store refuses them
		return math.NaN()
	}
	b := k.buckets[at]
	switch k.method {
	case metric.Sum:
		return b.Sum
	case metric.Min:
		return b.Min
	case metric.Max:
		return b.Max
	}
	return b.Mean()
}

// gathers starts a gatherer and returns an output that sends to it.
func gathers(t testing.TB, e *exact, opt ingest.GathererOptions) (*ingest.Gatherer, outputs.Output, string) {
	t.Helper()
	opt.Writer = e.writer
	g := ingest.NewGatherer(opt)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	f, ok := outputs.Find("gatherer")
	require.True(t, ok)
	out, err := f.New(outputs.Options{Protocol: "http", Address: strings.TrimPrefix(server.URL, "http://")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, out.Close()) })
	return g, out, server.URL + gatherer.Path
}

// recorded returns a batch of what fn records.
func recorded(seq uint64, stamp int64, fn func(r *metric.Recorder)) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	fn(r)
	b := &metric.Batch{ID: metric.BatchID{Job: [16]byte{7}, Seq: seq}, Start: stamp, End: stamp + 10, Stamp: stamp, Prefix: "servers.web1", Suffix: "x"}
	r.Flush(b)
	return b
}

func gathererFigure(g *ingest.Gatherer, name, reason string) (sum float64) {
	for _, f := range g.Figures() {
		if f.Name == name && (reason == "" || len(f.Labels) == 2 && f.Labels[1].Value == reason) {
			sum += f.Value
		}
	}
	return sum
}

const at = 1_760_000_000

func TestGathererWritesEachKind(t *testing.T) {
	e := newExact()
	g, out, _ := gathers(t, e, ingest.GathererOptions{})
	b := recorded(1, at, func(r *metric.Recorder) {
		r.Inc(r.Series("numSent", metric.Counter, metric.PyInt), 97)
		r.Series("idle", metric.Counter, metric.PyInt)
		r.Series("idleGauge", metric.Gauge, metric.Shortest)
		r.Series("idleTimer", metric.Timer, metric.Shortest)
		r.Set(r.Series("load", metric.Gauge, metric.Shortest), 2)
		r.Set(r.Series("load", metric.Gauge, metric.Shortest), 4)
		delay := r.Series("delay", metric.Timer, metric.Shortest)
		for i := range 101 {
			r.Observe(delay, float64(i)/100)
		}
		users := r.Series("users", metric.Set, metric.Shortest)
		for _, name := range []string{"a", "b", "a"} {
			r.Add(users, []byte(name))
		}
		r.Inc(r.Family("requests", metric.Counter, "code", "method").ID([]byte("200"), []byte("GET")), 7)
	})
	require.NoError(t, out.Write(t.Context(), b))
	for name, want := range map[string]float64{
		"servers.web1.numSent.x": 97, "servers.web1.idle.x": 0, "servers.web1.idleGauge.x": 0, "servers.web1.load.x": 3, "servers.web1.users.x": 2,
		"servers.web1.requests.x;code=200;method=GET": 7, "servers.web1.idleTimer.x.count": 0,
		"servers.web1.delay.x": .5, "servers.web1.delay.x.count": 101, "servers.web1.delay.x.sum": 50.5,
		"servers.web1.delay.x.mean": .5, "servers.web1.delay.x.lower": 0, "servers.web1.delay.x.upper": 1,
		"servers.web1.delay.x.std": math.Sqrt(.085), "servers.web1.delay.x.median": .5,
		"servers.web1.delay.x.p90": .9, "servers.web1.delay.x.p95": .95, "servers.web1.delay.x.p99": .99,
	} {
		assert.InDelta(t, want, e.value(name, at), 1e-9, name)
		delete(e.series, name)
	}
	assert.Empty(t, e.series, "and nothing else")
	assert.EqualValues(t, 1, gathererFigure(g, "batches", ""))
	assert.EqualValues(t, len(b.Samples), gathererFigure(g, "samples", ""))
	assert.Zero(t, gathererFigure(g, "refusedRequests", ""))
}

// TestGathererNamesAreGraphites: a dashboard goes on when the output changes.
func TestGathererNamesAreGraphites(t *testing.T) {
	b := recorded(1, at, func(r *metric.Recorder) {
		r.Observe(r.Family("took", metric.Timer, "path").ID([]byte("/a")), .5)
		r.Observe(r.Series("delay", metric.Timer, metric.Shortest), .5)
		r.Inc(r.Family("requests", metric.Counter, "code").ID([]byte("200")), 7)
		r.Series("idle", metric.Timer, metric.Shortest)
	})
	e := newExact()
	_, out, _ := gathers(t, e, ingest.GathererOptions{})
	require.NoError(t, out.Write(t.Context(), b))
	var text bytes.Buffer
	f, _ := outputs.Find("graphite")
	graphite, err := f.New(outputs.Options{TagStyle: "graphite", DryRun: &text})
	require.NoError(t, err)
	require.NoError(t, graphite.Write(t.Context(), b))
	names := 0
	for line := range strings.Lines(text.String()) {
		if line[0] != '#' {
			var name string
			var value float64
			_, err := fmt.Sscan(line, &name, &value)
			require.NoError(t, err)
			assert.InDelta(t, value, e.value(name, at), 1e-12, name)
			names++
		}
	}
	assert.Len(t, e.series, names+2, "and the two timers themselves")
}

// TestGathererAddsUp: runs within one bucket add up, and a repeat changes nothing.
func TestGathererAddsUp(t *testing.T) {
	e := newExact()
	g, out, _ := gathers(t, e, ingest.GathererOptions{})
	run := func(seq uint64, values ...float64) *metric.Batch {
		return recorded(seq, at+int64(seq), func(r *metric.Recorder) {
			for _, v := range values {
				r.Inc(r.Series("n", metric.Counter, metric.PyInt), 1)
				r.Observe(r.Series("delay", metric.Timer, metric.Shortest), v)
			}
		})
	}
	first, second := run(1, 1, 2, 3), run(2, 10)
	for _, b := range []*metric.Batch{first, first, second, first, second} {
		require.NoError(t, out.Write(t.Context(), b))
	}
	for name, want := range map[string]float64{"n.x": 4, "delay.x.count": 4, "delay.x.sum": 16, "delay.x.mean": 4, "delay.x": 4, "delay.x.lower": 1, "delay.x.upper": 10} {
		assert.InDelta(t, want, e.value("servers.web1."+name, at), 1e-12, name)
	}
	assert.EqualValues(t, 2, gathererFigure(g, "batches", ""))
	assert.EqualValues(t, 3, gathererFigure(g, "repeatedBatches", ""))
}

// TestGathererTakesLargeBatchesInParts kills the connection between parts.
func TestGathererTakesLargeBatchesInParts(t *testing.T) {
	e := newExact()
	g, out, _ := gathers(t, e, ingest.GathererOptions{})
	const series = 30_000
	b := recorded(1, at, func(r *metric.Recorder) {
		for i := range series {
			r.Inc(r.Series(fmt.Sprintf("a.long.name.of.a.series.n%d", i), metric.Counter, metric.PyInt), uint64(i))
		}
	})
	e.refuse["servers.web1.a.long.name.of.a.series.n20000.x"] = store.TooManyNew // the first parts are taken
	require.Error(t, out.Write(t.Context(), b))
	taken := gathererFigure(g, "batches", "")
	require.Positive(t, taken)
	clear(e.refuse)
	require.NoError(t, out.Write(t.Context(), b))
	require.Equal(t, taken, gathererFigure(g, "repeatedBatches", ""))
	require.Len(t, e.series, series)
	for i := range series {
		require.EqualValues(t, i, e.value(fmt.Sprintf("servers.web1.a.long.name.of.a.series.n%d.x", i), at))
	}
}

func TestGathererCountsWhatTheStoreRefuses(t *testing.T) {
	e := newExact()
	g, out, _ := gathers(t, e, ingest.GathererOptions{})
	e.refuse["servers.web1.a.x"] = store.TooManySeries
	b := recorded(1, at, func(r *metric.Recorder) {
		r.Inc(r.Series("a", metric.Counter, metric.PyInt), 1)
		r.Inc(r.Series("b", metric.Counter, metric.PyInt), 1)
	})
	require.NoError(t, out.Write(t.Context(), b))
	dropped, ok := outputs.As[outputs.Dropper](out)
	require.True(t, ok)
	assert.EqualValues(t, 1, dropped.Dropped())
	assert.EqualValues(t, 1, e.value("servers.web1.b.x", at))
	assert.EqualValues(t, 1, gathererFigure(g, "refusedPoints", "tooManySeries"))
}

// TestGathererAnswers to what is no batch, and when it cannot take one.
func TestGathererAnswers(t *testing.T) {
	e := newExact()
	g, out, url := gathers(t, e, ingest.GathererOptions{})
	e.jobs = 1
	good := func(job byte) []byte {
		b := recorded(1, at, func(r *metric.Recorder) { r.Inc(r.Series("a", metric.Counter, metric.PyInt), 1) })
		b.ID.Job[0] = job
		return gatherer.NewEncoder().Append(nil, metric.AppendBatch(nil, b))
	}
	noID := gatherer.NewEncoder().Append(nil, metric.AppendBatch(nil, &metric.Batch{}))
	bomb := gatherer.NewEncoder().Append(nil, make([]byte, gatherer.MaxPlain+1))
	flipped := good(7)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		method, encoding string
		body             []byte
		status           int
		reason           string
		retry            bool
	}{
		"GET":                    {"GET", "zstd", nil, 405, "badMethod", false},
		"not compressed":         {"POST", "", good(7), 415, "wrongType", false},
		"gzip":                   {"POST", "gzip", good(7), 415, "wrongType", false},
		"nothing":                {"POST", "zstd", nil, 400, "badBatch", false},
		"no zstd":                {"POST", "zstd", []byte("hello, hello"), 400, "badBatch", false},
		"one bit":                {"POST", "zstd", flipped, 400, "badBatch", false},
		"cut":                    {"POST", "zstd", good(7)[:40], 400, "badBatch", false},
		"without an ID":          {"POST", "zstd", noID, 400, "badBatch", false},
		"a bomb":                 {"POST", "zstd", bomb, 413, "tooLarge", false},
		"too long":               {"POST", "zstd", make([]byte, gatherer.MaxBody+1), 413, "tooLarge", false},
		"of one job too many":    {"POST", "zstd", good(8), 429, "tooManyIdentities", true},
		"while the disk is full": {"POST", "zstd", good(7), 503, "storeFull", true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, out.Write(t.Context(), recorded(1, at, func(*metric.Recorder) {}))) // it works between
			e.full = nil
			if name == "while the disk is full" {
				e.full = errors.New("no space left")
				defer func() { e.full = nil }()
			}
			before := gathererFigure(g, "refusedRequests", c.reason)
			req, err := http.NewRequestWithContext(t.Context(), c.method, url, bytes.NewReader(c.body))
			require.NoError(t, err)
			req.Header.Set("Content-Encoding", c.encoding)
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			assert.Equal(t, c.status, res.StatusCode, "%s", text)
			assert.Equal(t, c.retry, res.Header.Get("Retry-After") != "")
			assert.Equal(t, before+1, gathererFigure(g, "refusedRequests", c.reason))
			assert.Less(t, len(text), 500)
		})
	}
	assert.Empty(t, e.series, "nothing of all that was taken")
}

// slowBody brings a byte, and then nothing until its context is done.
type slowBody struct {
	ctx  context.Context
	sent bool
}

func (s *slowBody) Read(p []byte) (int, error) {
	if !s.sent {
		s.sent = true
		return copy(p, "("), nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// TestSlowClientsOfAGathererHoldUpNobody has more of them than there are writers.
func TestSlowClientsOfAGathererHoldUpNobody(t *testing.T) {
	e := newExact()
	g, out, url := gathers(t, e, ingest.GathererOptions{Writers: 2})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, &slowBody{ctx: ctx})
			if !assert.NoError(t, err) {
				return
			}
			req.Header.Set("Content-Encoding", "zstd")
			if res, err := http.DefaultClient.Do(req); err == nil {
				res.Body.Close()
			}
		})
	}
	for seq := range uint64(20) {
		require.NoError(t, out.Write(t.Context(), recorded(seq+1, at, func(r *metric.Recorder) { r.Inc(r.Series("n", metric.Counter, metric.PyInt), 1) })))
	}
	stop()
	wg.Wait()
	assert.EqualValues(t, 20, e.value("servers.web1.n.x", at))
	assert.Equal(t, 2, e.writers)
	assert.Zero(t, gathererFigure(g, "refusedRequests", "busy"))
}

// TestGathererHoldsNoMoreThanItMay fills the room for bodies.
func TestGathererHoldsNoMoreThanItMay(t *testing.T) {
	e := newExact()
	g, _, _ := gathers(t, e, ingest.GathererOptions{MaxHeld: 40 << 10})
	body := make([]byte, 50<<10)
	for range 3 {
		res := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, gatherer.Path, bytes.NewReader(body))
		req.Header.Set("Content-Encoding", "zstd")
		g.ServeHTTP(res, req)
		assert.Equal(t, http.StatusServiceUnavailable, res.Code)
		assert.Equal(t, "1", res.Header().Get("Retry-After"))
	}
	assert.EqualValues(t, 3, gathererFigure(g, "refusedRequests", "busy"), "what was held was given back each time")
}

func BenchmarkGatherer(b *testing.B) {
	g := ingest.NewGatherer(ingest.GathererOptions{Writer: func() ingest.BatchWriter { return nowhere{} }})
	batch := recorded(1, at, func(r *metric.Recorder) {
		f := r.Family("requests", metric.Counter, "code", "path")
		for i := range 1000 {
			r.Inc(f.ID([]byte("200"), fmt.Append(nil, "p", i)), uint64(i))
		}
	})
	body := gatherer.NewEncoder().Append(nil, metric.AppendBatch(nil, batch))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, gatherer.Path, bytes.NewReader(body))
		req.Header.Set("Content-Encoding", "zstd")
		res := httptest.NewRecorder()
		if g.ServeHTTP(res, req); res.Code != http.StatusOK {
			b.Fatal(res.Body)
		}
	}
}

// nowhere takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) Merge([]byte, metric.Method, int64, metric.Bucket) store.Refusal { return store.Taken }
func (nowhere) Commit(metric.BatchID) (bool, error)                             { return false, nil }
func (nowhere) Reset()                                                          {}
