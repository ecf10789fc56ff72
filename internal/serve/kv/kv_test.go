package kv_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/kv"
	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// rig asks a server over a real store.
func rig(t *testing.T) func(method, path, body string) (int, string) {
	t.Helper()
	ask := rigged(t)
	return func(method, path, body string) (int, string) {
		r := ask(method, path, body, "", "")
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		return r.StatusCode, strings.TrimSpace(string(b))
	}
}

// rigged asks with a header.
func rigged(t *testing.T) func(method, path, body, header, value string) *http.Response {
	t.Helper()
	db, err := store.Open(store.Options{Dir: t.TempDir(), SealEvery: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	mux := http.NewServeMux()
	for _, r := range kv.New(db).Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	return func(method, path, body, header, value string) *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set(header, value)
		mux.ServeHTTP(w, r)
		return w.Result()
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
	_, body = ask("GET", "/kv/dashboards/mine/too%20ä", "") // as proxies unescape it
	assert.Equal(t, `[2]`, body)
}

// TestChangesOnCondition: of two who read a value and change it, the second is told.
func TestChangesOnCondition(t *testing.T) {
	ask := rigged(t)
	const k = "/kv/dashboards/ops"
	r := ask("PUT", k, `1`, "If-None-Match", "*")
	require.Equal(t, 204, r.StatusCode)
	first := r.Header.Get("ETag")
	assert.Equal(t, first, ask("GET", k, "", "", "").Header.Get("ETag"))
	assert.Equal(t, 412, ask("PUT", k, `2`, "If-None-Match", "*").StatusCode)
	assert.Equal(t, 204, ask("PUT", k, `2`, "If-Match", "W/"+first).StatusCode)
	assert.Equal(t, 412, ask("PUT", k, `3`, "If-Match", first).StatusCode)
	assert.Equal(t, 412, ask("DELETE", k, "", "If-Match", first).StatusCode)
	r = ask("GET", k, "", "", "")
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "2", string(b))
	assert.Equal(t, 204, ask("DELETE", k, "", "If-Match", r.Header.Get("ETag")).StatusCode)
	assert.Equal(t, 412, ask("PUT", k, `3`, "If-Match", r.Header.Get("ETag")).StatusCode, "it is gone")
	assert.Equal(t, 204, ask("PUT", k, `3`, "", "").StatusCode)
}

// TestOneOfManyWins: of many who make the same key, or change the same value, at
// once one does.
func TestOneOfManyWins(t *testing.T) {
	ask := rigged(t)
	for _, header := range []string{"If-None-Match", "If-Match"} {
		value := "*"
		if header == "If-Match" {
			value = ask("GET", "/kv/c/k", "", "", "").Header.Get("ETag")
		}
		var wins atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if ask("PUT", "/kv/c/k", strconv.Itoa(i+100*len(header)), header, value).StatusCode == 204 {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, wins.Load(), header)
	}
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
		{"a slash in a container", "/kv/c%2Fd/k", "1", 400},
		{"no part of a key", "/kv/c/k%2F%2Fl", "1", 400},
		{"parts that browsers leave out", "/kv/c/%2E%2E%2Fk", "1", 400},
		{"a slash at the end", "/kv/c/k%2F", "1", 400},
	} {
		code, body := ask("PUT", c.path, c.body)
		assert.Equal(t, c.code, code, "%s: %s", c.name, body)
	}
	_, body := ask("GET", "/kv/c/", "")
	assert.Equal(t, "[]", body)
}
