package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/access"
	"github.com/logmetrics/logmetrics/internal/serve/kv"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// opened is a server that nobody but the test can reach, and its token.
func opened(t *testing.T, opt Options) (s *Server, token string) {
	t.Helper()
	opt.Data = filepath.Join(t.TempDir(), "data")
	s, err := Open(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	token, err = s.tokens.First()
	require.NoError(t, err)
	return s, token
}

// asked returns the answer to a request on loopback.
func asked(t *testing.T, s *Server, method, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(""))
	r.Host = "localhost"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.web.handler(s.guard, s.routes()).ServeHTTP(w, r)
	return w
}

func with(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// classes are all routes, and who may ask for them. A new one is to be added here
// with a thought.
var classes = map[string]access.Class{
	"GET /{$}":                access.Health,
	"GET /metrics":            access.Read,
	"GET /healthz":            access.Health,
	"GET /readyz":             access.Health,
	"GET /ping":               access.Health,
	"POST /write":             access.Ingest,
	"POST /api/v2/write":      access.Ingest,
	"POST /api/v1/write":      access.Ingest,
	"POST /v1/metrics":        access.Ingest,
	"POST /gatherer/v1/batch": access.Ingest,
	"GET /brubeck/":           access.Read,
	"POST /brubeck/expire/":   access.Change,
	"POST /admin/delete":      access.Change,
	"POST /admin/rename":      access.Change,
	"POST /admin/backup":      access.Change,

	// Graphite's, each also with a slash at its end.
	"POST /metrics":                   access.Read,
	"GET /metrics/find":               access.Read,
	"POST /metrics/find":              access.Read,
	"GET /metrics/expand":             access.Read,
	"POST /metrics/expand":            access.Read,
	"GET /metrics/index.json":         access.Read,
	"POST /metrics/index.json":        access.Read,
	"POST /metrics/delete":            access.Change,
	"GET /tags":                       access.Read,
	"GET /tags/{tag...}":              access.Read,
	"GET /tags/findSeries":            access.Read,
	"POST /tags/findSeries":           access.Read,
	"GET /tags/autoComplete/tags":     access.Read,
	"POST /tags/autoComplete/tags":    access.Read,
	"GET /tags/autoComplete/values":   access.Read,
	"POST /tags/autoComplete/values":  access.Read,
	"POST /tags/tagSeries":            access.Change,
	"POST /tags/tagMultiSeries":       access.Change,
	"POST /tags/delSeries":            access.Change,
	"GET /events":                     access.Read,
	"POST /events":                    access.Change,
	"GET /events/get_data":            access.Read,
	"POST /events/get_data":           access.Read,
	"GET /events/{id}":                access.Read,
	"GET /render":                     access.Read,
	"POST /render":                    access.Read,
	"GET /functions":                  access.Read,
	"GET /functions/{name}":           access.Read,
	"GET /info":                       access.Read,
	"GET /version":                    access.Read,
	"POST /version":                   access.Read,
	"GET /js/":                        access.Health,
	"GET /vendor/":                    access.Health,
	"GET /app.css":                    access.Health,
	"GET /later.css":                  access.Health,
	"GET /icon.svg":                   access.Health,
	"GET /kv/{container}":             access.Read,
	"GET /kv/{container}/{key...}":    access.Read,
	"PUT /kv/{container}/{key...}":    access.Change,
	"POST /kv/{container}/{key...}":   access.Change,
	"DELETE /kv/{container}/{key...}": access.Change,
}

// TestEachRoute asks for each as somebody without a token, with a wrong one, as a
// page of another origin, and by a name that is not the server's.
func TestEachRoute(t *testing.T) {
	brubeck := []StatsD{{Address: "127.0.0.1:0", Brubeck: true}}
	open, token := opened(t, Options{HTTP: "127.0.0.1:0", StatsD: brubeck})
	closed, closedToken := opened(t, Options{HTTP: "127.0.0.1:0", StatsD: brubeck, TokenReads: true})
	var err error
	closed.guard, err = access.New(access.Options{Tokens: closed.tokens, TokenReads: true, Beyond: true})
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, r := range open.routes() {
		seen[r.pattern], seen[strings.TrimSuffix(r.pattern, "/{$}")] = true, true
		want, ok := classes[strings.TrimSuffix(r.pattern, "/{$}")]
		if !ok {
			want, ok = classes[r.pattern]
		}
		if !assert.True(t, ok, "%s is in no class of this test", r.pattern) {
			continue
		}
		assert.Equal(t, want, r.class, r.pattern)
		method, path, _ := strings.Cut(strings.TrimSuffix(r.pattern, "{$}"), " ")
		code := func(s *Server, change func(*http.Request)) int {
			w := asked(t, s, method, path, change)
			assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), r.pattern)
			return w.Code
		}
		refused := func(code int) bool { return code == 401 || code == 403 || code == 421 }
		assert.Equal(t, r.class == access.Change, code(open, nil) == 401, "%s without a token", r.pattern)
		assert.Equal(t, r.class == access.Change, code(open, with("0123456789abcdef")) == 403, "%s with a wrong one", r.pattern)
		assert.False(t, refused(code(open, with(token))), "%s with one", r.pattern)
		assert.Equal(t, r.class != access.Health, code(closed, nil) == 401, "%s beyond loopback", r.pattern)
		assert.False(t, refused(code(closed, with(closedToken))), "%s beyond loopback with one", r.pattern)
		assert.Equal(t, r.class != access.Health, code(open, func(r *http.Request) { r.Host = "rebound.example.org" }) == 421, "%s by another name", r.pattern)
		if method != http.MethodGet {
			assert.Equal(t, 403, code(open, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site"); with(token)(r) }), "%s from elsewhere", r.pattern)
		}
	}
	for pattern := range classes {
		assert.True(t, seen[pattern], "there is no route %s", pattern)
	}
}

// TestWhatIsNoRoute answers nothing of what was asked for.
func TestWhatIsNoRoute(t *testing.T) {
	s, _ := opened(t, Options{HTTP: "127.0.0.1:0"})
	for _, path := range []string{"/nothing", "/<script>alert(1)</script>", "/admin", "/debug/pprof/", "/..%2f..%2fetc/passwd"} {
		w := asked(t, s, http.MethodGet, path, nil)
		assert.Equal(t, 404, w.Code, path)
		assert.NotContains(t, w.Body.String(), "script")
	}
	assert.Equal(t, 405, asked(t, s, http.MethodDelete, "/metrics", nil).Code)
}

// TestPageIsOpenAndStrict: the page itself shows nothing, so it needs no token
// where reads do; no script but its own runs in it.
func TestPageIsOpenAndStrict(t *testing.T) {
	s, _ := opened(t, Options{HTTP: "127.0.0.1:0", TokenReads: true})
	w := asked(t, s, http.MethodGet, "/", nil)
	assert.Equal(t, 200, w.Code)
	assert.Contains(t, w.Body.String(), `src="js/main.js"`)
	assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
	assert.Equal(t, 401, asked(t, s, http.MethodGet, "/kv/dashboards/", nil).Code)
	assert.Equal(t, 401, asked(t, s, http.MethodPut, "/kv/dashboards/x", nil).Code)
}

// TestBackup is a store of its own, with what was taken before; meanwhile more is taken.
func TestBackup(t *testing.T) {
	s, token := opened(t, Options{HTTP: "127.0.0.1:0"})
	now := time.Now().Unix()
	put := func(name string) {
		w := s.db.NewWriter()
		require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, now, 42))
		require.NoError(t, w.Flush())
	}
	put("before")
	const board = `{"version":1,"title":"ops","panels":[]}`
	kept := asked(t, s, http.MethodPut, "/kv/dashboards/ops", func(r *http.Request) {
		with(token)(r)
		r.Body = io.NopCloser(strings.NewReader(board))
	})
	require.Equal(t, 204, kept.Code)
	w := asked(t, s, http.MethodPost, "/admin/backup?name=monday", with(token))
	require.Equal(t, 200, w.Code, w.Body)
	assert.JSONEq(t, fmt.Sprintf(`{"path":%q}`, filepath.Join(s.opt.Data, "backups", "monday")), w.Body.String())
	assert.Equal(t, 409, asked(t, s, http.MethodPost, "/admin/backup?name=monday", with(token)).Code)
	put("after")
	db, err := store.Open(store.Options{Dir: filepath.Join(s.opt.Data, "backups", "monday")})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	c, err := db.Fetch(t.Context(), "before", store.FetchOptions{From: now, Until: now + 1})
	require.NoError(t, err)
	assert.Contains(t, c.Value, 42.0)
	_, err = db.Fetch(t.Context(), "after", store.FetchOptions{From: now, Until: now + 1})
	require.ErrorIs(t, err, store.ErrNoSeries)
	w = httptest.NewRecorder()
	mux := http.NewServeMux()
	for _, r := range kv.New(db).Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/kv/dashboards/ops", nil))
	assert.Equal(t, board, w.Body.String(), "dashboards are in it, too")
}

