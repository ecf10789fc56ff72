package pagetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evil is a text that does something where it is taken for markup, and where it is
// taken for an address.
const evil = `javascript:hit();"'><img src=x onerror=hit()><svg onload=hit()><iframe srcdoc=x>`

// wrong is a target that the server refuses, with evil in it.
var wrong = "noSuch(evil.*.load,'" + strings.ReplaceAll(evil, "'", "") + "')"

// evilName is a node of a name. Our store keeps none that has < in it; a server that
// ours hands on the answers of may.
const evilName = `<img/src=x/onerror=hit()>`

// handOn has the page see names with evilName where the server has HOSTILE.
const handOn = `{
	window.hit = () => window.hits = 1;
	const evil = EVIL, as = new URLSearchParams({a: evil}).toString().slice(2), ask = fetch;
	const tame = s => typeof s === "string" || s instanceof URLSearchParams ? s.toString().replaceAll(as, "HOSTILE") : s;
	window.fetch = async (path, init) => {
		const form = init?.body instanceof URLSearchParams && {"Content-Type": "application/x-www-form-urlencoded"};
		const r = await ask(tame(path), {...init, headers: [...init.headers, ...Object.entries(form || {})], body: tame(init?.body)});
		return r.status === 204 ? r : new Response((await r.text()).replaceAll("HOSTILE", JSON.stringify(evil).slice(1, -1)), {status: r.status, headers: r.headers});
	};
}`

// harmless fails the test when something of what others wrote has become markup,
// script or an address.
func (p *person) harmless(where string) {
	p.t.Helper()
	assert.Equal(p.t, "", value[string](p, `[...document.querySelectorAll("img:not([src='icon.svg']), iframe, [onerror], [onload], [srcdoc], script:not([type=module]), base, style")]
		.concat([...document.querySelectorAll("[href], [src], [action], [formaction]")].filter(e => e.href !== undefined && e.href.baseVal === undefined && !e.href.startsWith(location.origin)))
		.map(e => e.outerHTML.slice(0, 200)).join("\n")`), where)
	assert.Equal(p.t, "undefined", value[string](p, "typeof window.hits"), where)
}

// put asks for a change as a script with the token does.
func (s *server) put(t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	b, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Less(t, answer.StatusCode, 300, "%s", b)
}

// board is a dashboard as it is kept.
func board(t *testing.T, title string, vars []any, panels ...map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"version": 1, "title": title, "vars": vars, "panels": panels})
	require.NoError(t, err)
	return string(b)
}

