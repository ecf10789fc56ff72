package pagetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// patience is how long a person waits for something to be seen.
const patience = 40 * time.Second

// server is a real one with series in it.
type server struct{ url, token, carbon, statsd string }

// start runs a server until the test ends.
func start(t testing.TB) *server {
	t.Helper()
	return startWith(t, serve.Options{HTTP: "127.0.0.1:0", Carbon: "127.0.0.1:0"})
}

// startWith runs one with options, in a directory of its own.
func startWith(t testing.TB, opt serve.Options) *server {
	t.Helper()
	opt.Data = t.TempDir()
	s, err := serve.Open(opt)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
	r := &server{}
	for _, a := range s.Addresses() {
		switch a.Name {
		case "carbon-tcp":
			r.carbon = a.Address
		case "statsd-udp":
			r.statsd = a.Address
		}
	}
	r.url, r.token = s.URL()
	return r
}

// send sends carbon's lines, and waits until all are taken.
func (s *server) send(t testing.TB, lines string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.carbon)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(lines))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.Copy(io.Discard, conn) // it closes when it has taken all
	require.NoError(t, err)
}

// day are lines of a series: n points, step seconds apart, until now.
func day(name string, n, step int, value func(i int) float64) string {
	var b strings.Builder
	now := time.Now().Unix()
	for i := range n {
		fmt.Fprintf(&b, "%s %v %d\n", name, value(i), now-int64((n-1-i)*step))
	}
	return b.String()
}

// chromium is the browser that all persons use, each with a window and a memory of its
// own: to start one takes longer than most tests. TestMain ends it.
var chromium context.Context

// begun starts it for the first of them.
var begun = sync.OnceValue(func() error { return chromedp.Do(chromium) })

func TestMain(m *testing.M) {
	os.Exit(withBrowser(func() int { return withPrograms(m.Run) }))
}

func withBrowser(run func() int) int {
	path, _ := exec.LookPath("chromium") // where there is none, sit says so
	ctx, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-GB"))
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	chromium = ctx
	return run()
}

// person uses a browser.
type person struct {
	t   testing.TB
	ctx context.Context
	s   *server

	mu      sync.Mutex
	console []string // errors that the browser showed
	abroad  []string // what it asked of anybody but the server
	refused bool     // the test has the server refuse something, which a browser shows, too
}

// sit opens a window, which is closed with the test.
func sit(t testing.TB, s *server) *person {
	t.Helper()
	testutil.Peer(t, "chromium")
	require.NoError(t, begun())
	ctx, cancel := context.WithTimeout(chromium, 3*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	p := &person{t: t, ctx: ctx, s: s}
	p.size(1280, 800)
	_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(t, err)
	go p.read(chromedp.Console(ctx))
	require.NoError(t, chromedp.Listen(ctx, p.asks))
	t.Cleanup(p.calm)
	return p
}

// asks keeps what the browser asks of others than the server.
func (p *person) asks(event any) {
	e, ok := event.(*network.EventRequestWillBeSent)
	if !ok || strings.HasPrefix(e.Request.URL, p.s.url+"/") || strings.HasPrefix(e.Request.URL, "data:") || strings.HasPrefix(e.Request.URL, "blob:"+p.s.url) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abroad = append(p.abroad, e.Request.URL)
}

// read keeps what the console shows of errors.
func (p *person) read(messages func(func(chromedp.ConsoleMessage, error) bool)) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if m.Type == chromedp.ConsoleException || m.Type == "error" {
			p.mu.Lock()
			p.console = append(p.console, m.Text)
			p.mu.Unlock()
		}
	}
}

// calm fails the test, at its end at the latest, if the browser showed an error or
// asked anybody but the server.
func (p *person) calm() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	errors := p.console
	if p.refused {
		errors = slices.DeleteFunc(errors, func(s string) bool {
			return strings.HasPrefix(s, "Failed to load resource: the server responded with a status of 4")
		})
	}
	assert.Empty(p.t, errors, "errors in the console")
	assert.Empty(p.t, p.abroad, "asked elsewhere")
}

// said returns what the page said in the console.
func (p *person) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.console)
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, steps...))
}

// size makes the window so large.
func (p *person) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// dark has the system prefer dark, or light.
func (p *person) prefers(scheme string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	require.NoError(p.t, err)
}

