package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve"
	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// backend is the server as it runs, on ports that the system chose.
type backend struct {
	*process
	s *site
}

// onFreePorts are listeners, each at a port that the system chooses.
var onFreePorts = []string{"--http=127.0.0.1:0", "--statsd=127.0.0.1:0", "--carbon=127.0.0.1:0", "--pickle=127.0.0.1:0", "--influx-udp=127.0.0.1:0"}

// serve starts a server with the site's data, and waits until it listens.
func (s *site) serve(args ...string) *backend {
	s.t.Helper()
	b := &backend{s.start(nil, append(append([]string{"serve", "--data=" + s.file("data")}, onFreePorts...), args...)...), s}
	b.says(b.stderr, "logmetrics: ready ")
	return b
}

// at returns where a listener listens.
func (b *backend) at(source string) string {
	b.t.Helper()
	m := regexp.MustCompile(`listening source=` + source + ` address=(\S+)`).FindStringSubmatch(b.stderr.String())
	require.NotNil(b.t, m, "%s: %s", source, b.stderr)
	return m[1]
}

// send writes to a listener, and closes the connection.
func (b *backend) send(source, text string) {
	b.t.Helper()
	conn := b.dial(source)
	defer conn.Close()
	_, err := io.WriteString(conn, text)
	require.NoError(b.t, err)
}

// dial connects to a listener.
func (b *backend) dial(source string) net.Conn {
	b.t.Helper()
	network := "tcp"
	if strings.HasSuffix(source, "-udp") {
		network = "udp"
	}
	conn, err := net.Dial(network, b.at(source))
	require.NoError(b.t, err)
	return conn
}

// figure returns a metric of /metrics by its name with its labels; 0 without it.
func (b *backend) figure(name string) float64 {
	_, page := get(b.t, b.at("http"), "/metrics")
	return figure(page, name)
}

// figure returns what a page has for a name; 0 for nothing.
func figure(page, name string) float64 {
	_, rest, _ := strings.Cut("\n"+page, "\n"+name+" ")
	text, _, _ := strings.Cut(rest, "\n")
	v, _ := strconv.ParseFloat(text, 64) // 0 when it is not there
	return v
}

// takes waits until a listener has taken n points in all.
func (b *backend) takes(listener string, n int) {
	b.t.Helper()
	testutil.Eventually(b.t, limit, func() bool {
		return b.figure(`logmetrics_ingest_points_total{listener="`+listener+`"}`) >= float64(n)
	})
}

// kill ends it as a power switch would.
func (b *backend) kill() {
	b.t.Helper()
	b.signal(syscall.SIGKILL)
	<-b.ended
}

// ends ends it as systemd does, which must be within 5 s.
func (b *backend) ends() {
	b.t.Helper()
	began := time.Now()
	b.signal(syscall.SIGTERM)
	b.exits(0)
	assert.Less(b.t, time.Since(began), 5*time.Second)
}

// kept opens the site's store, which no server may have open.
func (s *site) kept() *store.DB {
	s.t.Helper()
	db, err := store.Open(store.Options{Dir: s.file("data")})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, db.Close()) })
	return db
}

// value returns what a plain read shows of a series at a second; NaN for nothing.
func value(t *testing.T, db *store.DB, name string, unix int64) float64 {
	t.Helper()
	c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: unix, Until: unix + 1})
	if err != nil {
		require.ErrorIs(t, err, store.ErrNoSeries)
		return math.NaN()
	}
	if i := (unix - c.Start) / c.Step; i >= 0 && i < int64(len(c.Value)) {
		return c.Value[i]
	}
	return math.NaN()
}

