package kv_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/kv"
	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// rig asks a server over a real store.
func rig(t *testing.T) func(method, path, body string) (int, string) {
	t.Helper()
	db, err := store.Open(store.Options{Dir: t.TempDir(), SealEvery: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	mux := http.NewServeMux()
	for _, r := range kv.New(db).Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	return func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		b, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		return w.Code, strings.TrimSpace(string(b))
	}
}

func TestValuesAreKept(t *testing.T) {
	ask := rig(t)
	code, _ := ask("GET", "/kv/dashboards/mine", "")
	assert.Equal(t, 404, code)
	code, _ = ask("PUT", "/kv/dashboards/mine", `{"a":1}`)
	assert.Equal(t, 204, code)
	code, _ = ask("PUT", "/kv/dashboards/mine%2Ftoo%20%C3%A4", `[2]`)
	assert.Equal(t, 204, code)
	code, _ = ask("PUT", "/kv/dash/mine", `"of another container"`)
	assert.Equal(t, 204, code)
	code, body := ask("GET", "/kv/dashboards/mine", "")
	assert.Equal(t, 200, code)
	assert.Equal(t, `{"a":1}`, body)
	_, body = ask("GET", "/kv/dashboards/", "")
	assert.Equal(t, `["mine","mine/too ä"]`, body)
	code, _ = ask("DELETE", "/kv/dashboards/mine", "")
	assert.Equal(t, 204, code)
	_, body = ask("GET", "/kv/dashboards/", "")
	assert.Equal(t, `["mine/too ä"]`, body)
}

func TestWhatIsNotKept(t *testing.T) {
	ask := rig(t)
	for _, c := range []struct {
		name, path, body string
		code             int
	}{
		{"no JSON", "/kv/c/k", "{", 400},
		{"too long", "/kv/c/k", `"` + strings.Repeat("a", kv.MaxValue) + `"`, 413},
		{"a long name", "/kv/c/" + strings.Repeat("k", kv.MaxName+1), "1", 400},
		{"a NUL", "/kv/c%00d/k", "1", 400},
	} {
		code, body := ask("PUT", c.path, c.body)
		assert.Equal(t, c.code, code, "%s: %s", c.name, body)
	}
	_, body := ask("GET", "/kv/c/", "")
	assert.Equal(t, "[]", body)
}
