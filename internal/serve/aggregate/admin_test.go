package aggregate_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// serveAdmin returns the address where n answers.
func serveAdmin(t *testing.T, n *aggregate.Node) string {
	t.Helper()
	testutil.LeakCheck(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.ServeAdmin(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	return l.Addr().String()
}

// ask sends a command and returns the answer: what comes until nothing has for a while.
func ask(t *testing.T, address, command string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte(command))
	require.NoError(t, err)
	var answer []byte
	buf := make([]byte, 64<<10)
	for {
		wait := testutil.StartLimit
		if whole(string(answer)) {
			wait = 30 * time.Millisecond
		}
		require.NoError(t, c.SetReadDeadline(time.Now().Add(wait)))
		n, err := c.Read(buf)
		answer = append(answer, buf[:n]...)
		if err != nil {
			return string(answer)
		}
	}
}

func whole(answer string) bool {
	return strings.HasSuffix(answer, "END\n\n") || strings.HasSuffix(answer, "health: up\n") || strings.HasSuffix(answer, "health: down\n") || answer == "ERROR\n" || strings.HasPrefix(answer, "Commands")
}

var adminInput = strings.Join([]string{
	"a.b:1|c", "a.c:1.5|c", "c:2|c", "t:1|ms", "u.v-x:5|ms", "u.v-x:0.5|ms", "g:4|g", "a.d:7|g", "g2:-1e-7|g", "bad", "it's:1|c",
	strings.Repeat("w:1.5|ms\nw:120|ms\nw:7|ms\n", 3), strings.Repeat("x:333.25|ms\nx:5|ms\n", 60),
}, "\n")

var adminCommands = []string{
	"help\n", "counters\n", "timers\n", "gauges\n", "delcounters nope\n", "delcounters d a c.a c.*\n", "delcounters a.*\n", "delcounters\n",
	"delgauges g nope a.d\n", "deltimers u.* w x\n", "delcounters  c\n", "counters\n", "timers\n", "gauges\n", "Help\n", " help \n", "health\n", "health down\n",
	"health foo\n", "health\n", "health Up\n", "counters x\n", "delcounters .*\n", "delcounters *\n", "\n", " \n", "health", "health\r\n", "COUNTERS\n",
}

// TestAdminLikeNode asks npm's statsd and ours the same.
func TestAdminLikeNode(t *testing.T) {
	script, binary := testutil.Peer(t, "statsd"), testutil.Peer(t, "node")
	peer := startPeer(t, binary, script, `{}`, 60_000)
	peer.send(t, adminInput)
	n, _ := node(t, `{}`)
	address := serveAdmin(t, n)
	n.Worker().Block([]byte(adminInput))
	testutil.Eventually(t, testutil.StartLimit, func() bool {
		return strings.Contains(ask(t, peer.admin, "counters\n"), "'statsd.packets_received': 1")
	})
	for _, command := range adminCommands {
		assert.Equal(t, ask(t, peer.admin, command), ask(t, address, command), "%q", command)
	}
}

// TestAdmin has what npm's statsd cannot be compared in: it shows times, or
// takes what comes in one segment for one command.
func TestAdmin(t *testing.T) {
	n, _ := node(t, `{"histogram": [{"metric": "a", "bins": [1, 2.5, "inf"]}]}`)
	w := n.Worker()
	w.Block([]byte("a:1|c\nbad"))
	require.NoError(t, w.Idle())
	address := serveAdmin(t, n)
	t.Run("stats", func(t *testing.T) {
		assert.Regexp(t, `^uptime: \d\nmessages\.last_msg_seen: \d\nmessages\.bad_lines_seen: 1\ngraphite\.last_flush: \d\ngraphite\.last_exception: \d{9,}\n`+
			`graphite\.flush_time: 0\ngraphite\.flush_length: 0\nEND\n\n$`, ask(t, address, "stats\n"))
	})
	t.Run("stats after a flush", func(t *testing.T) {
		n.Flush(time.Now().Unix())
		assert.Regexp(t, `graphite\.last_flush: \d\n(.*\n)+graphite\.flush_length: [1-9]\d+\nEND`, ask(t, address, "stats\n"))
	})
	t.Run("several commands in one write", func(t *testing.T) {
		assert.Equal(t, "health: up\nERROR\nhealth: down\n", lines(t, address, "health\nnope\nhealth down\n", 3))
	})
	t.Run("one command in two writes", func(t *testing.T) {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		for _, part := range []string{"hea", "lth up\n"} {
			_, err = c.Write([]byte(part))
			require.NoError(t, err)
		}
		answer, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "health: up\n", answer)
	})
	t.Run("config", func(t *testing.T) {
		answer := ask(t, address, "config\nhealth\n")
		for _, line := range []string{"\nflushInterval: 10000\n", "\npercentThreshold > 0: 90\n", "\nhistogram > 0: a [1,2.5,inf]\n", "\ngraphite > legacyNamespace: true\n", "\ngaugesMaxTTL: 1\n"} {
			assert.Contains(t, answer, line)
		}
	})
	t.Run("quit", func(t *testing.T) { assert.Empty(t, ask(t, address, "quit\nhelp\n")) })
	t.Run("an endless command", func(t *testing.T) {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		for range 100 {
			if _, err = c.Write(make([]byte, 4096)); err != nil {
				break
			}
		}
		_, err = c.Read(make([]byte, 1))
		assert.Error(t, err, "the connection is closed")
	})
}

