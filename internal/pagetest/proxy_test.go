package pagetest_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// behind is a server as nginx has it under a path, by the file that we ship. It
// compresses, as many are set up to do.
func behind(t *testing.T, s *server) *server {
	t.Helper()
	nginx := testutil.Peer(t, "nginx")
	shipped, err := os.ReadFile("../../deploy/nginx/logmetrics.conf")
	require.NoError(t, err)
	require.Contains(t, string(shipped), "http://127.0.0.1:8080/")
	dir, at := t.TempDir(), testutil.FreePort(t)
	port := strconv.Itoa(at)
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // the directory is not for another one
	}
	conf := user + `daemon off; master_process off; pid ` + dir + `/pid; error_log stderr;
events {}
http {
	access_log off; gzip on; gzip_proxied any; gzip_types application/json;
	client_body_temp_path ` + dir + `/b; proxy_temp_path ` + dir + `/p; fastcgi_temp_path ` + dir + `/f; uwsgi_temp_path ` + dir + `/u; scgi_temp_path ` + dir + `/s;
	server {
		listen 127.0.0.1:` + port + `;
` + strings.Replace(string(shipped), "http://127.0.0.1:8080", s.url, 1) + `
	}
}`
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, []byte(conf), 0o600))
	testutil.Start(t, nginx, "-p", dir, "-c", path, "-e", "stderr")
	require.Eventually(t, testutil.Listens(at), testutil.StartLimit, patience/1000, "nginx does not listen")
	return &server{url: "http://127.0.0.1:" + port + "/metrics-ui", token: s.token, carbon: s.carbon}
}

// TestBehindNginx: all that the page does works under a path, with the token, and
// nothing is asked outside of the path.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := two(t, behind(t, s))
	assert.Equal(t, "/metrics-ui/", value[string](p, "location.pathname"))
	assert.Equal(t, s.token, value[string](p, `localStorage.getItem("logmetrics.metrics-ui/token")`), "kept for this server, whose host others may have, too")
	p.press("remove servers.web1.load")
	p.press("save")
	p.saved()
	p.press("export")
	p.open("/?target=servers.web1.load&from=-1h")
	p.press("add event")
	p.sees(`document.activeElement.name === "what"`)
	p.keys("deploy" + kb.Tab + kb.Tab + kb.Enter)
	p.param("events", "*")
	p.drawn()
	p.sees(`[...document.querySelectorAll(".links a")].every(a => a.href.startsWith(` + quote(p.s.url+"/render?") + `))`)

	o := sit(t, p.s) // somebody without the token
	o.refused = true
	o.open("/?dashboard=ops")
	o.lie("[[0,0,6,4]]")
	o.press("remove servers.*.requests")
	o.press("save")
	o.text("not saved: this needs the token")

	r, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(p.s.url)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, "/metrics-ui/", r.Header.Get("Location"))
}

// TestNginxHandsTheHostOn: a browser that speaks plain HTTP to a name says of a
// write only which page it comes from, and nginx what host was asked for.
func TestNginxHandsTheHostOn(t *testing.T) {
	t.Parallel()
	s := behind(t, start(t))
	put := func(host, origin string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/kv/c/k", strings.NewReader("1"))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Origin", origin)
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(b)
	}
	code, _ := put("dash.localhost:8888", "http://dash.localhost:8888")
	assert.Equal(t, 204, code)
	code, text := put("dash.localhost:8888", "http://other.localhost:8888")
	assert.Equal(t, 403, code, text)
	code, text = put("metrics.example.org", "http://metrics.example.org")
	assert.Equal(t, 421, code, "it is started without --hosts")
	assert.Contains(t, text, "--hosts=NAME")
}