// open goes to an address of the page.
func (p *person) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.s.url + path))
	p.sees("document.querySelector('header.top') && document.querySelector('[role=treeitem], .dashboard')")
}

// value returns what JavaScript says.
func value[T any](p *person, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	require.NoError(p.t, err, js)
	return v
}

// sees waits until a condition of JavaScript holds. The page looks by itself, at
// each frame; when it goes to another page meanwhile, that one is asked.
func (p *person) sees(js string) {
	p.t.Helper()
	look := fmt.Sprintf(`new Promise(done => {
		const end = performance.now() + 2000, look = () => { try { if (%s) return done(true) } catch {} performance.now() > end ? done(false) : requestAnimationFrame(look) };
		look() })`, js)
	end := time.Now().Add(patience)
	for {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](look, chromedp.EvalAwaitPromise))
		if err == nil && ok {
			return
		}
		if time.Now().After(end) {
			require.FailNow(p.t, "not seen", "%s (%v)\nconsole: %q\naddress: %s\npage: %.2000s", js, err, p.said(), value[string](p, "location.href"), value[string](p, "(document.querySelector('dialog[open]') || document.querySelector('.body') || document.body).innerText"))
		}
	}
}

// text waits until the page shows a text.
func (p *person) text(s string) {
	p.t.Helper()
	p.sees("document.body.innerText.includes(" + quote(s) + ")")
}

// place is where an element is.
type place struct{ X, Y, W, H float64 }

// find returns where the element is that a selector finds, in sight.
func (p *person) find(selector string) place {
	p.t.Helper()
	q := "document.querySelector(" + quote(selector) + ")"
	p.sees(q)
	value[bool](p, "("+q+`.scrollIntoView({block: "nearest", inline: "nearest"}), true)`)
	at := value[[]float64](p, "(r => [r.x, r.y, r.width, r.height])("+q+".getBoundingClientRect())")
	return place{at[0], at[1], at[2], at[3]}
}

// click presses the mouse on the middle of what a selector finds.
func (p *person) click(selector string) {
	p.t.Helper()
	at := p.find(selector)
	p.do(chromedp.MouseClickXY(at.X+at.W/2, at.Y+at.H/2))
}

// press clicks the button that has this text or label.
func (p *person) press(name string) {
	p.t.Helper()
	p.sees(`(window.theButton = [...document.querySelectorAll("button, a, [role=treeitem]")].find(b => b.offsetParent !== null && (b.getAttribute("aria-label") || b.querySelector(".text")?.innerText || b.innerText || b.title).trim() === ` + quote(name) + `))`)
	value[bool](p, `(theButton.scrollIntoView({block: "nearest"}), true)`)
	p.sees(`(at => { const rests = window.theSpot === at; window.theSpot = at; return rests })(JSON.stringify(theButton.getBoundingClientRect())) &&
		!document.querySelector("dialog")?.innerText.includes("loading")`) // what comes moves what is there
	at := value[[]float64](p, "(r => [r.x + r.width / 2, r.y + r.height / 2])(theButton.getBoundingClientRect())")
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// keys presses keys one after the other.
func (p *person) keys(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys, asKeyboard))
}

// asKeyboard makes events of keys those of a keyboard: a key whose meaning the page takes away writes no character. As they come
// from chromedp, that was written into the field that the key brought.
func asKeyboard(e *input.DispatchKeyEventParams) {
	if e.Type == input.DispatchKeyEventTypeKeyDown {
		e.Type = input.DispatchKeyEventTypeRawKeyDown
	}
}

// choose takes an option of a select, as its user does.
func (p *person) choose(label, option string) {
	p.t.Helper()
	q := fmt.Sprintf("document.querySelector('select[aria-label=%q]')", label)
	p.sees(q)
	p.sees(fmt.Sprintf(`[...%s.options].some(o => o.value === %q)`, q, option))
	value[bool](p, fmt.Sprintf(`(s => { s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true})); return true })(%s)`, option, q))
}

// param waits until the address says so.
func (p *person) param(name, want string) {
	p.t.Helper()
	p.sees(fmt.Sprintf("(new URLSearchParams(location.search).get(%s) || '') === %s", quote(name), quote(want)))
}

