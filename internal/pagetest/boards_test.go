package pagetest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brings imports a file, under the name that is in it or another.
func (p *person) brings(path, as string) {
	p.t.Helper()
	p.press("dashboards")
	p.press("import…")
	p.sees(`document.querySelector("input[type=file]")`)
	path, err := filepath.Abs(path)
	require.NoError(p.t, err)
	p.do(chromedp.SetUploadFiles("input[type=file]", []string{path}))
	p.sees(`document.querySelector("dialog textarea").value`)
	if as != "" {
		value[bool](p, `(document.querySelector("dialog input[name=name]").focus(), document.activeElement.select(), true)`)
		p.keys(as)
	}
	p.press("import")
}

// TestTwoSaveTheSameDashboard: the second is told, and chooses.
func TestTwoSaveTheSameDashboard(t *testing.T) {
	t.Parallel()
	s := web(t)
	one := two(t, s)
	other := sit(t, s)
	other.refused = true
	other.open("/?dashboard=ops#token=" + s.token)
	other.lie("[[0,0,6,4],[0,4,6,4]]")
	other.press("remove servers.web1.load")
	other.lie("[[0,0,6,4]]")

	one.press("rename servers.web1.load")
	one.answer("Load" + kb.Enter)
	one.press("save")
	one.saved()

	other.press("save")
	other.text("Somebody else has changed ops since you opened it")
	other.shot("conflict")
	other.press("take that one")
	other.lie("[[0,0,6,4],[0,4,6,4]]")
	other.text("Load")
	other.press("remove Load")
	other.press("save")
	other.saved()

	one.refused = true
	one.press("rename Load")
	one.answer("Mine" + kb.Enter)
	one.press("save")
	one.press("overwrite")
	one.saved()
	other.open("/?dashboard=ops")
	other.text("Mine")

	other.press("delete")
	other.sees(`document.querySelector("dialog .danger") === document.activeElement`)
	other.keys(kb.Enter)
	other.param("dashboard", "")
	one.press("rename Mine")
	one.answer("Still mine" + kb.Enter)
	one.press("save")
	one.text("Somebody else has changed ops") // away is changed, too
	one.press("cancel")
	one.press("save as…")
	one.answer("mine" + kb.Enter)
	one.param("dashboard", "mine")
	one.text("Still mine")
}

// TestNamesAreOdd: names that addresses, proxies and markup have other uses for.
// Behind a proxy, which unescapes them.
func TestNamesAreOdd(t *testing.T) {
	t.Parallel()
	p := two(t, behind(t, web(t)))
	p.refused = true
	for _, name := range []string{"100% of a/b & c?d=#e", `ä "quoted" <b>\n</b>'+;`, "日本/..x/.y"} {
		p.press("rename…")
		p.answer(name + kb.Enter)
		p.param("dashboard", name)
		p.sees(`document.querySelectorAll(".cell").length === 2`)
		p.sees("document.querySelector('h1').innerText === " + quote(name))
		p.open("/" + value[string](p, "location.search"))
		p.sees(`document.querySelectorAll(".cell").length === 2`)
	}
	p.press("save as…")
	for name, says := range map[string]string{"..": "something else than . or ..", "a//b": "something else", "template:x": "do not begin with", strings.Repeat("long", 51): "200 bytes"} {
		p.sees(`document.activeElement.matches("dialog input")`)
		value[bool](p, "(document.activeElement.select(), true)")
		p.keys(name + kb.Enter)
		p.text(says)
	}
	value[bool](p, "(document.activeElement.select(), true)")
	p.keys(strings.Repeat("long", 50) + kb.Enter)
	p.param("dashboard", strings.Repeat("long", 50))
	p.sees(`document.querySelectorAll(".cell").length === 2`)
	p.shot("long-name")
	assert.LessOrEqual(t, value[float64](p, "document.documentElement.scrollWidth"), 1280.0, "nothing is wider than the window")
	p.press("variable…")
	p.answer(strings.Repeat("variable", 8) + "=servers.*" + kb.Enter)
	p.sees(`document.querySelector(".variable")`)
	p.size(360, 640)
	assert.LessOrEqual(t, value[float64](p, "document.documentElement.scrollWidth"), 360.0, "nor than a phone")
	p.size(1280, 800)
	p.press("discard")
	p.press("save as…")
	p.answer("日本/..x/.y" + kb.Enter)
	p.text("there is already a dashboard 日本")
	p.keys(kb.Escape)
	p.sees(`!document.querySelector("dialog")`)
	p.keys("d")
	p.sees(`document.querySelector("dialog ul").children.length === 2`)
	p.shot("list")
	p.sees(`document.activeElement.name === "name"`)
	p.keys("日")
	p.sees(`document.querySelector("dialog ul").children.length === 1`)
	p.press("日本/..x/.y")
	p.param("dashboard", "日本/..x/.y")
	p.sees(`document.querySelectorAll(".cell").length === 2`)
}

