package aggregate_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// play is a configuration, and what is sent in each interval.
type play struct {
	settings string     // JSON
	acts     [][]string // datagrams
}

var plays = map[string]play{
	"defaults": {`{}`, [][]string{
		{"c:1|c\nc:2|c", "c:0.1|c\nd:0.1|c:0.2|c", "r:1|c|@0.3", "g:5|g", "t:450|ms\nt:120|ms:553|ms\nt:994|ms|@0.1", "s:a|s:b|s:a|s\ns:|s"},
		{"g:-2|g\ng2:-3|g\ng2:+1.5|g\ng3:+7|g", "t:1|ms", "c:1e3|c\nc:-1.5e-7|c", "big:1e21|c\nbig2:123456789012345678|c\nsmall:1e-7|c"},
		{},
	}},
	"odd lines": {`{}`, [][]string{
		{
			"\n\na:1|c\n\n", "a b/c  d:1|c", "caf\xc3\xa9:1|c", "x\x00y\tz:1|c", "crlf:1|c\r\nrated:2|c|@0.5\r\n", "noend:1|c", "nothing", "a_bad_test_value|z",
			"value:|c\nvalue:x|c\nvalue:0,5|c\nvalue:1", "sp: 5 |c\nsp2:+10e1|c\nsp3:-10|c\nsp4:.5|c\nsp5:5.|c", "neg:-1|ms\nzero:-0.0|ms\nplus:+1|ms",
			"rate:1|c|@2\nrate:1|c|@.2\nrate2:1|c|@0.2\nrate3:1|c|@2e-1\nrate4:1|c|@1.0\nrate5:1|c|@1e-1", "bad:1|c|\nbad:1|c|b\nbad:1|c|blah\nbad:1|c|@\nbad:1|c|@blah\nbad:1|c|@.\nbad:1|c|@.1.\nbad:1|c|@.1.2.3\nbad:1|c|@-1.0\nbad:1|c|0.1",
			"four:1|c|@0.5|extra", "many:1|c:2|c:x|c:3|c:4", "same:1|c\nsame:2|g\nsame:3|ms\nsame:4|s", "...:1|c", "dots..x.:1|c", "dash-under_:1|c",
			"constructor.x:1|c", "a=b;c=d:1|c", "u:2001:db8::1|s", "g:|g\ng:  7|g\ng: -7|g",
		},
		{"a:0.7|c"},
	}},
	"strict": {`{"strict-node": true}`, [][]string{
		{
			"h:1|h\nd:2|d\nC:3|C\nx:4|x\nx:4|xyz", "p:1:2:3|c", "tag:1|c|#env:prod,b:c;d:e", "tag2:1|c|#env:prod|@0.5", "tag3:1|c|#", "tag4:1|c|#solo", "tag5:1|c|#f,,",
			"tag6:1|c|#a:b|#c:d", "tag|#x:1|c", "z:1|c|#b:1,a:2", "dog:1|c|c:in-1", "dog:1|c|T123", "_e{1,1}:a|b", "_sc|x|0", "blank:  |c",
		},
		{"h:1|h"},
	}},
	"tags": {`{"graphite": {"legacyNamespace": false, "globalSuffix": "sfx"}}`, [][]string{
		{"c:1|c|#a:x,b:y", "g:1|g|@0.5|#a:x", "t:1|ms|#a:x/y z,b:w", "s:m|s|#k:v", "in;k=v:1|c"},
		{"c:1|c|#a:x,b:y"},
	}},
	"percentiles": {`{"percentThreshold": [90, -10, 50, -50, 99.9, 80, 0, 1, 100, -33.3], "graphite": {"legacyNamespace": false}}`, [][]string{
		{"t:450|ms:120|ms:553|ms:994|ms:334|ms:844|ms:675|ms:496|ms", "one:7|ms", "two:1.5|ms:0.1|ms", "frac:0.1|ms:0.2|ms:0.3|ms:0.7|ms:1e-9|ms", "rated:100|ms|@0.1"},
		{"t:1|ms:2|ms:3|ms"},
	}},
	"histogram": {`{"percentThreshold": 80, "histogram": [{"metric": "foo", "bins": []}, {"metric": "abcd", "bins": [1, 5, "inf"]}, {"metric": "abc", "bins": [1, 2.21, "inf"]}, {"metric": "a", "bins": [1, 2]}]}`, [][]string{
		{"a:1|ms:2|ms:3|ms:4|ms:5|ms:6|ms:7|ms:8|ms:9|ms:10|ms", "abc:0.1234|ms:2.89|ms:4|ms:6|ms:8|ms", "foo:1|ms", "barbazfoobar:1|ms:2|ms", "bar.bazfoobar.abc:1|ms", "xyz:4|ms", "abcd:0|ms:1|ms:4.9|ms:5|ms"},
		{},
	}},
	"calculated": {`{"percentThreshold": [90, -20], "calculatedTimerMetrics": ["count_ps", "lower", "upper_percent", "sum_percent", "histogram"], "histogram": [{"metric": "", "bins": [10, "inf"]}]}`, [][]string{
		{"t:1|ms:2|ms:30|ms:4|ms:5|ms:6|ms:7|ms:8|ms:9|ms:10|ms"},
		{},
	}},
	"idle": {`{"deleteIdleStats": true, "gaugesMaxTTL": 2}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g\nh:1|g"}, {"h:+1|g"}, {}, {"g:-1|g"},
	}},
	"some idle": {`{"deleteIdleStats": true, "deleteCounters": false, "deleteTimers": false, "deleteGauges": false}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"}, {},
	}},
	"idle one by one": {`{"deleteCounters": true, "deleteTimers": true, "deleteSets": true, "deleteGauges": true}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"}, {"c:1|c\ng:+1|g"}, {},
	}},
	"one idle": {`{"deleteIdleStats": false, "deleteSets": true}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"}, {},
	}},
	"prefixes": {`{"prefixStats": "own", "flush_counts": false, "graphite": {"legacyNamespace": false, "globalPrefix": "gp", "prefixCounter": "pc", "prefixTimer": "", "prefixGauge": "pg.x", "prefixSet": "ps"}}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"}, {},
	}},
	"no prefix": {`{"graphite": {"legacyNamespace": false, "globalPrefix": ""}}`, [][]string{{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"}}},
	"legacy prefixes": {`{"prefixStats": "own", "graphite": {"globalPrefix": "gp", "prefixCounter": "pc", "globalSuffix": "z"}}`, [][]string{
		{"c:1|c\nt:1|ms\ns:1|s\ng:1|g"},
	}},
	"as sent": {`{"keyNameSanitize": false}`, [][]string{{"a b/c:1|c\né:2|g\nx$:1|s"}}},
}

// TestLikeNode has npm's statsd and ours take the same datagrams, and compares
// what they send to Graphite, digit by digit.
func TestLikeNode(t *testing.T) {
	script, binary := testutil.Peer(t, "statsd"), testutil.Peer(t, "node")
	for _, name := range slices.Sorted(maps.Keys(plays)) {
		p := plays[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 5 {
				if said, ok := p.run(t, binary, script); ok {
					testutil.Golden(t, p.golden(name), said)
					return
				}
			}
			t.Fatal("npm's statsd never took what was sent at once in one interval")
		})
	}
}

// run returns false when a flush of the peer's, which has a clock of its own,
// fell between two datagrams that belong together.
func (p *play) run(t *testing.T, binary, script string) (said []byte, ok bool) {
	t.Helper()
	peer := startPeer(t, binary, script, p.settings, shortInterval)
	n, sink := node(t, withInterval(t, p.settings, shortInterval, nil))
	w := n.Worker()
	n.Flush(peer.next(t)) // both have flushed once: what follows falls into one interval
	for i, act := range p.acts {
		for _, datagram := range act {
			peer.send(t, datagram)
			w.Block([]byte(datagram))
		}
		n.Flush(peer.next(t))
		if peer.packets(t) != len(act) {
			return nil, false
		}
		said = appendInterval(said, i, peer.lines())
		require.Equal(t, strings.Join(peer.lines(), "\n"), strings.Join(sink.lines(), "\n"), "interval %d", i)
		require.Len(t, sink.values, len(peer.all), "interval %d: series that differ from run to run", i)
	}
	return said, true
}

// golden is the file of what npm's statsd said.
func (p *play) golden(name string) string {
	return filepath.Join("testdata", "node", strings.ReplaceAll(name, " ", "-")+".golden")
}

func appendInterval(dst []byte, i int, lines []string) []byte {
	return fmt.Appendf(dst, "# interval %d\n%s\n", i, strings.Join(lines, "\n"))
}

// TestLikeNodeRecorded is TestLikeNode with what npm's statsd said when
// TestLikeNode ran with -update.
func TestLikeNodeRecorded(t *testing.T) {
	for name, p := range plays {
		t.Run(name, func(t *testing.T) {
			n, sink := node(t, withInterval(t, p.settings, shortInterval, nil))
			w := n.Worker()
			n.Flush(1)
			var got []byte
			for i, act := range p.acts {
				for _, datagram := range act {
					w.Block([]byte(datagram))
				}
				n.Flush(2)
				got = appendInterval(got, i, sink.lines())
			}
			want, err := os.ReadFile(p.golden(name))
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		})
	}
}

// packets returns how many datagrams the last flush is of.
func (p *peer) packets(t *testing.T) (n int) {
	t.Helper()
	for _, line := range p.all {
		name, value, _ := strings.Cut(line, " ")
		if base, _, _ := strings.Cut(name, ";"); strings.Contains(base, "packets_received") {
			rate, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			n = max(n, int(rate*shortInterval/1000)) // the count is the rate's half
		}
	}
	return n
}

// peer is a running statsd of npm.
type peer struct {
	sink  net.Listener
	conn  net.Conn
	admin string   // address
	all   []string // lines of the last flush
}

func startPeer(t *testing.T, binary, script, settings string, interval int) *peer {
	t.Helper()
	sink, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = sink.Close() })
	port, admin := testutil.FreePort(t), testutil.FreePort(t)
	conf := filepath.Join(t.TempDir(), "statsd.js")
	text := withInterval(t, settings, interval, map[string]any{
		"address": "127.0.0.1", "port": port, "mgmt_address": "127.0.0.1", "mgmt_port": admin,
		"graphiteHost": "127.0.0.1", "graphitePort": sink.Addr().(*net.TCPAddr).Port,
	})
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o600))
	testutil.Start(t, binary, script, conf)
	testutil.Eventually(t, testutil.StartLimit, testutil.Listens(admin))
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{sink: sink, conn: conn, admin: fmt.Sprintf("127.0.0.1:%d", admin)}
}

// shortInterval is in milliseconds: as short as a loaded machine allows.
const shortInterval = 500

// withInterval returns the settings with an interval in milliseconds, and more.
func withInterval(t *testing.T, settings string, interval int, more map[string]any) string {
	t.Helper()
	all := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(settings), &all))
	all["flushInterval"] = interval
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

func (p *peer) send(t *testing.T, datagram string) {
	t.Helper()
	_, err := p.conn.Write([]byte(datagram))
	require.NoError(t, err)
}

// next waits for a flush, and returns its stamp.
func (p *peer) next(t *testing.T) (stamp int64) {
	t.Helper()
	require.NoError(t, p.sink.(*net.TCPListener).SetDeadline(time.Now().Add(testutil.StartLimit)))
	conn, err := p.sink.Accept()
	require.NoError(t, err)
	defer conn.Close()
	p.all = nil
	for s := bufio.NewScanner(conn); s.Scan(); {
		line := s.Text()
		cut := strings.LastIndexByte(line, ' ')
		_, err := fmt.Sscan(line[cut:], &stamp)
		require.NoError(t, err, line)
		p.all = append(p.all, line[:cut])
	}
	return stamp
}

func (p *peer) lines() (lines []string) {
	for _, line := range p.all {
		name, _, _ := strings.Cut(line, " ")
		if steady(name) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}
