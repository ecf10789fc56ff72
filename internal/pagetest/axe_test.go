package pagetest_test

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// findings are what axe-core calls serious or critical, one a line.
const findings = `(window.axeSays = undefined, axe.run(document, {resultTypes: ["violations"]}).then(
	r => window.axeSays = r.violations.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.nodes.slice(0, 4).map(n => n.target + " " + n.any.map(a => a.message)).join("; ")).join("\n"),
	e => window.axeSays = String(e)), true)`

// TestAccessible: axe-core finds nothing serious on any view, light or dark.
func TestAccessible(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(testutil.Peer(t, "axe-core"))
	require.NoError(t, err)
	p := two(t, web(t))
	check := func(what string) {
		t.Helper()
		value[bool](p, "("+findings+")")
		p.sees("window.axeSays !== undefined")
		assert.Empty(t, value[string](p, "window.axeSays"), what)
	}
	for _, scheme := range []string{"light", "dark"} {
		p.prefers(scheme)
		p.open("/?target=servers.*.load&target=servers.web1.requests&hide=servers.web2.load&tree=servers")
		p.drawn()
		value[bool](p, string(script)+"\n;true")
		check(scheme + ", explore")
		p.keys("?")
		p.sees(`document.querySelector("dialog[open]")`)
		check(scheme + ", keys")
		p.keys(kb.Escape)
		p.sees(`!document.querySelector("dialog")`)
		p.keys("d")
		p.press("ops")
		p.param("dashboard", "ops")
		p.drawn()
		check(scheme + ", dashboard")
		p.press("save as…")
		p.sees(`document.activeElement.matches("dialog input")`)
		check(scheme + ", a question")
	}
}
