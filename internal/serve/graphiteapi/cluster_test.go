package graphiteapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
	"github.com/logmetrics/logmetrics/metric"
)

// fleet is what both graphite-web and we have: a minute's values, some missing.
func fleet() (list []graphiteweb.Series) {
	for i, name := range []string{"servers.web1.cpu", "servers.web2.cpu", "servers.db1.mem", "single", "odd.with-dash", "disk.used;dc=dc1;host=a", "disk.used;dc=dc2;host=b"} {
		s := graphiteweb.Series{Name: name, Method: "average", Archives: [][2]int64{{60, 1440}}}
		for k := range int64(120) {
			if (k+int64(i))%7 != 3 {
				s.Points = append(s.Points, graphiteweb.Point{Time: now - now%60 - 60*(119-k), Value: float64(k*int64(i+1)) / 8})
			}
		}
		list = append(list, s)
	}
	return list
}

// keeping is a rig whose store has series.
func keeping(t *testing.T, list []graphiteweb.Series) *rig {
	g := newRig(t)
	w := g.db.NewWriter()
	for _, s := range list {
		for _, p := range s.Points {
			require.Equal(t, store.Taken, w.Put([]byte(s.Name), metric.Average, p.Time, p.Value))
		}
	}
	require.NoError(t, w.Flush())
	return g
}

func (g *rig) listen() (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }))
	g.t.Cleanup(s.Close)
	return s.URL
}

// questions are asked in both ways.
func questions() (list []string) {
	for _, target := range []string{
		"servers.*.cpu", "servers.{web1,db1}.*", "single", "odd.*", "sumSeries(servers.*.*)", "movingAverage(servers.web1.cpu,5)",
		"seriesByTag('name=disk.used')", "seriesByTag('dc=~dc.*','host!=a')", "groupByTags(seriesByTag('name=disk.used'),'sum','dc')",
		"aliasByNode(servers.*.*,1)", "nosuch.*", "disk.used;dc=dc1;host=a", "summarize(servers.web2.cpu,'10min','max')", "timeShift(single,'30min')",
	} {
		list = append(list, "/render?format=json&from=-1h&target="+url.QueryEscape(target))
	}
	return append(list, "/metrics/find?query=servers.*", "/metrics/find?query=servers.*&format=completer", "/metrics/expand?query=servers.*.*",
		"/tags/autoComplete/tags?expr=name=disk.used", "/tags/autoComplete/values?tag=host", "/tags/autoComplete/values?tag=host&expr=dc=dc1")
}

// TestBehindGraphiteWeb: a graphite-web without files that asks us answers as one
// that has the same in files of its own.
func TestBehindGraphiteWeb(t *testing.T) {
	list := fleet()
	ours := keeping(t, list).listen()
	front := graphiteweb.Start(t, graphiteweb.Options{Now: now, Cluster: []string{strings.TrimPrefix(ours, "http://")}})
	alone := graphiteweb.Start(t, graphiteweb.Options{Now: now, Series: list})
	for _, q := range questions() {
		code, want := alone.Get(t, q)
		require.Equal(t, 200, code, q)
		code, got := front.Get(t, q)
		if assert.Equal(t, 200, code, "%s: %s", q, got) {
			assert.JSONEq(t, sorted(t, want), sorted(t, got), q)
		}
	}
	code, want := front.Get(t, "/metrics/index.json")
	require.Equal(t, 200, code)
	assert.Contains(t, want, `"servers.db1.mem"`)
}

// TestNodesAreSpared: what a user of a graphite-web wrote wrongly does not make it
// take us for dead; what is too much is said.
func TestNodesAreSpared(t *testing.T) {
	g := keeping(t, fleet())
	for _, q := range []string{
		"/metrics/find/?query=", "/metrics/find/?query=" + url.QueryEscape(strings.Repeat("{a,b}", 30)), "/render?target=" + url.QueryEscape("seriesByTag('name=~(?!x)')"),
		"/render?target=" + url.QueryEscape("seriesByTag('nonsense')"), "/render?target=" + url.QueryEscape("a("+strings.Repeat("{a,b}", 30)+")"),
		"/render?target=single&from=1772450000&until=1772450000", "/render?target=single&from=-200000&until=100",
	} {
		assert.Equal(t, 400, g.get(q+"&format=json").Code, q)
		assert.Equal(t, 400, g.get(q+"&format=pickle").Code, q)
		for format, nothing := range map[string]string{"pickle": "\x80\x02](e.", "msgpack": "\x90"} {
			w := g.get(q + "&local=1&format=" + format)
			assert.Equal(t, 200, w.Code, q)
			assert.Equal(t, nothing, w.Body.String(), q)
		}
	}
	for _, q := range []string{
		"/tags/autoComplete/tags?expr=nonsense", "/tags/autoComplete/values?tag=&expr=dc=dc1", "/tags/findSeries?expr=dc=~(", "/tags/autoComplete/tags?expr=dc!=dc1",
	} {
		assert.Equal(t, 400, g.get(q).Code, q)
		w := g.get(q + "&local=1")
		assert.Equal(t, 200, w.Code, q)
		assert.Equal(t, "[]", w.Body.String(), q)
	}
	assert.EqualValues(t, 36, g.figure("queriesRefused"))
	many := "/render?local=1&format=pickle" + strings.Repeat("&target=single", 1001)
	assert.Equal(t, 400, g.get(many).Code)
}

