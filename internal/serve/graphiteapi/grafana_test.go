package graphiteapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGrafana asks what Grafana's Graphite data source asks for, in its forms and
// with its headers, and reads the answers as it does.
func TestGrafana(t *testing.T) {
	g := newRig(t, site...)
	g.post(`{"what":"deploy","tags":["a","b"],"when":1772450000,"data":"d1"}`)
	headers := func(r *http.Request) {
		for _, name := range []string{"X-Dashboard-Id", "X-Panel-Id", "X-Panel-Plugin-Id", "X-Grafana-Org-Id", "X-Datasource-Uid"} {
			r.Header.Set(name, "17")
		}
		r.Header.Set("Accept", "application/json, text/plain, */*")
		r.Header.Set("Authorization", "Basic Z3JhZmFuYTpncmFmYW5h")
	}
	read := func(w *httptest.ResponseRecorder, to any) {
		t.Helper()
		require.Equal(t, 200, w.Code, w.Body)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), to), w.Body)
	}
	get := func(path string) *httptest.ResponseRecorder { return g.ask("GET", path, "", headers) }

	t.Run("health", func(t *testing.T) {
		var list []struct{ Datapoints [][2]*float64 }
		read(g.ask("POST", "/render", "target=constantLine(100)&from=-1h&until=now&format=json&maxDataPoints=300", headers), &list)
		require.Len(t, list, 1)
		assert.InDelta(t, 100, *list[0].Datapoints[0][0], 0)
	})
	t.Run("panel", func(t *testing.T) {
		form := url.Values{
			"target": {`aliasSub(servers.web1.cpu.*, "(^.*$)", "\1 A")`, `aliasSub(sumSeries(servers.*.cpu.user), "(^.*$)", "\1 B")`},
			"from":   {"-5min"}, "until": {"now"}, "format": {"json"}, "maxDataPoints": {"1200"}, "cacheTimeout": {"60"},
		}
		var list []struct {
			Target     string
			Tags       map[string]any
			Datapoints [][2]*float64
		}
		w := g.ask("POST", "/render", form.Encode(), headers)
		assert.NotContains(t, w.Body.String(), "NaN")
		read(w, &list)
		require.Len(t, list, 3)
		assert.Equal(t, "servers.web1.cpu.system A", list[0].Target)
		assert.Equal(t, "servers.web1.cpu.user A", list[1].Target)
		assert.Equal(t, "sumSeries(servers.*.cpu.user) B", list[2].Target)
		assert.NotEmpty(t, list[0].Tags["name"])
		sum := 0.0
		for _, p := range list[2].Datapoints {
			if p[0] != nil {
				sum += *p[0]
				assert.EqualValues(t, now-60-(now-60)%60, *p[1])
			}
		}
		assert.InDelta(t, 4.5, sum, 0)
	})
	t.Run("find", func(t *testing.T) {
		var list []struct {
			Text, ID                        string
			Expandable, Leaf, AllowChildren int
		}
		from, until := strconv.Itoa(now-3600), strconv.Itoa(now)
		read(g.ask("POST", "/metrics/find?from="+from+"&until="+until, "query=servers.{web1,db1}.*", headers), &list)
		require.Len(t, list, 2)
		assert.Equal(t, "cpu", list[0].Text)
		assert.Equal(t, 1, list[0].Expandable)
		assert.Equal(t, "mem", list[1].Text)
		assert.Equal(t, 1, list[1].Leaf)
		var expanded struct{ Results []string }
		read(get("/metrics/expand?query=servers.web*.cpu&from="+from+"&until="+until), &expanded)
		assert.Equal(t, []string{"servers.web1.cpu", "servers.web10.cpu", "servers.web2.cpu"}, expanded.Results)
	})
	t.Run("tags", func(t *testing.T) {
		var list []string
		read(get("/tags/autoComplete/tags?expr=name%3Ddisk.used&tagPrefix=&limit=10000&from=-1h&until=now"), &list)
		assert.Equal(t, []string{"dc", "host"}, list)
		read(get("/tags/autoComplete/values?expr=name%3Ddisk.used&tag=host&valuePrefix=&limit=10000"), &list)
		assert.Equal(t, []string{"a", "b"}, list)
	})
	t.Run("annotations", func(t *testing.T) {
		var list []struct {
			When int64
			What string
			Tags any
			Data string
		}
		read(get("/events/get_data?from=-6h&until=now&tags=a%20b"), &list)
		require.Len(t, list, 1)
		assert.EqualValues(t, 1772450000, list[0].When)
		assert.Equal(t, []any{"a", "b"}, list[0].Tags)
	})
	t.Run("functions", func(t *testing.T) {
		text := get("/functions").Body.String()
		assert.NotContains(t, text, "Infinity", "JavaScript reads 1e9999 as that, and other readers have to be told either way")
		var list map[string]struct {
			Name, Function, Description, Module, Group string
			Params                                     []map[string]any
		}
		require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(text, "1e9999", "1e99")), &list))
		assert.Equal(t, "Combine", list["sumSeries"].Group)
	})
	t.Run("version", func(t *testing.T) {
		major, minor, ok := strings.Cut(strings.TrimSpace(get("/version").Body.String()), ".")
		require.True(t, ok)
		assert.Equal(t, "1", major)
		assert.True(t, strings.HasPrefix(minor, "1."))
	})
}
