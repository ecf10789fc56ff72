package web

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// get asks for a file as browsers do.
func get(t *testing.T, name, tag string) *http.Response {
	t.Helper()
	h, err := Handler()
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, name, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// loaded returns the files that / loads before it shows a graph: what index.html
// names, and what scripts import in their first lines.
func loaded(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	names := regexp.MustCompile(`(?:href|src)="([^"]+)"|^(?:import|export) [^"]*from "([^"]+)"|^\s*"?\} from "([^"]+)"`)
	var visit func(name string)
	visit = func(name string) {
		if found[name] {
			return
		}
		found[name] = true
		if ext := path.Ext(name); ext != ".js" && ext != ".html" {
			return
		}
		b, err := fs.ReadFile(static, path.Join("static", name))
		require.NoError(t, err)
		for line := range strings.Lines(string(b)) {
			for _, m := range names.FindAllStringSubmatch(line, -1) {
				next := m[1] + m[2] + m[3]
				if m[1] == "" {
					next = path.Join(path.Dir(name), next)
				}
				visit(next)
			}
		}
	}
	visit("index.html")
	return found
}

// TestPageIsSmall: 60 KB until the first graph, 100 KB in all, as they are sent.
func TestPageIsSmall(t *testing.T) {
	first := loaded(t)
	require.True(t, first["js/chart.js"] && first["vendor/uplot.js"], "%v", first)
	var before, all int64
	require.NoError(t, fs.WalkDir(static, "static", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(p, "LICENSE") {
			return err
		}
		name := strings.TrimPrefix(p, "static/")
		n, err := io.Copy(io.Discard, get(t, "/"+name, "").Body)
		all += n
		if first[name] {
			before += n
		}
		return err
	}))
	t.Logf("%d bytes before the first graph, %d in all", before, all)
	assert.LessOrEqual(t, before, int64(60<<10))
	assert.LessOrEqual(t, all, int64(100<<10))
}

func TestFilesAreSentOnce(t *testing.T) {
	r := get(t, "/js/main.js", "")
	assert.Equal(t, "text/javascript; charset=utf-8", r.Header.Get("Content-Type"))
	assert.Equal(t, policy, r.Header.Get("Content-Security-Policy"))
	z, err := gzip.NewReader(r.Body)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	assert.Contains(t, string(b), "keepToken()")
	assert.Equal(t, 304, get(t, "/js/main.js", r.Header.Get("ETag")).StatusCode)
	assert.Equal(t, 404, get(t, "/js/../web.go", "").StatusCode)
	assert.Equal(t, 404, get(t, "/js/", "").StatusCode)
}

// TestBareKeepsCode: a comment that something follows on its line is code, a type
// is none, and lines stay where they are.
func TestBareKeepsCode(t *testing.T) {
	in := "// a\n/** b\n * c\n */\nf(); // d\n  /** @type {any} */ (x).g((/** @type {string} */ s) => s);\n/* e */\nh();\n"
	assert.Equal(t, "\n\n\n\nf(); // d\n(x).g((s) => s);\n\nh();\n", string(bare([]byte(in))))
}