// TestDeleteAndRename ask for what there is and what there is not.
func TestDeleteAndRename(t *testing.T) {
	s, token := opened(t, Options{HTTP: "127.0.0.1:0"})
	w := s.db.NewWriter()
	for _, name := range []string{"a", "b", "c", "t;x=1;y=2", "t;x=2", "t;x=3"} {
		require.Equal(t, store.Taken, w.Put([]byte(name), metric.Unset, time.Now().Unix(), 1))
	}
	require.NoError(t, w.Flush())
	for _, c := range []struct {
		path string
		want int
	}{
		{"/admin/delete?name=a", 200}, {"/admin/delete?name=a", 404}, {"/admin/delete", 400}, {"/admin/delete?name=%3Cb%3E", 404},
		{"/admin/rename?from=b&to=d", 200}, {"/admin/rename?from=b&to=e", 404}, {"/admin/rename?from=c&to=d", 409}, {"/admin/rename?from=c&to=../c", 400}, {"/admin/rename?from=c", 400},
		{"/admin/delete?name=t;y=2;x=1", 200}, {"/admin/delete?name=t;x=1;y=2", 404}, {"/admin/rename?from=t%3Bx%3D2&to=u;x=2", 200},
	} {
		w := asked(t, s, http.MethodPost, c.path, with(token))
		assert.Equal(t, c.want, w.Code, "%s: %s", c.path, w.Body)
		assert.NotContains(t, w.Body.String(), "<b>")
	}
	answer := asked(t, s, http.MethodPost, "/admin/delete", func(r *http.Request) {
		with(token)(r)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(url.Values{"name": {"t;x=3"}}.Encode()))
	})
	assert.Equal(t, 200, answer.Code, answer.Body)
}