// TestHealthAtFirst is what the settings say.
func TestHealthAtFirst(t *testing.T) {
	for status, want := range map[string]string{"up": "health: up\n", "down": "health: down\n"} {
		n, _ := node(t, `{"healthStatus": "`+status+`"}`)
		assert.Equal(t, want, ask(t, serveAdmin(t, n), "health\n"))
	}
}

// TestDeletePatterns: the patterns of node's own test.
func TestDeletePatterns(t *testing.T) {
	n, sink := node(t, `{}`)
	address := serveAdmin(t, n)
	for pattern, gone := range map[string]string{"d": "", "a": "", "c.a": "", "c.*": "", "": "", "a.b": "a.b", "c": "c", "a.*": "a.b a.c"} {
		n.Worker().Block([]byte("a.b:1|c\na.c:1|c\nc:1|c\na.b:1|g\na.c:1|g\nc:1|g\na.b:1|ms\na.c:1|ms\nc:1|ms"))
		for _, kind := range []string{"counters", "gauges", "timers"} {
			answer := ask(t, address, "del"+kind+" "+pattern+"\n")
			for _, name := range []string{"a.b", "a.c", "c"} {
				assert.Equal(t, strings.Contains(" "+gone+" ", " "+name+" "), strings.Contains(answer, "deleted: "+name+"\n"), "%s %q %s", kind, pattern, name)
			}
		}
		n.Flush(0)
		for _, name := range []string{"a.b", "a.c", "c"} {
			_, there := sink.values["stats_counts."+name]
			assert.Equal(t, !strings.Contains(" "+gone+" ", " "+name+" "), there, "%q %s", pattern, name)
		}
	}
}

// lines sends and reads so many lines.
func lines(t *testing.T, address, send string, n int) (got string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte(send))
	require.NoError(t, err)
	r := bufio.NewReader(c)
	for range n {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		got += line
	}
	return got
}

// TestAdminIsBounded: beyond sixteen clients the next is turned away.
func TestAdminIsBounded(t *testing.T) {
	n, _ := node(t, `{}`)
	address := serveAdmin(t, n)
	for i := range 16 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		_, err = fmt.Fprintf(c, "health\n")
		require.NoError(t, err)
		_, err = bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err, "client %d", i)
	}
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = bufio.NewReader(c).ReadString('\n')
	require.Error(t, err)
}