// TestServeKeeps: what each protocol brought is there after the end, at once.
func TestServeKeeps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve("--statsd-flush=10s") // as the finest tier, of which the newest flush is read
	now := time.Now().Unix()
	b.send("carbon-tcp", fmt.Sprintf("a.tcp 1.5 %d\na.last 2 %d", now, now))
	b.send("carbon-udp", fmt.Sprintf("a.udp 3 %d\n", now))
	b.send("pickle-tcp", framed(fmt.Sprintf("(lp0\n(S'a.pickle'\n(I%d\nF4.5\ntta.", now)))
	b.send("influx-udp", fmt.Sprintf("a,host=h value=5 %d\n", now*1e9))
	b.takes("carbon", 3)
	b.takes("pickle", 1)
	b.takes("influx", 1)
	b.send("statsd-udp", "hits:3|c\nhits:4|c\n")
	testutil.Eventually(t, limit, func() bool { return b.figure(`logmetrics_ingest_datagrams_total{listener="statsd-udp"}`) == 1 })
	b.ends()
	db := s.kept()
	for name, want := range map[string]float64{"a.tcp": 1.5, "a.last": 2, "a.udp": 3, "a.pickle": 4.5, "a;host=h": 5} {
		assert.Equal(t, want, value(t, db, name, now), name)
	}
	sum := 0.0
	for sec := now - 20; sec < now+20; sec += 10 { // which of its flushes they were in is not known
		if v := value(t, db, "stats_counts.hits", sec-sec%10); !math.IsNaN(v) {
			sum = max(sum, v)
		}
	}
	assert.Equal(t, 7.0, sum)
	assert.False(t, math.IsNaN(value(t, db, "logmetrics.serve.ingest.carbon.points", now)), "its own account")
}

// TestServeStatsDInParts: what two servers after each other sum up in one interval
// adds up where it is a sum or a rate; of gauges the later counts.
func TestServeStatsDInParts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, lines := range []string{"hits:3|c\nlevel:5|g\ntook:10|ms\n", "hits:4|c\nlevel:6|g\ntook:20|ms\ntook:30|ms\n"} {
		b := s.serve("--statsd-flush=24h")
		b.send("statsd-udp", lines)
		testutil.Eventually(t, limit, func() bool { return b.figure(`logmetrics_ingest_datagrams_total{listener="statsd-udp"}`) == 1 })
		b.ends()
	}
	db := s.kept()
	const day = 24 * 60 * 60
	start := time.Now().Unix() / day * day
	for name, want := range map[string]float64{
		"stats_counts.hits": 7, "stats.hits": 7. / day, "stats.gauges.level": 6,
		"stats.timers.took.count": 3, "stats.timers.took.sum": 60, "stats.timers.took.count_ps": 3. / day, "stats.timers.took.mean": 25,
	} {
		assert.InDelta(t, want, value(t, db, name, start), 1e-12, name)
	}
}

// framed puts the length before a pickle.
func framed(pickle string) string {
	return string([]byte{0, 0, byte(len(pickle) >> 8), byte(len(pickle))}) + pickle
}

// TestServeIsKilled: what was taken more than a second ago is there.
func TestServeIsKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	now := time.Now().Unix()
	b.send("carbon-tcp", fmt.Sprintf("a.b 42 %d\n", now))
	b.takes("carbon", 1)
	<-time.After(time.Second) // this is what is promised
	b.kill()
	began := time.Now()
	b = s.serve()
	assert.Less(t, time.Since(began), 5*time.Second)
	b.ends()
	assert.Equal(t, 42.0, value(t, s.kept(), "a.b", now))
}

// TestTwoServersOfOneStore: the second says so, and changes nothing.
func TestTwoServersOfOneStore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	second := s.start(nil, append([]string{"serve", "--data=" + s.file("data")}, onFreePorts...)...)
	second.exits(exitLocked)
	second.saysOne("another process has it open")
	b.ends()
}

// TestAPortThatIsTaken: nothing else is left open.
func TestAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	p := s.start(nil, append(append([]string{"serve", "--data=" + s.file("data")}, onFreePorts...), "--pickle="+taken.Addr().String())...)
	p.exits(1)
	p.saysOne("--pickle: listen on tcp " + taken.Addr().String())
	p.saysOne("address already in use")
	s.serve().ends()
}