// TestWhatIsNotSavedStays: until the page goes.
func TestWhatIsNotSavedStays(t *testing.T) {
	t.Parallel()
	p := two(t, web(t))
	const kept = `dispatchEvent(new Event("beforeunload", {cancelable: true}))` // what the browser asks before it leaves
	assert.True(t, value[bool](p, kept))
	p.press("remove servers.web1.load")
	p.lie("[[0,0,6,4]]")
	assert.False(t, value[bool](p, kept))
	p.press("explore")
	p.text("Choose a metric")
	assert.False(t, value[bool](p, kept))
	p.press("dashboards")
	p.text("not saved")
	p.press("ops")
	p.lie("[[0,0,6,4]]")
	p.text("not saved")
	value[bool](p, "(history.back(), history.back(), true)") // where it was, too
	p.lie("[[0,0,6,4]]")
	p.press("discard")
	p.lie("[[0,0,6,4],[0,4,6,4]]")
	assert.True(t, value[bool](p, kept))
}

func TestDashboardIsExportedAndImported(t *testing.T) {
	t.Parallel()
	p := two(t, web(t))
	dir := t.TempDir()
	_, err := chromedp.Call(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
		BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID})
	require.NoError(t, err)
	p.press("export")
	own := filepath.Join(dir, "ops.json")
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(own)
		return err == nil && json.Valid(b) && !strings.Contains(string(b), `"id"`)
	}, patience, patience/200)

	p.brings(own, "again")
	p.param("dashboard", "again")
	p.lie("[[0,0,6,4],[0,4,6,4]]")
	p.text("imported, not saved")
	p.press("save")
	p.saved()

	p.brings("testdata/graphite-web.json", "")
	p.param("dashboard", "web.overview")
	p.param("from", "-2h")
	p.lie("[[0,0,6,4],[6,0,6,4],[0,4,6,4]]")
	p.text("imported, not saved; without lineMode, vtitle, yMax")
	p.drawn()
	p.sees(`[...document.querySelectorAll(".legend .name")].map(n => n.innerText).join() === "one,two,servers.web3.load,servers.web3.requests,all requests"`)
	p.press("change Load and requests")
	p.sees(`JSON.stringify(["target", "right", "draw", "scale"].map(k => new URLSearchParams(location.search).getAll(k))) === '[["servers.web3.load","servers.web3.requests"],["1"],[],["log"]]'`)
	value[bool](p, "(history.back(), true)")
	p.press("save")
	p.saved()
	p.shot("imported")

	p.brings("testdata/graphite-web-template.json", "")
	p.param("dashboard", "host")
	p.param("from", "-3d")
	p.lie("[[0,0,6,4],[6,0,6,4]]")
	p.choose("$value", "web2")
	p.drawn()
	p.text("servers.web2.load")
	p.press("change $value: load")
	p.param("target", "servers.$value.load")
}

// TestImportSaysWhatIsWrong, and what is too large is said before it is sent.
func TestImportSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := web(t)
	p := sit(t, s)
	p.open("/#token=" + s.token)
	p.press("dashboards")
	p.press("import…")
	p.sees(`document.activeElement.matches("dialog textarea")`)
	for text, says := range map[string]string{"{": "this is no JSON", `{"panels": 3}`: "this is no dashboard of logmetrics or graphite-web"} {
		value[bool](p, "(document.activeElement.select(), true)")
		p.keys(text + kb.Tab + "x" + kb.Enter)
		p.text(says)
		value[bool](p, `(document.querySelector("dialog input[name=name]").value = "", document.querySelector("dialog textarea").focus(), true)`)
	}
	p.shot("import")
	p.keys(kb.Escape)
	big := filepath.Join(t.TempDir(), "big.json")
	require.NoError(t, os.WriteFile(big, []byte(`{"version": 1, "panels": [{"title": "`+strings.Repeat("ä", 150<<10)+`"}]}`), 0o600))
	p.brings(big, "big")
	p.text("imported, not saved")
	p.press("save")
	p.text("not saved: this is too large to keep: 301 KiB, of 256 KiB at most")
}