// TestNothingBecomesMarkup: names, tags, events, dashboards and what is imported,
// wherever they are shown.
func TestNothingBecomesMarkup(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, day("evil.HOSTILE.load", 60, 60, func(i int) float64 { return float64(i) })+
		day("evil.tagged;host=HOSTILE", 60, 60, func(i int) float64 { return float64(i) }))
	s.put(t, "POST", "/events/", fmt.Sprintf(`{"what": %[1]s, "tags": [%[2]s], "data": %[1]s, "when": %[3]d}`, quote(evil), quote(evilName), time.Now().Unix()-60))
	s.put(t, "PUT", "/kv/dashboards/"+url.PathEscape(evil), board(t, evil, []any{map[string]any{"name": "host", "query": "evil.*"}, map[string]any{"name": evil, "query": evil}},
		map[string]any{"title": evil, "targets": []any{"evil.$host.load", 5, nil}, "colors": map[string]any{"evil." + evilName + ".load": evil}, "draw": evil, "bands": map[string]string{"0": evil}},
		map[string]any{"title": evil, "targets": "no list", "x": "a", "y": 1e300, "w": -5, "weeks": []any{1e9, evil}, "right": evil},
		map[string]any{"title": "wrong", "targets": []string{wrong, "evil.*.load"}}))
	p := sit(t, s)
	p.refused = true // of a target
	_, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: strings.Replace(handOn, "EVIL", quote(evilName), 1)})
	require.NoError(t, err)
	p.open("/?tree=evil#token=" + s.token)
	p.text(evilName)
	p.harmless("tree")
	p.keys("/")
	p.sees(`document.activeElement.id === "search"`)
	value[bool](p, `(document.activeElement.value = "", true)`)
	p.keys("evil.")
	p.sees(`document.querySelector("[role=option]")`)
	p.harmless("search")
	p.open("/?" + url.Values{"target": {"evil." + evilName + ".load", "seriesByTag('name=evil.tagged')", wrong, "alias(evil.*.load,'" + strings.ReplaceAll(evil, "'", "") + "')"},
		"table": {"1"}, "events": {"*"}, "tz": {evil}, "from": {"-1h"}, "hide": {evil}, "color": {evil + ":" + evil}, "band": {"0:" + evil}}.Encode())
	p.drawn()
	p.text(evilName)
	p.sees(`document.querySelector(".events b").textContent === ` + quote(evil))
	p.text("unknown function: noSuch")
	p.sees(`document.querySelector(".values")`)
	p.harmless("explore")
	p.shot("hostile-explore")

	p.open("/?" + url.Values{"dashboard": {evil}, "from": {"-1h"}, "events": {"*"}, "var-host": {evilName}}.Encode())
	p.drawn()
	p.sees(`document.querySelectorAll(".cell").length === 3 && document.querySelector("h1").textContent === ` + quote(evil))
	p.sees(`document.querySelector(".faults code")?.textContent === ` + quote(wrong)) // which target is wrong
	p.sees(`[...document.querySelectorAll("option")].some(o => o.value === ` + quote(evilName) + ")")
	p.harmless("dashboard")
	p.shot("hostile-dashboard")
	p.press("rename…")
	p.sees(`document.activeElement.matches("dialog input")`)
	p.harmless("rename")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)
	p.press("delete")
	p.sees(`document.querySelector("dialog[open]")`)
	p.harmless("delete")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)
	p.press("dashboards")
	p.sees(`[...document.querySelectorAll("dialog li")].some(l => l.innerText.includes("javascript:"))`)
	p.harmless("list")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)

	file := filepath.Join(t.TempDir(), "evil.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"state": {"name": `+quote(evil)+`, "timeConfig": {"type": "relative", "relativeStartQuantity": `+quote(evil)+`}, "graphs": [
		[`+quote(evil)+`, {"target": [`+quote(evil)+`, `+quote("secondYAxis("+evil+")")+`], "title": `+quote(evil)+`, `+quote(evil)+`: 1, "__proto__": {"polluted": 1}, "areaMode": "constructor"}, `+quote(evil)+`],
		[{"target": {"a": 1}}], [], null, 5, "text"]}}`), 0o600))
	p.brings(file, "")
	p.sees(`document.querySelectorAll(".cell").length === 6`)
	p.text("imported, not saved; without __proto__, javascript:hit()")
	p.harmless("import")
	assert.True(t, value[bool](p, "({}).polluted === undefined"))
	p.press("dashboards")
	p.press("import…")
	p.sees(`document.activeElement.matches("dialog textarea")`)
	p.keys(evil + kb.Tab + "x" + kb.Enter)
	p.text("this is no JSON")
	p.harmless("a wrong import")
}

// TestNothingHoldsThePageUp: a dashboard that would take for ever to lay out.
func TestNothingHoldsThePageUp(t *testing.T) {
	t.Parallel()
	s := start(t)
	far := make([]map[string]any, 900)
	for i := range far {
		far[i] = map[string]any{"targets": []string{"a"}, "y": 1e9, "w": 12, "h": 1e9}
	}
	s.put(t, "PUT", "/kv/dashboards/far", board(t, "", nil, far...))
	s.put(t, "PUT", "/kv/dashboards/many", board(t, "", nil, append(far, far...)...))
	s.put(t, "PUT", "/kv/dashboards/none", `[]`)
	p := sit(t, s)
	p.open("/?dashboard=far")
	p.sees(`document.querySelectorAll(".cell").length === 900`)
	p.open("/?dashboard=many")
	p.text("this has more than 1000 graphs or variables")
	p.open("/?dashboard=none")
	p.text("this is no dashboard of logmetrics")
}