// TestServeReload: SIGHUP has tokens and rules read again; one with a mistake
// changes nothing, and is said.
func TestServeReload(t *testing.T) {
	t.Parallel()
	const older, newer = "older-0123456789", "newer-0123456789"
	s := newSite(t)
	token := func(list ...string) {
		require.NoError(t, os.WriteFile(s.file("token"), []byte(strings.Join(list, "\n")), 0o600))
	}
	token(older)
	s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:1d\n")
	b := s.serve("--token-file="+s.file("token"), "--schemas="+s.file("schemas.conf"))
	assert.Equal(t, 400, b.change(older))
	assert.Equal(t, 403, b.change(newer))
	assert.Equal(t, 401, b.change(""))
	assert.NoFileExists(t, filepath.Join(s.file("data"), "token"), "none is made when one is given")

	token(older, newer)
	s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:1d,7s:2d\n")
	b.signal(syscall.SIGHUP)
	answers(t, b.at("http"), "/metrics", 200, "logmetrics_config_reload_success 0\n")
	b.says(b.stderr, "schemas.conf:3: ")
	assert.Equal(t, 400, b.change(newer), "what is right is taken")

	s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:1d,60s:2d\n")
	token(newer)
	b.signal(syscall.SIGHUP)
	answers(t, b.at("http"), "/metrics", 200, "logmetrics_config_reload_success 1\n")
	assert.Equal(t, 403, b.change(older))
	b.ends()
}

// change asks for a backup without a name, and returns the answer's code: 400 for
// who may.
func (b *backend) change(token string) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://"+b.at("http")+"/admin/backup", nil)
	require.NoError(b.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

// TestServeTellsSystemd: when it is ready, while it reads its files again, and
// when it comes to its end.
func TestServeTellsSystemd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := newManager(t, s.dir)
	p := s.start([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=800000"}, append([]string{"serve", "--data=" + s.file("data")}, onFreePorts...)...)
	m.isTold("STATUS=ready")
	m.isTold("READY=1")
	m.isTold("WATCHDOG=1")
	m.isTold("WATCHDOG=1")
	p.signal(syscall.SIGHUP)
	m.isTold("RELOADING=1")
	m.isTold("READY=1")
	p.signal(syscall.SIGTERM)
	m.isTold("STOPPING=1")
	p.exits(0)
}

// TestServeOnATerminal shows where the page is, with a token; the log of a service
// never has one.
func TestServeOnATerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve()
	b.ends()
	token, err := os.ReadFile(filepath.Join(s.file("data"), "token"))
	require.NoError(t, err)
	secret := strings.TrimSpace(string(token))
	assert.NotContains(t, b.stderr.String(), secret)
	fi, err := os.Stat(s.file("data"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), fi.Mode().Perm())

	server, err := serve.Open(serve.Options{Data: s.file("data"), HTTP: "127.0.0.1:0"})
	require.NoError(t, err)
	c, _, stderr := newConsole()
	(&serveCmd{}).announce(c, server)
	assert.Empty(t, stderr.String())
	c.terminal = true
	(&serveCmd{}).announce(c, server)
	assert.Regexp(t, `^logmetrics: http://127\.0\.0\.1:\d+/#token=`+regexp.QuoteMeta(secret)+`\n$`, stderr.String())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, server.Run(ctx))
}

// TestServeStatsDAdmin: the text commands of statsd's daemon, and the lines that
// clients send, printed.
func TestServeStatsDAdmin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.serve("--statsd-admin=127.0.0.1:0", "--statsd-debug=^debugged")
	b.send("statsd-udp", "debugged:1|c\nother:2|g\n")
	b.says(b.stdout, `"debugged:1|c"`)
	assert.NotContains(t, b.stdout.String(), "other")
	conn := b.dial("statsd-admin")
	defer conn.Close()
	_, err := io.WriteString(conn, "gauges\n")
	require.NoError(t, err)
	reply, err := bufio.NewReader(conn).ReadString('}')
	require.NoError(t, err)
	assert.Contains(t, reply, "other: 2")
	b.ends()
}

