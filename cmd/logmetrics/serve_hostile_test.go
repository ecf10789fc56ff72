package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

var hostileSeed = flag.Uint64("serve-seed", 0, "of what hostile clients send; 0: by the clock")

// hostile are clients that do harm, each in a way of its own, until done.
type hostile struct {
	b       *backend
	seed    uint64
	marker  string // a file that would be there if a pickle had been executed
	done    chan struct{}
	clients sync.WaitGroup
	visits  atomic.Int64
	replies atomic.Int64 // bytes that came back over UDP
}

// attack does something over and over, with randomness of its own.
func (h *hostile) attack(do func(r *rand.Rand)) {
	h.seed++
	r := rand.New(rand.NewPCG(h.seed, 0))
	h.clients.Go(func() {
		for {
			select {
			case <-h.done:
				return
			default:
				do(r)
				h.visits.Add(1)
			}
		}
	})
}

// tcp connects, sends as much as is taken within a second, and goes away.
func (h *hostile) tcp(source, text string) {
	conn, err := net.Dial("tcp", h.b.at(source))
	if err != nil {
		return // the ports of loopback are few
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = io.WriteString(conn, text)
	}
}

// udp sends datagrams, and counts what comes back.
func (h *hostile) udp(source string, datagrams ...string) {
	conn, err := net.Dial("udp", h.b.at(source))
	if err != nil {
		return
	}
	defer conn.Close()
	for _, d := range datagrams {
		_, _ = io.WriteString(conn, d)
	}
	if conn.SetReadDeadline(time.Now().Add(2*time.Millisecond)) == nil {
		n, _ := conn.Read(make([]byte, 1500))
		h.replies.Add(int64(n))
	}
}

// hostileNames would be something else wherever a name is taken for more than one.
var hostileNames = []string{"../../etc/passwd", "/etc/passwd", "<script>alert(1)</script>", "a\x00b", "a;b=../..", "good.s1 9 9", "good.s1:9|c", "a..b", "..", "$(id)", "`id`", "'--", "\x1b[2J", "a;b", ";", "a{b=\"c\"}", "%00", "\xff\xfe"}

// noise is bytes of which many mean something to some protocol.
func noise(r *rand.Rand, n int) string {
	const special = "\n\n  .;={}\"\\-+eE0123456789|:@#,\x00\xff\r\t()[]lStaIF'"
	b := make([]byte, n)
	for i := range b {
		if b[i] = special[r.IntN(len(special))]; r.IntN(8) == 0 {
			b[i] = byte(r.Uint32())
		}
	}
	return string(b)
}

// attackLines sends to all ports of lines.
func (h *hostile) attackLines() {
	name := func(r *rand.Rand) string { return hostileNames[r.IntN(len(hostileNames))] }
	h.attack(func(*rand.Rand) { h.tcp("carbon-tcp", strings.Repeat("a", 1<<20)) })
	h.attack(func(r *rand.Rand) { h.tcp("carbon-tcp", noise(r, 1<<16)) })
	h.attack(func(*rand.Rand) { h.tcp("carbon-tcp", "POST /write HTTP/1.1\r\n\r\ngood.s1 9 9\n") })
	h.attack(func(r *rand.Rand) { h.tcp("carbon-tcp", fmt.Sprintf("%s 9 %d\n", name(r), time.Now().Unix())) })
	h.attack(func(r *rand.Rand) { h.tcp("statsd-tcp", noise(r, 1<<12)+"\n"+name(r)+":9|c\n") })
	h.attack(func(r *rand.Rand) { h.udp("statsd-udp", noise(r, 1400), name(r)+":9|c", name(r)+":9|ms|#a:"+name(r)) })
	h.attack(func(r *rand.Rand) { h.udp("carbon-udp", noise(r, 60_000), name(r)+" 9 -1") })
	h.attack(func(r *rand.Rand) { h.udp("influx-udp", noise(r, 9000), name(r)+",t="+name(r)+" value=9") })
	h.attack(func(r *rand.Rand) { // names without end
		var text strings.Builder
		for range 1000 {
			fmt.Fprintf(&text, "flood.%x 1 -1\n", r.Uint64())
		}
		h.tcp("carbon-tcp", text.String())
	})
}

