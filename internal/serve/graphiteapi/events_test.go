package graphiteapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/graphiteapi"
	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// The answers here are graphite-web's own after the same posts, but where it
// answers 500, and to data that is no text.

func (g *rig) post(event string) {
	g.t.Helper()
	w := g.ask("POST", "/events/", event, nil)
	assert.Equal(g.t, http.StatusOK, w.Code, "%s: %s", event, w.Body)
	assert.Empty(g.t, w.Body.String())
}

const (
	deploy = `{"when": 1772450000, "what": "deploy", "data": "d1", "tags": ["a", "b"], "id": 1}`
	two    = `{"when": 1772451000, "what": "two", "data": "", "tags": ["b", "c"], "id": 2}`
)

func TestEvents(t *testing.T) {
	g := newRig(t)
	g.answered("/events/get_data", "[]")
	g.post(`{"what":"deploy","tags":["a","b"],"when":1772450000,"data":"d1"}`)
	g.post(`{"what":"two","tags":"b c","when":1772451000.7}`)
	g.post(`{"what":"three","when":1772452000,"data":"x","tags":[]}`)
	g.post(`{"what":"four"}`)
	g.post(`{"what":"eight,comma \"quoted\"","tags":"x,y z \"q r\"","when":1772452010}`)
	g.post(`{"what":"nine","data":{"a":1},"tags":null,"when":1772452010}`)
	for query, want := range map[string]string{
		"": deploy + ", " + two + `, {"when": 1772452000, "what": "three", "data": "x", "tags": [], "id": 3}, ` +
			`{"when": 1772452010, "what": "eight,comma \"quoted\"", "data": "", "tags": ["x,y", "z", "\"q", "r\""], "id": 5}, ` +
			`{"when": 1772452010, "what": "nine", "data": "{\"a\":1}", "tags": [], "id": 6}, ` +
			`{"when": 1772453437, "what": "four", "data": "", "tags": [], "id": 4}`,
		"tags=b":                               deploy + ", " + two,
		"tags=a%20c&set=union":                 deploy + ", " + two,
		"tags=a%20nosuch&set=union":            deploy,
		"tags=a%20c":                           "",
		"tags=a%20b&set=intersection":          deploy,
		"tags=a%20nosuch":                      deploy, // as if nosuch were not asked for
		"tags=a%20nosuch&set=intersection":     "",
		"tags=nosuch":                          "",
		"tags=nosuch&set=union":                "",
		"tags=":                                "",
		"from=1772450000&until=1772451000":     deploy,
		"from=-1h&until=-40min":                deploy + ", " + two,
		"from=1772450001&until=-1&tags=b":      two,
		"from=1772452011&until=now&tags=a%20b": "",
	} {
		g.answered("/events/get_data?"+query, "["+want+"]")
	}
	g.answered("/events/get_data?jsonp=cb&tags=a", "cb(["+deploy+"])")
	assert.Equal(t, "["+deploy+"]", g.ask("POST", "/events/get_data", "tags=a", nil).Body.String())
	g.answered("/events/?tags=a", "["+deploy+"]")
	g.answered("/events/1", `{"id": 1, "when": "2026-03-02T11:13:20Z", "what": "deploy", "data": "d1", "tags": ["a", "b"]}`)
	g.answered("/events/2/", `{"id": 2, "when": "2026-03-02T11:30:00.7Z", "what": "two", "data": "", "tags": ["b", "c"]}`)
	g.refused("/events/99", 404, `{"error": "Event matching query does not exist"}`)
	assert.Equal(t, 404, g.get("/events/x").Code)
	g.refused("/events/get_data?from=gaga", 400, `Invalid parameters (Invalid value 'gaga' for param from: not a time: unknown day "gaga")`)
}

