package graphiteapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The answers here are graphite-web's own to the same series.

func TestFindTree(t *testing.T) {
	g := newRig(t, site...)
	g.answered("/metrics/find?query=*", `[{"text": "_tagged", "id": "_tagged", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "both", "id": "both", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "odd", "id": "odd", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "servers", "id": "servers", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "single", "id": "single", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find/?query=odd.*", `[{"text": "branch", "id": "odd.branch", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "100", "id": "odd.100", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "at@home", "id": "odd.at@home", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "pctA", "id": "odd.pct%41", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "plus x", "id": "odd.plus+x", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "with-dash", "id": "odd.with-dash", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "üml", "id": "odd.üml", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=servers.*.*&wildcards=1", `[{"text": "*", "id": "servers.*.*", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "cpu", "id": "servers.*.cpu", "allowChildren": 1, "expandable": 1, "leaf": 0}, `+
		`{"text": "mem", "id": "servers.*.mem", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=servers.web1.cpu.*&wildcards=1", `[{"text": "*", "id": "servers.web1.cpu.*", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "system", "id": "servers.web1.cpu.system", "allowChildren": 0, "expandable": 0, "leaf": 1}, `+
		`{"text": "user", "id": "servers.web1.cpu.user", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=both&leavesOnly=1", `[{"text": "both", "id": "both", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=disk.used;dc=dc1;host=a", `[{"text": "used;dc=dc1;host=a", "id": "disk.used;dc=dc1;host=a", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=servers.web[1-2].c?u", `[{"text": "cpu", "id": "servers.web[1-2].cpu", "allowChildren": 1, "expandable": 1, "leaf": 0}]`)
	for _, query := range []string{"nosuch", "[", "servers.web?", "seriesByTag(%22dc=dc1%22)", "disk.used;"} {
		w := g.get("/metrics/find?query=" + query)
		assert.Equal(t, http.StatusOK, w.Code)
		if query != "servers.web?" {
			assert.Equal(t, "[]", w.Body.String(), query)
		}
	}
}

// The first ones are enough for who completes names among a million.
func TestFindTheFirst(t *testing.T) {
	g := newRig(t, site...)
	g.answered("/metrics/find?query=odd.*&format=nodelist&limit=2", `{"nodes": ["100", "at@home"]}`)
	g.answered("/metrics/find?query=**.*web*.**.*c*u&format=nodelist&limit=1", `{"nodes": ["cpu"]}`)
	g.answered("/metrics/find?query=.odd.*&format=nodelist&limit=1", `{"nodes": ["100"]}`)
	g.answered("/metrics/find?query=single&limit=9", `[{"text": "single", "id": "single", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	assert.Equal(t, http.StatusBadRequest, g.get("/metrics/find?query=*&limit=-1").Code)
}

// An empty part of a pattern stays in the folder that is there.
func TestFindEmptyParts(t *testing.T) {
	g := newRig(t, site...)
	g.answered("/metrics/find?query=servers.", `[{"text": "", "id": "servers.", "allowChildren": 1, "expandable": 1, "leaf": 0}]`)
	g.answered("/metrics/find?query=.servers", `[{"text": "servers", "id": ".servers", "allowChildren": 1, "expandable": 1, "leaf": 0}]`)
	g.answered("/metrics/find?query=.single", `[{"text": "single", "id": ".single", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/find?query=single.", `[]`)
	g.answered("/metrics?query=single", `[{"text": "single", "id": "single", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/expand?query=servers..", `{"results": ["servers.."]}`)
	g.answered("/metrics/expand?query=", `{"results": [""]}`)
	newRig(t).answered("/metrics/expand?query=", `{"results": []}`)
}

func TestFindPosted(t *testing.T) {
	g := newRig(t, site...)
	const want = `[{"text": "cpu", "id": "servers.{web1,web2}.cpu", "allowChildren": 1, "expandable": 1, "leaf": 0}]`
	assert.Equal(t, want, g.ask("POST", "/metrics/find", "query=servers.{web1,web2}.*", nil).Body.String())
	assert.Equal(t, want, g.ask("POST", "/metrics/find?query=odd.*", url.Values{"query": {"servers.{web1,web2}.*"}}.Encode(), nil).Body.String())
}

func TestFindForms(t *testing.T) {
	g := newRig(t, site...)
	const span = `"intervals": [{"start": 1772367037.0, "end": 1772453437.0}]}`
	g.answered("/metrics/find?query=odd.*&format=json", `[{"path": "odd.100", "is_leaf": true, `+span+`, {"path": "odd.at@home", "is_leaf": true, `+span+
		`, {"path": "odd.branch", "is_leaf": false}, {"path": "odd.branch", "is_leaf": true, `+span+`, {"path": "odd.pct%41", "is_leaf": true, `+span+
		`, {"path": "odd.plus+x", "is_leaf": true, `+span+`, {"path": "odd.with-dash", "is_leaf": true, `+span+`, {"path": "odd.üml", "is_leaf": true, `+span+`]`)
	g.answered("/metrics/find?query=disk.used;dc=dc1;host=a&format=json", `[{"path": "disk.used;dc=dc1;host=a", "is_leaf": true, `+span+`]`)
	g.answered("/metrics/find?query=servers.*&format=completer&wildcards=1", `{"metrics": [{"path": "servers.db1.", "name": "db1", "is_leaf": "0"}, `+
		`{"path": "servers.web1.", "name": "web1", "is_leaf": "0"}, {"path": "servers.web10.", "name": "web10", "is_leaf": "0"}, `+
		`{"path": "servers.web2.", "name": "web2", "is_leaf": "0"}, {"name": "*"}]}`)
	g.answered("/metrics/find?query=servers.web2,db1.&format=completer&automatic_variants=1",
		`{"metrics": [{"path": "servers.web2.cpu.", "name": "cpu", "is_leaf": "0"}, {"path": "servers.db1.mem", "name": "mem", "is_leaf": "1"}]}`)
	g.answered("/metrics/find?query=bo&format=completer", `{"metrics": [{"path": "both.", "name": "both", "is_leaf": "0"}, {"path": "both", "name": "both", "is_leaf": "1"}]}`)
	g.answered("/metrics/find?query=servers.*.*&format=nodelist&position=1", `{"nodes": ["db1", "web1", "web10", "web2"]}`)
	g.answered("/metrics/find?query=servers.*.*&format=nodelist", `{"nodes": ["cpu", "mem"]}`)
	g.answered("/metrics/find?query=single&jsonp=cb", `cb([{"text": "single", "id": "single", "allowChildren": 0, "expandable": 0, "leaf": 1}])`)
	g.answered("/metrics/find?query=single&pretty=1", "[\n  {\n    \"text\": \"single\",\n    \"id\": \"single\",\n    \"allowChildren\": 0,\n    \"expandable\": 0,\n    \"leaf\": 1\n  }\n]")

	w := g.ask("GET", "/metrics/find?query=odd.üml", "", func(r *http.Request) { r.Header.Del("Accept") })
	assert.Equal(t, `[{"text": "\u00fcml", "id": "odd.\u00fcml", "allowChildren": 0, "expandable": 0, "leaf": 1}]`, w.Body.String())
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
}

func TestFindRefused(t *testing.T) {
	g := newRig(t, site...)
	g.refused("/metrics/find", 400, "Invalid parameters (Missing required parameter 'query')")
	g.refused("/metrics/find?query=", 400, "Invalid parameters (Required parameter 'query' is empty)")
	g.refused("/metrics/find?query=a&format=x", 400, "Invalid value for 'format' parameter")
	g.refused("/metrics/find?query=a&wildcards=x", 400, "Invalid parameters (Invalid int value 'x' for param wildcards: invalid literal for int() with base 10: 'x')")
	g.refused("/metrics/find?query=single&format=nodelist&position=7", 400, "Invalid parameters (there is no part 7 in 'single')")
	g.refused("/metrics/find?query=a&jsonp=alert(1)", 400, "jsonp must be the name of a function")
	g.refused("/metrics/find?query={a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", 400,
		`find "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}": bad pattern: braces with more than 10000 variants`)
}

func TestExpand(t *testing.T) {
	g := newRig(t, site...)
	g.answered("/metrics/expand?query=servers.*.*", `{"results": ["servers.db1.mem", "servers.web1.cpu", "servers.web10.cpu", "servers.web2.cpu"]}`)
	g.answered("/metrics/expand/?query=servers.*&query=odd.*&groupByExpr=1", `{"results": {"servers.*": ["servers.db1", "servers.web1", "servers.web10", "servers.web2"], `+
		`"odd.*": ["odd.100", "odd.at@home", "odd.branch", "odd.pct%41", "odd.plus+x", "odd.with-dash", "odd.üml"]}}`)
	g.answered("/metrics/expand?query=single&query=single&query=both", `{"results": ["both", "single"]}`)
	g.answered("/metrics/expand?query=single&query=single&groupByExpr=1", `{"results": {"single": ["single"]}}`)
	g.answered("/metrics/expand?query=servers.*&leavesOnly=1", `{"results": []}`)
	g.answered("/metrics/expand", `{"results": []}`)
	g.answered("/metrics/expand?groupByExpr=1", `{"results": {}}`)
	assert.Equal(t, `{"results": ["single"]}`, g.ask("POST", "/metrics/expand", "query=single", nil).Body.String())
	assert.Equal(t, 400, g.get("/metrics/expand?query=a&leavesOnly=x").Code)
}

// TestFolderOfTagged: what searches find of a series with tags can be asked for.
func TestFolderOfTagged(t *testing.T) {
	g := newRig(t, "a.b", "disk.used;host=a")
	const file = "_tagged.c7c.482.disk_DOT_used;host=a"
	g.answered("/metrics/find?query=_tagged.*.*.*", `[{"text": "disk_DOT_used;host=a", "id": "_tagged.*.*.disk_DOT_used;host=a", "allowChildren": 0, "expandable": 0, "leaf": 1}]`)
	g.answered("/metrics/expand?query=**&leavesOnly=1", `{"results": ["`+file+`", "a.b"]}`)
	want := `[{"target": "` + file + `", "tags": {"host": "a", "name": "_tagged.c7c.482.disk_DOT_used"}, "datapoints": [[1.5, 1772453340]]}]`
	for _, target := range []string{file, "_tagged.c7c.*.*"} {
		g.answered("/render?format=json&from=-2min&until=-1min&target="+url.QueryEscape(target), want)
	}
	g.answered("/render?format=json&target="+url.QueryEscape("*.*.*.*"), `[]`)
	w := g.get("/metrics/find?query=_tagged.c7c.482.*&format=json")
	assert.Contains(t, w.Body.String(), `"intervals": [{"start": 1772367037.0, "end": 1772453437.0}]`, "a file is as old as its series")
}

func TestIndex(t *testing.T) {
	g := newRig(t, "a.b", "a-b.c", "single", "disk.used;host=a", "ü")
	g.answered("/metrics/index.json", `["_tagged.c7c.482.disk_DOT_used;host=a", "a-b.c", "a.b", "single", "ü"]`)
	g.answered("/metrics/index.json?jsonp=cb&local=1", `cb(["_tagged.c7c.482.disk_DOT_used;host=a", "a-b.c", "a.b", "single", "ü"])`)
}

// TestFindMuch: too many nodes are an error, as many as may be are not.
func TestFindMuch(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 250,001 series")
	}
	g := newRig(t)
	names := make([]string, 250_001)
	for i := range names {
		names[i] = fmt.Sprintf("a%d.b", i)
	}
	g.put(names[:250_000]...)
	w := g.get("/metrics/find?query=*.b&format=json")
	var found []any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &found))
	assert.Len(t, found, 250_000)
	g.put(names[250_000])
	g.refused("/metrics/find?query=*.b", 400, `find "*.b": more matches than the limit`)
}