// TestBeforeGraphiteWeb: we answer for a graphite-web as if its files were ours.
func TestBeforeGraphiteWeb(t *testing.T) {
	list := fleet()
	other := graphiteweb.Start(t, graphiteweb.Options{Now: now, Series: list[1:]})
	all := keeping(t, list)
	some := keeping(t, list[:2])
	some.remote(other.URL)
	for _, q := range questions() {
		if strings.HasPrefix(q, "/tags") || strings.Contains(q, "completer") {
			continue // _tagged is a branch there, and plain names have no tags
		}
		want, got := all.get(q), some.get(q)
		require.Equal(t, 200, want.Code, "%s: %s", q, want.Body)
		require.Equal(t, 200, got.Code, "%s: %s", q, got.Body)
		assert.Empty(t, got.Header().Get(graphiteapi.Incomplete), q)
		assert.JSONEq(t, want.Body.String(), got.Body.String(), q)
	}
}

// remote makes the API ask others.
func (g *rig) remote(urls ...string) {
	n, err := cluster.New(cluster.Options{URLs: urls, Timeout: 10 * time.Second})
	require.NoError(g.t, err)
	g.t.Cleanup(n.Close)
	g.serve(graphiteapi.Options{DB: g.db, Nodes: n, Zone: time.UTC, Now: func() time.Time { return time.Unix(now, 0) }})
}

// sorted puts the series of an answer into an order, which graphite-web does not promise.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var list []map[string]any
	if json.Unmarshal([]byte(text), &list) != nil {
		return text
	}
	byName := make(map[string]any, len(list))
	for i, s := range list {
		name, ok := s["target"].(string)
		if !ok {
			name = strconv.Itoa(i)
		}
		byName[name] = s
	}
	out, err := json.Marshal(byName)
	require.NoError(t, err)
	return string(out)
}

// TestNodesOfOurs ask each other, and do not go on for ever; one that is down is
// said, and what the others have is the answer.
func TestNodesOfOurs(t *testing.T) {
	list := fleet()
	a, b, all := keeping(t, list[:4]), keeping(t, list[3:]), keeping(t, list)
	urlA, urlB := a.listen(), b.listen()
	a.remote(urlB)
	b.remote(urlA)
	asked := append(questions(), "/render?format=json&from=-1h&target="+url.QueryEscape("statistic(servers.*.cpu,'max')"), "/metrics/index.json", "/metrics/find?query=**&format=json", "/tags/findSeries?expr=name=~.", "/metrics/expand?query=*&query=odd.*&groupByExpr=1")
	for _, q := range asked {
		want := all.get(q).Body.String()
		for _, node := range []*rig{a, b} {
			w := node.get(q)
			assert.Equal(t, 200, w.Code, q)
			assert.Empty(t, w.Header().Get(graphiteapi.Incomplete), q)
			assert.JSONEq(t, want, w.Body.String(), q)
		}
	}
	assert.JSONEq(t, `["_tagged.435.207.disk_DOT_used;dc=dc1;host=a", "_tagged.69b.943.disk_DOT_used;dc=dc2;host=b", "odd.with-dash", "single"]`, b.get("/metrics/index.json?local=1").Body.String())

	closed := httptest.NewServer(nil)
	closed.Close()
	a.remote(urlB, closed.URL)
	for _, q := range asked {
		w := a.get(q)
		assert.Equal(t, 200, w.Code, q)
		assert.Equal(t, closed.URL[7:], w.Header().Get(graphiteapi.Incomplete), q)
		assert.JSONEq(t, all.get(q).Body.String(), w.Body.String(), q)
		assert.Empty(t, a.get(q+"&local=1").Header().Get(graphiteapi.Incomplete), q)
	}
}
