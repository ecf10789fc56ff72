package access_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/access"
)

const secret = "0123456789abcdef-_"

func tokens(t *testing.T, text string) *access.Tokens {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	list, err := access.OpenTokens(path)
	require.NoError(t, err)
	return list
}

func guard(t *testing.T, opt access.Options) *access.Guard {
	t.Helper()
	g, err := access.New(opt)
	require.NoError(t, err)
	return g
}

// ask returns the code of an answer to a request that came in at 192.0.2.7.
func ask(t *testing.T, g *access.Guard, class access.Class, method string, change func(*http.Request)) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader("x"))
	r.Host = "127.0.0.1:8080"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8080})))
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	g.Around(class, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })).ServeHTTP(w, r)
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	return w.Code
}

func authorized(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

func TestWhoMayDoWhat(t *testing.T) {
	const get, post = http.MethodGet, http.MethodPost
	open := access.Options{Tokens: tokens(t, secret+"\n")}
	beyond, closed := open, open
	beyond.Beyond, closed.TokenReads = true, true
	for _, c := range []struct {
		name   string
		opt    access.Options
		class  access.Class
		method string
		change func(*http.Request)
		want   int
	}{
		{"reads are open", open, access.Read, get, nil, 200},
		{"reads beyond loopback are open, too", beyond, access.Read, get, nil, 200},
		{"reads need a token when that is asked for", closed, access.Read, get, nil, 401},
		{"reads with it", closed, access.Read, get, authorized("Bearer " + secret), 200},
		{"ingest on loopback is open", open, access.Ingest, post, nil, 200},
		{"ingest beyond needs a token", beyond, access.Ingest, post, nil, 401},
		{"ingest beyond with a wrong one", beyond, access.Ingest, post, authorized("Bearer " + secret + "x"), 403},
		{"ingest beyond with a prefix of one", beyond, access.Ingest, post, authorized("Bearer " + secret[:16]), 403},
		{"ingest beyond with it", beyond, access.Ingest, post, authorized("bearer  " + secret), 200},
		{"Influx's word for it", beyond, access.Ingest, post, authorized("Token " + secret), 200},
		{"another scheme", beyond, access.Ingest, post, authorized("Basic " + secret), 401},
		{"none behind the scheme", beyond, access.Ingest, post, authorized("Bearer "), 401},
		{"what a proxy hands on is not from loopback", open, access.Ingest, post, header("X-Forwarded-For", "127.0.0.1"), 401},
		{"nor by the newer header", open, access.Ingest, post, header("Forwarded", "for=127.0.0.1"), 401},
		{"changes need a token", open, access.Change, post, nil, 401},
		{"changes need a token whatever the method", open, access.Change, get, nil, 401},
		{"changes with it", open, access.Change, post, authorized("Bearer " + secret), 200},
		{"changes where there is no token", access.Options{}, access.Change, post, authorized("Bearer " + secret), 403},
		{"an empty one is none", access.Options{}, access.Change, post, authorized("Bearer "), 401},

		{"localhost", open, access.Read, get, host("LocalHost.:8080"), 200},
		{"below localhost", open, access.Read, get, host("a.localhost"), 200},
		{"IPv6", open, access.Read, get, host("[::1]:8080"), 200},
		{"the address it came in at", open, access.Read, get, host("192.0.2.7:8080"), 200},
		{"another address", open, access.Read, get, host("192.0.2.8:8080"), 421},
		{"a name that leads here", open, access.Read, get, host("rebound.example.org"), 421},
		{"such a name, with a token", open, access.Change, post, func(r *http.Request) { r.Host = "rebound.example.org"; authorized("Bearer " + secret)(r) }, 421},
		{"no host", open, access.Read, get, host(""), 421},
		{"a name that is ours", access.Options{Hosts: []string{"Metrics.Example.org."}}, access.Read, get, host("metrics.example.org:80"), 200},
		{"probes ask for any host", open, access.Health, get, host("10.0.0.1"), 200},

		{"a page of another origin writes", open, access.Ingest, post, header("Sec-Fetch-Site", "cross-site"), 403},
		{"and with an older browser", open, access.Ingest, post, header("Origin", "https://evil.example.org"), 403},
		{"a page of another origin, with a token", open, access.Change, post, func(r *http.Request) {
			authorized("Bearer " + secret)(r)
			r.Header.Set("Origin", "https://evil.example.org")
		}, 403},
		{"our own page", open, access.Ingest, post, header("Origin", "http://127.0.0.1:8080"), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, ask(t, guard(t, c.opt), c.class, c.method, c.change))
		})
	}
}

// TestRefusalsAreCounted: each by its reason.
func TestRefusalsAreCounted(t *testing.T) {
	g := guard(t, access.Options{Tokens: tokens(t, secret)})
	ask(t, g, access.Change, http.MethodPost, nil)
	ask(t, g, access.Change, http.MethodPost, nil)
	ask(t, g, access.Change, http.MethodPost, authorized("Bearer wrong"))
	ask(t, g, access.Read, http.MethodGet, host("x.example.org"))
	ask(t, g, access.Read, http.MethodPost, header("Sec-Fetch-Site", "cross-site"))
	ask(t, g, access.Read, http.MethodGet, nil)
	got := make(map[string]float64)
	for _, f := range g.Figures() {
		assert.Equal(t, "refusedRequests", f.Name)
		assert.True(t, f.Counter)
		got[f.Labels[0].Value] = f.Value
	}
	assert.Equal(t, map[string]float64{"noToken": 2, "badToken": 1, "host": 1, "origin": 1}, got)
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:0": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true, "localhost:80": true,
		"0.0.0.0:80": false, "[::]:80": false, ":80": false, "192.0.2.1:80": false, "localhost.example.org:80": false, "nowhere": false, "": false,
	} {
		assert.Equal(t, want, access.Loopback(address), address)
	}
}