// TestNamesOfBackups never lead out of their directory.
func TestNamesOfBackups(t *testing.T) {
	s, token := opened(t, Options{HTTP: "127.0.0.1:0"})
	for _, name := range []string{"", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a\x00b", "a\nb", "<b>", "é", strings.Repeat("a", 101)} {
		assert.Equal(t, 400, asked(t, s, http.MethodPost, "/admin/backup?name="+url.QueryEscape(name), with(token)).Code, "%q", name)
	}
	assert.NoDirExists(t, filepath.Join(s.opt.Data, "backups"))
	for _, name := range []string{"a", "2026-11-21_03.10", strings.Repeat("a", 100)} {
		assert.True(t, validBackup(name), name)
	}
}

// TestFiguresAreInTheDocs: each under its stage, and none that is not there.
func TestFiguresAreInTheDocs(t *testing.T) {
	s, _ := opened(t, Options{
		HTTP: "127.0.0.1:0", Carbon: "127.0.0.1:0", Pickle: "127.0.0.1:0", InfluxUDP: "127.0.0.1:0", Forward: "127.0.0.1:9", Remote: []string{"http://127.0.0.1:9"},
		StatsD: []StatsD{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0", Brubeck: true}},
	})
	text, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	for _, stage := range s.stages() {
		_, table, _ := strings.Cut(string(text), "| figure of `"+stage.Name+"`")
		table, _, _ = strings.Cut(table, "\n\n")
		rows := make(map[string]bool)
		for line := range strings.Lines(table) {
			names, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(names, -1) {
				rows[m[1]] = true
			}
		}
		there := make(map[string]bool)
		for _, f := range stage.Figures {
			there[f.Name] = true
			assert.True(t, metric.ValidName(string(appendSeries(nil, stage.Name, f))), f.Name)
			for i := range len(f.Labels) - 1 {
				assert.Less(t, f.Labels[i].Key, f.Labels[i+1].Key, f.Name)
			}
		}
		assert.Equal(t, there, rows, stage.Name)
	}
}

// /metrics is Graphite's when there is a query, else Prometheus'.
func TestMetricsPage(t *testing.T) {
	s, _ := opened(t, Options{HTTP: "127.0.0.1:0"})
	for _, r := range s.routes() {
		if r.pattern != "GET /metrics" {
			continue
		}
		for path, want := range map[string]string{"/metrics": "logmetrics_", "/metrics?query=no.such": "[]"} {
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
			assert.Equal(t, http.StatusOK, w.Code, path)
			assert.Contains(t, w.Body.String(), want, path)
		}
		return
	}
	t.Error("there is no such route")
}