// TestServeForwards: what is summed up goes to another server, too, also at the end.
func TestServeForwards(t *testing.T) {
	t.Parallel()
	other := newSite(t)
	receiver := other.serve()
	s := newSite(t)
	b := s.serve("--statsd-flush=1s", "--forward="+receiver.at("carbon-tcp"))
	b.send("statsd-udp", "forwarded:5|g\n")
	testutil.Eventually(t, limit, func() bool { return b.figure("logmetrics_aggregate_forwarded_flushes_total{dialect=\"statsd\"}") >= 1 })
	_, page := get(t, b.at("http"), "/metrics")
	limitsAreCounted(t, page)
	b.send("statsd-udp", "last:6|g\n")
	testutil.Eventually(t, limit, func() bool { return b.figure(`logmetrics_ingest_datagrams_total{listener="statsd-udp"}`) == 2 })
	b.ends()
	testutil.Eventually(t, limit, func() bool { return receiver.figure(`logmetrics_ingest_connections{listener="carbon-tcp"}`) == 0 })
	receiver.ends()
	for _, db := range []*store.DB{s.kept(), other.kept()} {
		for name, want := range map[string]float64{"stats.gauges.forwarded": 5, "stats.gauges.last": 6} {
			c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: time.Now().Unix() - 60, Until: time.Now().Unix() + 60})
			require.NoError(t, err, name)
			assert.Contains(t, c.Value, want, name)
		}
	}
}

// limitsAreCounted: each counter that docs/serve.md has beside a limit is on the page.
func limitsAreCounted(t *testing.T, page string) {
	t.Helper()
	_, table, _ := strings.Cut(readDoc(t, "docs/serve.md"), "## Limits")
	table, _, _ = strings.Cut(table, "\n## ")
	counters := regexp.MustCompile("`((?:ingest|http|aggregate|query)_\\w+)(?:\\{(.*?)\\})?`").FindAllStringSubmatch(table, -1)
	require.NotEmpty(t, counters)
	for _, c := range counters {
		assert.Regexp(t, `(?m)^logmetrics_`+c[1]+`_total(\{|\{.*,)?`+c[2], page)
	}
}

// TestServeDialects: two addresses, each understood in its own way, with the file's
// sections.
func TestServeDialects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("serve.yaml", "statsd: {flushInterval: 1000, percentThreshold: 50, graphite: {legacyNamespace: false}, prefixStats: own}\nbrubeck: {frequency: 1, server_name: bru}\n")
	b := s.serve("--statsd=127.0.0.1:0,brubeck", "--config="+s.file("serve.yaml"))
	began := time.Now().Unix()
	b.send("statsd-udp", "node:3|c\n")
	b.send("statsd2-udp", "bru.beck:4|c\n")
	for _, l := range []string{"statsd-udp", "statsd2-udp"} {
		testutil.Eventually(t, limit, func() bool { return b.figure(`logmetrics_ingest_datagrams_total{listener="`+l+`"}`) == 1 })
	}
	answers(t, b.at("http"), "/brubeck/ping", 200, `"status": "OK"`)
	_, port, err := net.SplitHostPort(b.at("statsd2-udp"))
	require.NoError(t, err)
	answers(t, b.at("http"), "/brubeck/stats", 200, `"port": `+port)
	b.ends()
	db := s.kept()
	for name, want := range map[string]float64{"stats.counters.node.count": 3, "bru.beck": 4} {
		c, err := db.Fetch(t.Context(), name, store.FetchOptions{From: began - 10, Until: began + 20})
		require.NoError(t, err, name)
		sum := 0.0
		for i, n := range c.Count {
			if n > 0 {
				sum += c.Sum[i]
			}
		}
		assert.Equal(t, want, sum, name)
	}
	for name, there := range map[string]bool{"stats.own.numStats": true, "bru.metrics": true, "stats_counts.node": false, "stats.counters.bru.beck.count": false} {
		assert.Equal(t, there, !errors.Is(fetched(t, db, name), store.ErrNoSeries), name)
	}
}

func fetched(t *testing.T, db *store.DB, name string) error {
	_, err := db.Fetch(t.Context(), name, store.FetchOptions{From: time.Now().Unix() - 60, Until: time.Now().Unix()})
	return err
}
