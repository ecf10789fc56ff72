package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// statsdPlace is a server that keeps the lines it gets.
type statsdPlace struct {
	address string
	conn    net.PacketConn
}

func newStatsdPlace(t *testing.T, address string) *statsdPlace {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return &statsdPlace{conn.LocalAddr().String(), conn}
}

// took returns the lines for hits that came since the last call. On loopback
// what was sent is in the socket's queue.
func (p *statsdPlace) took(t *testing.T) (lines []string) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for {
		require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		n, _, err := p.conn.ReadFrom(buf)
		if err != nil {
			return lines
		}
		for line := range strings.SplitSeq(string(buf[:n]), "\n") {
			if strings.HasPrefix(line, "p.hits") {
				lines = append(lines, line)
			}
		}
	}
}

const hitsRule = `rules:
  - match: '(?P<method>\w+) (?P<code>\d+)$'
    metrics:
      - counter: hits
        tags: {code: code, method: method}
`

// TestStatsdInSeveralPlaces: each host has a cursor of its own, so that one
// which was away is sent what it missed, and the others nothing twice.
func TestStatsdInSeveralPlaces(t *testing.T) {
	for style, hit := range map[string]string{
		"none": "p.hits.200.GET:%d|c", "dogstatsd": "p.hits:%d|c|#code:200,method:GET", "graphite": "p.hits;code=200;method=GET:%d|c",
	} {
		t.Run(style, func(t *testing.T) {
			first, second, away := newStatsdPlace(t, "127.0.0.1:0"), newStatsdPlace(t, "127.0.0.1:0"), newStatsdPlace(t, testutil.FreeAddress(t))
			require.NoError(t, away.conn.Close())
			dir := t.TempDir()
			rules, log := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "log")
			require.NoError(t, os.WriteFile(rules, []byte(hitsRule), 0o600))
			run := func(hits int) int {
				t.Helper()
				writeLog(t, log, strings.Repeat("GET 200\n", hits))
				var stdout, stderr strings.Builder
				c := &console{stdout: &stdout, stderr: &stderr, now: time.Now}
				return c.main(t.Context(), []string{
					"-s", filepath.Join(dir, "state"), "--from=begin", "-p", "p", "--delivery-timeout=1s", "--statsd-tags=" + style,
					"-o", "statsd", "--statsd-host=" + first.address, "-o", "statsd", "--statsd-host=udp://" + second.address, "--statsd-host=" + away.address,
					"--parser-options=--rules=" + rules, "RegexParser", log,
				})
			}
			require.Equal(t, exitUndelivered, run(2))
			assert.Equal(t, []string{fmt.Sprintf(hit, 2)}, first.took(t))
			assert.Equal(t, []string{fmt.Sprintf(hit, 2)}, second.took(t))

			away = newStatsdPlace(t, away.address)
			require.Equal(t, exitOK, run(3))
			assert.Equal(t, []string{fmt.Sprintf(hit, 3)}, first.took(t))
			assert.Equal(t, []string{fmt.Sprintf(hit, 3)}, second.took(t))
			assert.Equal(t, []string{fmt.Sprintf(hit, 2), fmt.Sprintf(hit, 3)}, away.took(t))
		})
	}
}

func writeLog(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