// drawn waits until a graph is drawn and nothing is under way.
func (p *person) drawn() {
	p.t.Helper()
	p.sees(`document.querySelector(".plot canvas") && !document.querySelector("[aria-busy=true]")`)
}

// shot keeps a picture of the window: in $LOGMETRICS_SHOTS, if that is set.
func (p *person) shot(name string) {
	p.t.Helper()
	b, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	assert.Greater(p.t, len(b), 5000, "an empty picture")
	if dir := os.Getenv("LOGMETRICS_SHOTS"); dir != "" {
		require.NoError(p.t, os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644))
	}
}

// drag presses the mouse at one place and lets it go at another.
func (p *person) drag(fromX, fromY, toX, toY float64) {
	p.t.Helper()
	p.do(chromedp.DragAndDropXY(fromX, fromY, toX, toY, 5))
}

// quote writes a text as JavaScript has it.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string is always one of JSON
	return string(b)
}

// The keys that are held while the mouse is used.
const (
	ctrl  = 2
	shift = 8
)

// mouse does one thing with the mouse at a place, while keys are held.
func (p *person) mouse(kind input.DispatchMouseEventType, x, y float64, held int64, more ...func(*input.DispatchMouseEventParams)) {
	p.t.Helper()
	m := input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Modifiers: held}
	if kind != chromedp.MouseWheel {
		m.Button, m.ClickCount = input.MouseButtonLeft, 1
	}
	if kind == chromedp.MouseMoved && len(more) == 0 {
		m.Button = input.MouseButtonNone
	}
	for _, f := range more {
		f(&m)
	}
	_, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, m)
	require.NoError(p.t, err)
}

// hover moves the mouse to a place of a graph, as shares of its width and height,
// and returns the place.
func (p *person) hover(plot string, across, down float64) (x, y float64) {
	p.t.Helper()
	at := p.find(plot + " .u-over")
	x, y = at.X+at.W*across, at.Y+at.H*down
	p.mouse(chromedp.MouseMoved, x-2, y, 0)
	p.mouse(chromedp.MouseMoved, x, y, 0)
	return x, y
}

// pan drags a graph with Shift held, by a share of its width.
func (p *person) pan(across float64) {
	p.t.Helper()
	at := p.find(".plot .u-over")
	x, y, by := at.X+at.W/2, at.Y+at.H/2, at.W*across
	held := func(m *input.DispatchMouseEventParams) { m.Buttons = 1 }
	p.mouse(chromedp.MousePressed, x, y, shift, held)
	for i := range 5 {
		p.mouse(chromedp.MouseMoved, x+by*float64(i+1)/5, y, shift, held)
	}
	p.mouse(chromedp.MouseReleased, x+by, y, shift)
}

// ink returns how many pixels of a graph are of about a colour, #rrggbb, with an
// opacity from 0 to 255 in [low,high].
func (p *person) ink(color string, low, high int) int {
	p.t.Helper()
	return int(value[float64](p, fmt.Sprintf(`(c => { const want = %q.match(/[0-9a-f]{2}/gi).map(h => parseInt(h, 16));
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		let n = 0;
		for (let i = 0; i < d.length; i += 4) if (d[i+3] >= %d && d[i+3] <= %d && want.every((v, k) => Math.abs(d[i+k] - v) < 8)) n++;
		return n })(document.querySelector(".plot canvas"))`, color, low, high)))
}

// picture is what a graph shows.
func (p *person) picture() string {
	p.t.Helper()
	return value[string](p, `document.querySelector(".plot canvas").toDataURL()`)
}

// span returns the range that the address says, in seconds before now.
func (p *person) span() (from, until float64) {
	p.t.Helper()
	p.sees(`/^\d+$/.test(new URLSearchParams(location.search).get("from"))`)
	r := value[[]float64](p, `(q => [q.get("from"), q.get("until")].map(t => Date.now() / 1000 - t))(new URLSearchParams(location.search))`)
	return r[0], r[1]
}

// script loads a module of the page as m and returns what an expression makes of it.
func script[T any](p *person, module, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](fmt.Sprintf("import(%q).then(async m => %s)", module, js), chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, js)
	return v
}
