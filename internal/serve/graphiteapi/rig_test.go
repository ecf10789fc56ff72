package graphiteapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

// now is where the clock of tests stands.
const now = 1772453437

// site is the names that most tests ask about.
var site = []string{
	"servers.web1.cpu.user", "servers.web1.cpu.system", "servers.web2.cpu.user", "servers.web10.cpu.user", "servers.db1.mem",
	"odd.branch", "odd.branch.leaf", "odd.with-dash", "odd.100", "odd.pct%41", "odd.at@home", "odd.plus+x", "odd.üml",
	"single", "both", "both.a",
	"disk.used;dc=dc1;host=a", "disk.used;dc=dc2;host=b", "disk.free;dc=dc1;host=a", "other;k=v",
}

// rig is an API over a store.
type rig struct {
	t   testing.TB
	db  *store.DB
	api *graphiteapi.API
	mux *http.ServeMux
}

// newRig opens a store and puts a value of each series into it, a minute ago.
func newRig(t testing.TB, names ...string) *rig {
	t.Helper()
	schemas, err := schema.Parse(schema.File{Name: "test", Text: "[all]\npattern = .*\nretentions = 1m:1d\n"}, schema.File{})
	require.NoError(t, err)
	clock := func() time.Time { return time.Unix(now, 0) }
	g := &rig{t: t, mux: http.NewServeMux()}
	g.db, err = store.Open(store.Options{
		Dir: t.TempDir(), SealEvery: -1, Now: clock, MaxNewSeries: 10_000_000, MaxSeries: 10_000_000,
		Schemas: schemas,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.db.Close()) })
	g.put(names...)
	g.serve(graphiteapi.Options{DB: g.db, Now: clock})
	return g
}

func (g *rig) serve(opt graphiteapi.Options) {
	g.mux = http.NewServeMux()
	g.api = graphiteapi.New(opt)
	for _, r := range g.api.Routes() {
		g.mux.Handle(r.Pattern, r.Handler)
	}
}

func (g *rig) put(names ...string) {
	g.t.Helper()
	w := g.db.NewWriter()
	for i, name := range names {
		require.Equal(g.t, store.Taken, w.Put([]byte(name), metric.Average, now-60, 1.5), name)
		if i%10_000 == 9999 {
			require.NoError(g.t, w.Flush())
		}
	}
	require.NoError(g.t, w.Flush())
}

// get returns the answer to GET path.
func (g *rig) get(path string) *httptest.ResponseRecorder {
	g.t.Helper()
	return g.ask("GET", path, "", nil)
}

// ask returns the answer to a request. A body of POST is a form, unless change
// says something else.
func (g *rig) ask(method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	g.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	r := httptest.NewRequestWithContext(g.t.Context(), method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Accept", "*/*")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	g.mux.ServeHTTP(w, r)
	return w
}

// answered checks that GET path is answered with a body.
func (g *rig) answered(path, want string) {
	g.t.Helper()
	w := g.get(path)
	assert.Equal(g.t, http.StatusOK, w.Code, path)
	assert.Equal(g.t, want, w.Body.String(), path)
}

// refused checks that GET path is refused.
func (g *rig) refused(path string, code int, want string) {
	g.t.Helper()
	w := g.get(path)
	assert.Equal(g.t, code, w.Code, path)
	assert.Equal(g.t, want, strings.TrimSuffix(w.Body.String(), "\n"), path)
}
