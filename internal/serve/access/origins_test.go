package access_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/access"
)

// from returns the answer to a page of an origin.
func from(t *testing.T, g *access.Guard, class access.Class, method, origin string, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/render", nil)
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	g.Around(class, h).ServeHTTP(w, r)
	return w
}

// TestOrigins: a page of an origin that is named may read, and write with a token;
// one of another may do neither.
func TestOrigins(t *testing.T) {
	const ours, other = "https://dash.example.org", "https://evil.example.org"
	g := guard(t, access.Options{Tokens: tokens(t, secret), Origins: []string{ours}})
	yes := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })

	w := from(t, g, access.Read, "POST", ours, yes)
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, ours, w.Header().Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "Origin", w.Header().Get("Vary"))
	assert.Equal(t, 401, from(t, g, access.Change, "POST", ours, yes).Code)

	w = from(t, g, access.Read, "POST", other, yes)
	assert.Equal(t, 403, w.Code)
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
	w = from(t, g, access.Read, "GET", other, yes)
	assert.Equal(t, 200, w.Code, "a browser keeps it from the page")
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))

	w = from(t, g, access.Health, "OPTIONS", ours, g.Preflight())
	assert.Equal(t, 204, w.Code)
	assert.Equal(t, "GET, HEAD, POST", w.Header().Get("Access-Control-Allow-Methods"))
	assert.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), "Authorization")
	w = from(t, g, access.Health, "OPTIONS", other, g.Preflight())
	assert.Equal(t, 204, w.Code)
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Methods"))

	for _, bad := range []string{"*", "dash.example.org", "https://dash.example.org/x"} {
		_, err := access.New(access.Options{Origins: []string{bad}})
		require.Error(t, err, bad)
	}
	w = from(t, guard(t, access.Options{}), access.Read, "GET", ours, yes)
	assert.Empty(t, w.Header().Get("Vary"))
}
