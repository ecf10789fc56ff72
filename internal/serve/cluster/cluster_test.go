package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// answering is a node that gives one answer to all, and notes what it was asked.
func answering(t *testing.T, code int, body string) (url string, asked *atomic.Pointer[http.Request]) {
	t.Helper()
	asked = &atomic.Pointer[http.Request]{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func nodes(t *testing.T, opt cluster.Options) *cluster.Nodes {
	t.Helper()
	n, err := cluster.New(opt)
	require.NoError(t, err)
	t.Cleanup(n.Close)
	return n
}

func TestFind(t *testing.T) {
	a, asked := answering(t, 200, `[{"path": "a.b", "is_leaf": true, "intervals": [{"start": 1.0, "end": 2.5}]}, {"path": "a.c", "is_leaf": false}]`)
	b, _ := answering(t, 200, `[]`)
	n := nodes(t, cluster.Options{URLs: []string{a + "/graphite/", b}})
	ctx, report := cluster.WithReport(t.Context())
	found := n.Find(ctx, "a.*", 5, 0)
	require.Len(t, found, 2)
	assert.Equal(t, "a.b", found[0].Path)
	assert.True(t, found[0].Leaf)
	assert.InDelta(t, 2.5, found[0].Intervals[0].End, 0)
	assert.False(t, found[1].Leaf)
	assert.Empty(t, report.Missing())
	r := asked.Load()
	assert.Equal(t, "/graphite/metrics/find/", r.URL.Path)
	assert.Equal(t, "format=json&from=5&local=1&query=a.%2A", r.URL.RawQuery)

	assert.Nil(t, n.Find(cluster.Alone(t.Context()), "a.*", 0, 0))
	assert.Nil(t, (*cluster.Nodes)(nil).Find(t.Context(), "a.*", 0, 0))
}

// TestNodesThatGiveNoAnswer are told of, by each what is wrong with it; the others'
// answers stay.
func TestNodesThatGiveNoAnswer(t *testing.T) {
	good, _ := answering(t, 200, `["a"]`)
	closed := httptest.NewServer(nil)
	closed.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	elsewhere := httptest.NewServer(http.RedirectHandler(good, http.StatusFound))
	t.Cleanup(elsewhere.Close)
	refusing, _ := answering(t, 500, "")
	garbage, _ := answering(t, 200, `{"a":`)
	clock := time.Unix(1e9, 0)
	n := nodes(t, cluster.Options{
		URLs: []string{good, closed.URL, slow.URL, elsewhere.URL, refusing, garbage}, Timeout: 50 * time.Millisecond, Retry: time.Minute,
		Now: func() time.Time { return clock },
	})
	hosts := []string{closed.URL[7:], slow.URL[7:], elsewhere.URL[7:], refusing[7:], garbage[7:]}
	for range 2 {
		ctx, report := cluster.WithReport(t.Context())
		assert.Equal(t, []string{"a"}, n.Index(ctx))
		assert.ElementsMatch(t, hosts, report.Missing())
	}
	figure := func(name, host string) float64 {
		for _, f := range n.Figures() {
			if f.Name == name && f.Labels[0].Value == host {
				return f.Value
			}
		}
		return -1
	}
	assert.InDelta(t, 1, figure("remoteRequests", closed.URL[7:]), 0, "it is left alone for a while")
	assert.InDelta(t, 1, figure("remoteSkipped", closed.URL[7:]), 0)
	assert.InDelta(t, 2, figure("remoteFailures", refusing[7:]), 0)
	assert.InDelta(t, 0, figure("remoteFailures", good[7:]), 0)
	clock = clock.Add(2 * time.Minute)
	n.Index(t.Context())
	assert.InDelta(t, 2, figure("remoteRequests", closed.URL[7:]), 0, "and asked again")
}

func TestWhatIsNoNode(t *testing.T) {
	for _, bad := range []string{"", "host:8080", "ftp://host", "http://", "http://h/?x", "http://h/#x", "http://h:x:y", "file:///etc/passwd"} {
		_, err := cluster.New(cluster.Options{URLs: []string{bad}})
		require.Error(t, err, bad)
	}
}

// own is a source with one series for any pattern.
type own struct{ err error }

func (o own) Fetch(_ context.Context, q query.Fetch) ([][]*query.Series, error) {
	out := make([][]*query.Series, len(q.Patterns))
	for i := range out {
		out[i] = []*query.Series{query.NewSeries("m", 60, 180, 60, []float64{1, query.Null()})}
	}
	return out, o.err
}

func fetch(t *testing.T, urls []string, q query.Fetch) ([]*query.Series, error) {
	t.Helper()
	lists, err := nodes(t, cluster.Options{URLs: urls}).Source(own{}).Fetch(t.Context(), q)
	if err != nil {
		return nil, err
	}
	require.Len(t, lists, len(q.Patterns))
	return lists[0], nil
}

var asked = query.Fetch{Patterns: []query.Pattern{{Text: "m*"}}, From: 0, Until: 300, Now: 400, MaxSeries: 10, MaxPoints: 100}

func TestFetch(t *testing.T) {
	a, request := answering(t, 200, "l|with,odd;k=v,60,120,60|3.5\n\nm,120,240,60|7.0,8.0\n")
	b, _ := answering(t, 200, "m,60,300,60|9.0,9.0,9.0,None\n")
	list, err := fetch(t, []string{a, b}, asked)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, "l|with,odd;k=v", list[0].Name)
	assert.Equal(t, "m*", list[0].PathExpression)
	assert.Equal(t, "[1 7 8 NaN]", fmt.Sprint(list[1].Values), "what is here counts, then the nodes' in their order")
	assert.EqualValues(t, 60, list[1].Start)
	assert.EqualValues(t, 300, list[1].End)
	q := request.Load().URL.Query()
	assert.Equal(t, "1", q.Get("local"))
	assert.Equal(t, "raw", q.Get("format"))
	assert.Equal(t, "m*", q.Get("target"))
	assert.Equal(t, "400", q.Get("now"))
}

// TestFetchOfOddNames asks for paths so that a node reads them as they were meant.
func TestFetchOfOddNames(t *testing.T) {
	for text, want := range map[string]string{
		"a|b.x": `a\|b.x`, "x;k=f(a,b)": `x;k=f\(a\,b\)`, "a.{b,c}|d.{e,f}": `a.{b,c}\|d.{e,f}`, `it's."q"`: `it\'s.\"q\"`, `a\*b`: `a\\*b`,
	} {
		a, request := answering(t, 200, "m,60,120,60|1\n")
		q := asked
		q.Patterns = []query.Pattern{{Text: text}}
		_, err := fetch(t, []string{a}, q)
		require.NoError(t, err)
		sent := request.Load().URL.Query().Get("target")
		assert.Equal(t, want, sent)
		tree, err := target.Parse(sent)
		require.NoError(t, err)
		assert.Equal(t, text, tree.Text)
	}
	a, request := answering(t, 200, "m,60,120,60|1\n")
	q := asked
	q.Patterns = []query.Pattern{{Text: "seriesByTag('k=(a|b),c')", Exprs: []string{"k=(a|b),c"}}}
	_, err := fetch(t, []string{a}, q)
	require.NoError(t, err)
	assert.Equal(t, "seriesByTag('k=(a|b),c')", request.Load().URL.Query().Get("target"))
}

func TestFetchTakesTheFinerStep(t *testing.T) {
	a, _ := answering(t, 200, "m,60,90,10|1,2,3\n")
	list, err := fetch(t, []string{a}, asked)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.EqualValues(t, 10, list[0].Step)
	a, _ = answering(t, 200, "m,0,600,300|1,2\n")
	list, err = fetch(t, []string{a}, asked)
	require.NoError(t, err)
	assert.EqualValues(t, 60, list[0].Step)
}

func TestFetchIsBounded(t *testing.T) {
	many, _ := answering(t, 200, strings.Repeat("x,60,120,60|1\n", 11))
	_, err := fetch(t, []string{many}, asked)
	require.ErrorIs(t, err, query.ErrLimit)
	long, _ := answering(t, 200, "x,60,6120,60|"+strings.Repeat("1,", 100)+"1\n")
	_, err = fetch(t, []string{long}, asked)
	require.ErrorIs(t, err, query.ErrLimit)

	n := nodes(t, cluster.Options{URLs: []string{many}})
	broken := errors.New("broken")
	_, err = n.Source(own{broken}).Fetch(t.Context(), asked)
	require.ErrorIs(t, err, broken)
	lists, err := n.Source(own{}).Fetch(cluster.Alone(t.Context()), asked)
	require.NoError(t, err)
	assert.Len(t, lists[0], 1)
}

// TestFetchOfStatistics asks for them by their function, and names series as Source does.
func TestFetchOfStatistics(t *testing.T) {
	a, request := answering(t, 200, `statistic(n;k=v,"max"),60,120,60|3.5`+"\n")
	q := asked
	q.Patterns = []query.Pattern{{Text: "n*", Statistic: "max"}}
	list, err := fetch(t, []string{a}, q)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, `statistic(n*,"max")`, request.Load().URL.Query().Get("target"))
	assert.Equal(t, "n;k=v", list[1].Name)
	value, _ := list[1].Tags.Lookup("k")
	assert.Equal(t, "v", value)
	assert.Equal(t, "n*", list[1].PathExpression)
}

// TestGarbage is a node's that is no part of the answer.
func TestGarbage(t *testing.T) {
	for _, bad := range []string{"x", "x|1", "x,1,2|1", "x,a,2,60|1", "x,60,120,0|1", "x,-1,120,60|1", "x,60,120,60|1,x", ",60,120,60|1", "x,60,120,99999999999|1"} {
		url, _ := answering(t, 200, bad+"\n")
		ctx, report := cluster.WithReport(t.Context())
		lists, err := nodes(t, cluster.Options{URLs: []string{url}}).Source(own{}).Fetch(ctx, asked)
		require.NoError(t, err)
		assert.Len(t, lists[0], 1, bad)
		assert.Equal(t, []string{url[7:]}, report.Missing(), bad)
	}
}