// attackPickles sends what Python would execute, or take much memory for.
func (h *hostile) attackPickles() {
	bodies := []string{
		"cos\nsystem\n(S'touch " + h.marker + "'\ntR.",
		"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + string(rune(len("touch "+h.marker))) + "touch " + h.marker + "\x85R.",
		strings.Repeat("(", 1<<20-1), strings.Repeat("]", 1<<16) + ".", "X\xff\xff\xff\xffabc.", "\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc.", "]q\x00h\x00a.",
	}
	h.attack(func(r *rand.Rand) {
		body := bodies[r.IntN(len(bodies))]
		n := len(body)
		h.tcp("pickle-tcp", string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})+body)
	})
	h.attack(func(r *rand.Rand) { h.tcp("pickle-tcp", "\x7f\xff\xff\xffbomb"+noise(r, 100)) })
}

// attackHTTP sends bombs and noise to each handler, and asks for what needs a token.
func (h *hostile) attackHTTP(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(bytes.Repeat([]byte("\n"), 65<<20))
	require.NoError(t, errors.Join(err, z.Close()))
	series := string(prometheus.Compress(nil, bytes.Repeat([]byte("\x0a\x00"), 8<<20)))
	for _, c := range [][4]string{
		{"/write?db=d", "", "gzip", zipped.String()},
		{"/api/v1/write", protobuf, "snappy", series},
		{"/api/v1/write", protobuf, "snappy", "\xff\xff\xff\xff\x0fbomb"},
		{"/v1/metrics", "application/json", "", strings.Repeat(`{"resourceMetrics":[`, 1<<16)},
		{"/v1/metrics", protobuf, "", strings.Repeat("\x0a\x00", 1<<20)},
		{"/gatherer/v1/batch", "application/octet-stream", "", strings.Repeat("\x28\xb5\x2f\xfd", 1000)},
	} {
		h.attack(func(*rand.Rand) { h.b.post(c[0], c[3], "Content-Type", c[1], "Content-Encoding", c[2]) })
	}
	h.attack(func(r *rand.Rand) {
		h.b.post("/write?db=d&precision=s", noise(r, 1<<14)+fmt.Sprintf("\ngood.s1\\ 9\\ 9,a=<b> value=9 %d\n", time.Now().Unix()))
	})
	h.attack(func(r *rand.Rand) {
		for _, path := range []string{"/admin/delete?name=good.s1", "/admin/rename?from=good.s1&to=stolen", "/admin/backup?name=../../x"} {
			assert.Contains(t, [...]int{401, 403, 0}, h.b.post(path, "", "Authorization", "Bearer "+strings.Repeat("0", 16+r.IntN(9))), path)
		}
	})
	h.attack(func(*rand.Rand) { h.tcp("http", "GET /"+strings.Repeat("a", 1<<20)+" HTTP/1.1\r\n\r\n") })
	h.attack(func(*rand.Rand) {
		h.tcp("http", "POST /write?db=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nx")
	})
}

// hold opens n connections to each of some listeners that begin something and do
// not go on. They are open until the test ends.
func (b *backend) hold(n int) {
	for range n {
		for source, text := range map[string]string{"carbon-tcp": "slow.a", "pickle-tcp": "\x00\x00", "http": "GET / HT"} {
			c := b.dial(source)
			b.t.Cleanup(func() { c.Close() })
			_, err := io.WriteString(c, text)
			require.NoError(b.t, err)
		}
	}
}

