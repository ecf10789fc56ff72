package graphiteapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestInfo(t *testing.T) {
	g := newRig(t, site...)
	g.answered("/info?target=disk.used;host=a;dc=dc1", `{"name": "disk.used;dc=dc1;host=a", "aggregationMethod": "average", "maxRetention": 86400, `+
		`"newest": 1772453377, "retentions": [{"secondsPerPoint": 60, "numberOfPoints": 1440}]}`)
	g.refused("/info?target=nosuch", 404, "there is no such series")
	g.refused("/info", 400, "no target specified")
}

// TestHostileSearches are answered or refused, none with 500, and nothing that
// they say comes back as something that runs.
func TestHostileSearches(t *testing.T) {
	g := newRig(t, site...)
	long := strings.Repeat("a", 1<<19)
	for _, text := range []string{
		long, strings.Repeat("{", 10_000), strings.Repeat("[", 10_000), strings.Repeat("*", 10_000), strings.Repeat("**.", 40) + "*", strings.Repeat("*.", 5000),
		strings.Repeat("{a,b}", 30), strings.Repeat("{a,", 5000) + strings.Repeat("}", 5000), strings.Repeat("?", 300), "<script>alert(1)</script>", "../../../etc/passwd",
		"\x00", "\xff\xfe", "a\r\nSet-Cookie: x=1", "a;b=c;d=e", ";", ";;;=", "[z-a]", "[]", "[!]", "{}", "{,}", ".", "..", "http://127.0.0.1:1/",
		"name=~(a+)+$", "name=~" + strings.Repeat("(", 1000), "name=~a{1000}{1000}", "name=~.*", "name!=~.", "=", "!=", "a=~[",
	} {
		q := url.QueryEscape(text)
		for _, path := range []string{
			"/metrics/find?query=" + q, "/metrics/find?format=completer&automatic_variants=1&query=" + q, "/metrics/find?format=nodelist&position=-3&query=" + q,
			"/metrics/find?format=" + q + "&query=a", "/metrics/find?query=a&from=" + q, "/metrics/find?query=a&tz=" + q, "/metrics/find?query=a&jsonp=" + q,
			"/metrics/expand?groupByExpr=1&query=" + q, "/tags/findSeries?expr=" + q, "/tags/autoComplete/tags?expr=" + q + "&tagPrefix=" + q,
			"/tags/autoComplete/values?tag=" + q + "&valuePrefix=" + q, "/tags?filter=" + q, "/tags/name?filter=" + q + "&limit=" + q,
			"/events/get_data?from=" + q + "&tags=" + q, "/events/get_data?set=union&tags=" + q, "/events/get_data?until=" + q, "/info?target=" + q, "/functions?group=" + q,
		} {
			w := g.get(path)
			assert.Less(t, w.Code, 500, "%.100s", path)
			kind := w.Header().Get("Content-Type")
			assert.False(t, strings.HasPrefix(kind, "text/html"), "%s: %.100s", kind, path)
			assert.Empty(t, w.Header().Get("Set-Cookie"))
		}
	}
}

// TestSearchesEnd when the client goes.
func TestSearchesEnd(t *testing.T) {
	g := newRig(t)
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("a%d.b.c", i)
	}
	g.put(names...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{"/metrics/find?query=*.*.c", "/metrics/expand?query=*.*.c", "/metrics/index.json", "/tags/autoComplete/values?tag=name&expr=name!="} {
		w := g.ask("GET", path, "", func(r *http.Request) { *r = *r.WithContext(ctx) })
		assert.Equal(t, 499, w.Code, path)
	}
}

// TestManySearches at once are all answered, or told to come again.
func TestManySearches(t *testing.T) {
	g := newRig(t, site...)
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics/find?query=**", nil)
			w := httptest.NewRecorder()
			g.mux.ServeHTTP(w, r)
			assert.Contains(t, []int{200, 503}, w.Code)
		})
	}
	all.Wait()
	assert.Equal(t, 200, g.get("/metrics/find?query=*").Code)
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		g := newRig(b)
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("p%03d.h%02d.m%d", i/1000, i/10%100, i%10)
		}
		g.put(list...)
		s := httptest.NewServer(g.mux)
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		for _, path := range []string{
			"/metrics/find?query=p01?.h*.m3", "/metrics/find?query=*.h5*.*", "/metrics/find?query=*.*.m7", "/metrics/find?query=*.h5*.*&format=completer",
			"/metrics/expand?query=*.h5*.*", "/metrics/index.json",
		} {
			b.Run(fmt.Sprintf("of=%d%s", n, path), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					resp, err := client.Get(s.URL + path)
					if err != nil || resp.StatusCode != 200 {
						b.Fatal(resp, err)
					}
					n, _ := resp.Body.Read(make([]byte, 64))
					for buf := make([]byte, 1<<20); err == nil; {
						var k int
						k, err = resp.Body.Read(buf)
						n += k
					}
					b.SetBytes(int64(n))
					_ = resp.Body.Close()
				}
			})
		}
		s.Close()
	}
}
