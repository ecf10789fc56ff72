package pagetest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// findings are what axe-core calls serious or critical, one a line, by all its
// rules or some.
const findings = `(window.axeSays = undefined, axe.run(document, {resultTypes: ["violations"], ...%s}).then(
	r => window.axeSays = r.violations.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.nodes.slice(0, 4).map(n => n.target + " " + n.any.map(a => a.message)).join("; ")).join("\n"),
	e => window.axeSays = String(e)), true)`

// TestAccessible: axe-core finds nothing serious on any view; in the dark colours
// alone are another matter.
func TestAccessible(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(testutil.Peer(t, "axe-core"))
	require.NoError(t, err)
	s := web(t)
	s.put(t, "PUT", "/kv/dashboards/ops", board(t, "", []any{map[string]string{"name": "host", "query": "servers.*"}},
		map[string]any{"title": "Load", "targets": []string{"servers.$host.load", "noSuch(servers.web1.load)"}},
		map[string]any{"title": "Requests", "targets": []string{"servers.$host.requests"}, "draw": "stack"}, map[string]any{"title": "Nothing", "targets": []string{"a.b"}}))
	for scheme, rules := range map[string]string{"light": "{}", "dark": `{runOnly: ["color-contrast"]}`} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			p := sit(t, s)
			p.refused = true // of a target
			p.prefers(scheme)
			check := func(what string) {
				t.Helper()
				value[bool](p, "("+fmt.Sprintf(findings, rules)+")")
				p.sees("window.axeSays !== undefined")
				assert.Empty(t, value[string](p, "window.axeSays"), what)
			}
			p.open("/?target=servers.*.load&target=servers.web1.requests&hide=servers.web2.load&tree=servers")
			p.drawn()
			value[bool](p, string(script)+"\n;true")
			check("explore")
			p.keys("?")
			p.sees(`document.querySelector("dialog[open]")`)
			check("keys")
			p.keys(kb.Escape)
			p.sees(`!document.querySelector("dialog")`)
			p.keys("d")
			p.sees(`document.querySelector("dialog li")`)
			check("dashboards")
			p.press("import…")
			p.sees(`document.activeElement.matches("dialog textarea")`)
			p.keys("{" + kb.Tab + "x" + kb.Enter)
			p.text("this is no JSON")
			check("an import")
			p.press("back")
			p.press("ops")
			p.param("dashboard", "ops")
			p.drawn()
			p.text("unknown function")
			p.press("remove Nothing")
			p.text("not saved")
			check("a dashboard")
			p.press("save as…")
			p.sees(`document.activeElement.matches("dialog input")`)
			check("a question")
			p.keys(kb.Escape)
			p.sees(`!document.querySelector("dialog")`)
			p.press("full screen Load")
			p.param("full", "0")
			p.drawn()
			check("one graph")
			p.keys(kb.Escape)
			p.param("full", "")
			p.press("full screen")
			p.param("full", "all")
			p.drawn()
			check("full screen")
		})
	}
}
