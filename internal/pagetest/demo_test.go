package pagetest_test

import (
	"bufio"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// demo runs make demo's server until the test ends, and returns it and the path
// that it prints for the browser.
func demo(t *testing.T) (s *server, path string) {
	t.Helper()
	bin, err := filepath.Abs(program(t, "logmetrics"))
	require.NoError(t, err)
	cmd := exec.Command(program(t, "demo"), "-serve", bin)
	var complaint strings.Builder
	cmd.Dir, cmd.Stderr = root, &complaint
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewScanner(out)
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		for said.Scan() {
		}
		assert.NoError(t, cmd.Wait(), complaint.String())
	})
	for said.Scan() {
		u, err := url.Parse(strings.TrimSpace(said.Text()))
		if err != nil || u.Fragment == "" {
			continue
		}
		token, err := url.QueryUnescape(strings.TrimPrefix(u.EscapedFragment(), "token="))
		require.NoError(t, err)
		return &server{url: u.Scheme + "://" + u.Host, token: token}, u.RequestURI() + "#" + u.EscapedFragment()
	}
	require.FailNow(t, "no address", "%v %s", said.Err(), complaint.String())
	return nil, ""
}

// number returns a parameter of the address.
func (p *person) number(name string) float64 {
	p.t.Helper()
	n, err := strconv.ParseFloat(value[string](p, fmt.Sprintf("new URLSearchParams(location.search).get(%q) || 'none'", name)), 64)
	require.NoError(p.t, err)
	return n
}

// legend waits until a graph of the dashboard tells of these series, all with values.
func (p *person) legend(graph string, names ...string) {
	p.t.Helper()
	for _, name := range names {
		p.sees(fmt.Sprintf(`[...document.querySelectorAll('[aria-label=%q].cell .legend tr')].some(r => r.querySelector(".name")?.innerText === %q && [...r.querySelectorAll("td")].some(d => /\d/.test(d.innerText)))`, graph, name))
	}
}

// TestStrangersMinute: what somebody does who has typed make demo and opens the
// address.
func TestStrangersMinute(t *testing.T) {
	t.Parallel()
	s, path := demo(t)
	p := sit(t, s)
	p.do(chromedp.EmulateViewport(1180, 1085, chromedp.EmulateScale(1.4))) // as large as the README's picture
	p.open(path)
	p.drawn()
	p.legend("Mail in an hour", "sent", "deferred", "bounced")
	p.legend("Delay of mail in an hour, s", "delay")
	p.legend("Requests in an hour, by status", "2xx", "3xx", "4xx", "5xx")
	p.legend("Bytes in an hour", "bytes")
	p.legend("Mail sent in an hour, and a week before", "sent", "sent, a week before")
	p.keepsPicture(root + "docs/demo.png")

	// The relay's outage of the second Wednesday: zoom in, by mouse.
	const from, until = 1773212400, 1773262800 // 2026-03-11 07:00 to 21:00
	first, last := p.number("from"), p.number("until")
	at := p.find(`[aria-label="Mail in an hour"].cell .u-over`)
	x := func(t float64) float64 { return at.X + at.W*(t-first)/(last-first) }
	p.drag(x(from), at.Y+at.H/2, x(until), at.Y+at.H/2)
	p.sees(fmt.Sprintf(`(q => Math.abs(q.get("from") - %d) < 4000 && Math.abs(q.get("until") - %d) < 4000)(new URLSearchParams(location.search))`, from, until))
	p.drawn()
	zoomed := [2]float64{p.number("from"), p.number("until")}
	p.shot("demo-zoomed")

	// The week before, beside it.
	p.press("change Mail in an hour")
	p.drawn()
	p.choose("comparison", "1")
	p.text("deferred, a week before")
	p.drawn()
	p.keepsPicture(root + "docs/page-explore.png")
	value[bool](p, "(history.back(), true)")
	value[bool](p, "(history.back(), true)")
	p.param("dashboard", "mail and web")
	p.drawn()

	// It is arranged, and kept under a name.
	p.press("remove Bytes in an hour")
	p.press("save as…")
	p.answer("my mail" + kb.Enter)
	p.param("dashboard", "my mail")
	p.drawn()

	// Somebody else opens the link.
	link := value[string](p, "location.pathname + location.search + location.hash")
	require.NotContains(t, link, s.token)
	o := sit(t, s)
	o.refused = true
	o.size(1180, 1085)
	o.open(link)
	o.drawn()
	o.lie(value[string](p, cells))
	o.legend("Mail in an hour", "sent", "deferred", "bounced")
	assert.Equal(t, zoomed, [2]float64{o.number("from"), o.number("until")})
	assert.Equal(t, value[string](p, "document.querySelector('.dashboard').innerText"), value[string](o, "document.querySelector('.dashboard').innerText"))
	o.prefers("dark")
	o.sees(`document.documentElement.dataset.theme === "dark"`)
	o.keepsPicture(root + "docs/page-dark.png")
	o.size(390, 844)
	o.keepsPicture(root + "docs/page-phone.png")
	o.size(1180, 1085)
	o.press("remove Delay of mail in an hour, s") // but may not change it
	o.press("save")
	o.text("this needs the token")
	p.calm()
}