func TestEventPages(t *testing.T) {
	g := newRig(t)
	g.post(`{"what":"<script>alert(1)</script>","tags":"<b>","data":"</pre><script>","when":1772450000}`)
	browser := func(r *http.Request) { r.Header.Set("Accept", "text/html,*/*") }
	for _, path := range []string{"/events/", "/events/1"} {
		w := g.ask("GET", path, "", browser)
		assert.Equal(t, 200, w.Code)
		assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		assert.Equal(t, "default-src 'none'", w.Header().Get("Content-Security-Policy"))
		assert.Contains(t, w.Body.String(), "&lt;script&gt;alert(1)&lt;/script&gt;")
		assert.Contains(t, w.Body.String(), "2026-03-02T11:13:20Z")
		assert.NotContains(t, w.Body.String(), "<script")
	}
	assert.Equal(t, 404, g.ask("GET", "/events/7", "", browser).Code)
}

func TestBadEvents(t *testing.T) {
	g := newRig(t)
	for body, want := range map[string]string{
		``:                          "read event: unexpected end of JSON input",
		`gaga`:                      "read event: invalid character 'g' looking for beginning of value",
		`[]`:                        "read event: json: cannot unmarshal array",
		`{"tags":"x"}`:              `"what" must say what happened`,
		`{"what":"a","tags":5}`:     `"tags" must be an array or space-separated string`,
		`{"what":"a","tags":[5]}`:   `"tags" must be an array or space-separated string`,
		`{"what":"a","when":"1"}`:   "read event: json: cannot unmarshal string",
		`{"what":"a","when":-1}`:    `"when" must be Unix seconds`,
		`{"what":"a","when":1e12}`:  `"when" must be Unix seconds`,
		`{"what":"a","when":86400}`: `"when" is longer ago than events are kept: 1095 days`,
		`{"what":5}`:                "read event: json: cannot unmarshal number",
		long("what", 1<<10, 1):      `"what" is longer than 1024 bytes`,
		long("data", 64<<10, 1):     `"data" is longer than 65536 bytes`,
		long("tags", 4<<10, 1):      `"tags" are more than 100, or 4096 bytes`,
		long("data", 300<<10, 1):    "the body is longer than 262144 bytes",
		`{"what":"a","tags":"` + strings.Repeat("t ", 101) + `"}`: `"tags" are more than 100, or 4096 bytes`,
	} {
		w := g.ask("POST", "/events/", body, nil)
		assert.GreaterOrEqual(t, w.Code, 400)
		assert.Less(t, w.Code, 500)
		assert.True(t, strings.HasPrefix(w.Body.String(), want), "%.40s: %s", body, w.Body)
	}
	g.answered("/events/get_data", "[]")
}

// long is an event with a field that is more bytes longer than n.
func long(field string, n, more int) string {
	what := ""
	if field != "what" {
		what = `"what":"a",`
	}
	return fmt.Sprintf(`{%s"%s":%q}`, what, field, strings.Repeat("x", n+more))
}

// TestEventsStay: they are there after a new start, with their numbers.
func TestEventsStay(t *testing.T) {
	dir := t.TempDir()
	clock := func() time.Time { return time.Unix(now, 0) }
	open := func() *rig {
		db, err := store.Open(store.Options{Dir: dir, SealEvery: -1, Now: clock})
		require.NoError(t, err)
		g := &rig{t: t, db: db}
		g.serve(graphiteapi.Options{DB: db, Now: clock})
		return g
	}
	g := open()
	g.post(`{"what":"deploy","tags":["a","b"],"when":1772450000,"data":"d1"}`)
	require.NoError(t, g.db.Keep("event/garbage", []byte("{")))
	require.NoError(t, g.db.Close())
	g = open()
	g.post(`{"what":"two","tags":"b c","when":1772451000.7}`)
	g.answered("/events/get_data", "["+deploy+", "+two+"]")
	require.NoError(t, g.db.Tend(t.Context()))
	require.NoError(t, g.db.Close())
	g = open()
	g.answered("/events/get_data?tags="+url.QueryEscape("b c")+"&set=intersection", "["+two+"]")
	require.NoError(t, g.db.Close())
}