// TestHostileClients do not hurt a good one: it loses nothing, and is answered soon,
// while others send what no listener should be sent. Nothing of that is executed,
// becomes a file or a name that is none, or takes memory without end.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	seed := *hostileSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-serve-seed=%d", seed)
	s := newSite(t)
	const maxSeries = 5000
	b := s.serve(fmt.Sprint("--max-series=", maxSeries), "--statsd-flush=1s")
	g := &good{b: b, began: time.Now().Unix()/10*10 - 3600}
	g.connect()
	g.round() // its names are known before the others come
	b.takes("carbon", goodSeries)
	files, routines := b.figure("process_open_fds"), b.figure("go_goroutines")
	h := &hostile{b: b, seed: seed, marker: s.file("executed"), done: make(chan struct{})}
	stop := sync.OnceFunc(func() { close(h.done); h.clients.Wait() })
	defer stop()
	const held = 200
	b.hold(held)
	h.attackLines()
	h.attackPickles()
	h.attackHTTP(t)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		g.round()
		g.look()
	}
	b.takes("carbon", g.rounds*goodSeries)
	stop()
	g.closes()
	t.Logf("%d visits of hostile clients; %d points of the good one; slowest answer %v; at most %d MiB resident", h.visits.Load(), g.rounds*goodSeries, g.slowest, g.resident>>20)
	assert.Less(t, g.slowest, time.Second)
	assert.Less(t, g.resident, 512<<20)
	assert.Zero(t, h.replies.Load(), "UDP is never answered")
	b.saidWhatItRefused()
	testutil.Eventually(t, limit, func() bool {
		return b.figure("process_open_fds") <= files+3*held+50 && b.figure("go_goroutines") <= routines+2*3*held+50
	})
	b.ends()
	g.check(t, s)
	s.isClean(t, maxSeries)
	assert.NoFileExists(t, h.marker, "a pickle was executed")
}

// saidWhatItRefused: nothing is refused in silence.
func (b *backend) saidWhatItRefused() {
	for _, name := range []string{
		`http_on_line_port_total{listener="carbon-tcp"}`, `long_lines_total{listener="carbon-tcp"}`, `closed_connections_total{listener="pickle-tcp",reason="badFrame"}`,
		`bad_lines_total{listener="carbon",reason="fields"}`, `bad_lines_total{listener="pickle",reason="pickle"}`, `bad_lines_total{listener="influx",reason="fields"}`,
		`refused_points_total{listener="carbon",reason="tooManySeries"}`, `refused_points_total{listener="carbon",reason="badName"}`,
		`refused_requests_total{listener="http-influx",reason="tooLarge"}`, `refused_requests_total{listener="http-prometheus",reason="tooLarge"}`, `refused_requests_total{listener="http-otlp",reason="badRequest"}`,
	} {
		assert.Positive(b.t, b.figure("logmetrics_ingest_"+name), name)
	}
	assert.Positive(b.t, b.statsd("bad_lines"))
}

// isClean looks at the files and names that there are.
func (s *site) isClean(t *testing.T, maxSeries int) {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "only the data")
	n := 0
	for _, name := range s.kept().Names().All() {
		n++
		canonical, ok := names.AppendCanonical(nil, name)
		assert.True(t, ok, "%q", name)
		assert.Equal(t, string(canonical), string(name))
		path, _, _ := bytes.Cut(name, []byte(";"))
		assert.False(t, bytes.ContainsAny(name, "<>\x00\n \x1b`") || bytes.Contains(path, []byte("..")), "%q", name)
	}
	assert.LessOrEqual(t, n, maxSeries)
}

// goodSeries is how many series the good client has.
const goodSeries = 500

// good is a client that sends rounds of points, and looks at the server meanwhile.
type good struct {
	b        *backend
	conn     net.Conn
	began    int64
	rounds   int
	slowest  time.Duration // answer
	resident int           // bytes, at most
}

func (g *good) connect() { g.conn = g.b.dial("carbon-tcp") }

func (g *good) closes() { require.NoError(g.b.t, g.conn.Close()) }

// round sends a point of each series: its value says which it is.
func (g *good) round() {
	g.b.t.Helper()
	var text strings.Builder
	for i := range goodSeries {
		fmt.Fprintf(&text, "good.s%d %d %d\n", i, g.rounds*goodSeries+i, g.began+int64(g.rounds)*10)
	}
	_, err := io.WriteString(g.conn, text.String())
	require.NoError(g.b.t, err)
	g.rounds++
}

func (g *good) look() {
	began := time.Now()
	code, page := get(g.b.t, g.b.at("http"), "/metrics")
	require.Equal(g.b.t, 200, code)
	g.slowest = max(g.slowest, time.Since(began))
	g.resident = max(g.resident, int(figure(page, "process_resident_memory_bytes")))
}

func (g *good) check(t *testing.T, s *site) {
	t.Helper()
	all := s.dump("good.*")
	for i := range goodSeries {
		var want []kept1
		for r := range g.rounds {
			v := float64(r*goodSeries + i)
			want = append(want, kept1{g.began + int64(r)*10, 1, v, v})
		}
		require.Equal(t, want, all[fmt.Sprintf("good.s%d", i)])
	}
}
