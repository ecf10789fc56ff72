package ingest_test

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

func carbonTCP(t testing.TB, l *ledger, opt ingest.TCPOptions) (s *ingest.TCP, p *ingest.Points, stop func()) {
	t.Helper()
	opt.Name, opt.Tail = "test", true
	if opt.Address == "" {
		opt.Address = "127.0.0.1:0"
	}
	s, err := ingest.ListenTCP(opt)
	require.NoError(t, err)
	p = ingest.NewCarbon(ingest.PointsOptions{Name: "test", NewWriter: l.writer})
	return s, p, start(t, s, p.Receiver)
}

// closed waits until the server has closed the connection, which must not have answered.
func closed(t testing.TB, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(limit)))
	b, err := io.ReadAll(c)
	assert.Empty(t, b)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestTCPTakesLinesHoweverTheyAreCut(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	s, p, stop := carbonTCP(t, l, ingest.TCPOptions{})
	c := dial(t, s)
	text := "a.b 1 1\r\n  c 2.5 2\n\nd;k=v 3 3.9\n" + strings.Repeat("long.", 400) + "x 1 4\n"
	for i := range text {
		write(t, c, text[i:i+1])
	}
	l.arrive(t, 4)
	write(t, c, "tail 5 5") // which the end of the stream makes whole
	require.NoError(t, c.Close())
	l.arrive(t, 5)
	assert.Equal(t, "a.b=1@1 c=2.5@2 d;k=v=3@3 "+strings.Repeat("long.", 400)+"x=1@4 tail=5@5", l.String())
	stop()
	assert.EqualValues(t, len(text)+8, figure(t, s.Figures(), "bytes"))
	assert.EqualValues(t, 5, figure(t, p.Figures(), "lines"))
}

// TestTCPTakesAllThatWasSentBeforeTheEnd: SIGTERM loses nothing that a client has seen go.
func TestTCPTakesAllThatWasSentBeforeTheEnd(t *testing.T) {
	l := newLedger()
	s, _, stop := carbonTCP(t, l, ingest.TCPOptions{})
	var conns []net.Conn
	for range 8 {
		conns = append(conns, dial(t, s))
	}
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "connections") == 8 })
	for _, c := range conns {
		write(t, c, strings.Repeat("a 1 1\n", 20000)+"unfinished 1 1")
	}
	stop()
	assert.Equal(t, "a=160000@1", l.String())
}

func TestTCPSkipsLongLines(t *testing.T) {
	l := newLedger()
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{})
	c := dial(t, s)
	write(t, c, "a 1 1\n"+strings.Repeat("x", 1<<20)+" 1 1\n"+"b 2 2\n"+"y"+strings.Repeat(" ", 65536-4)+"3 3\nz"+strings.Repeat(" ", 65536-3)+"3 3\nc 4 4\n")
	l.arrive(t, 4)
	assert.EqualValues(t, 2, figure(t, s.Figures(), "longLines"))
	write(t, c, strings.Repeat("x", 1<<20)) // a tail that is too long is none
	require.NoError(t, c.Close())
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "connections") == 0 })
	assert.Equal(t, 4, l.count())
}

func TestTCPCloses(t *testing.T) {
	for _, begin := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /a 1\na 1 1\n", "OPTIONS * HTTP/1.1\n", "PRI * HTTP/2.0\r\n", "PUT /" + strings.Repeat("x", 100_000)} {
		l := newLedger()
		s, _, stop := carbonTCP(t, l, ingest.TCPOptions{})
		c := dial(t, s)
		_, _ = c.Write([]byte(begin + "injected 1 1\n"))
		closed(t, c)
		ok := dial(t, s)
		write(t, ok, "GETS 1 1\n")
		l.arrive(t, 1)
		write(t, ok, "GET / HTTP/1.1\n") // not the beginning: a bad line
		write(t, ok, "good 1 1\n")
		l.arrive(t, 2)
		stop()
		assert.Equal(t, "GETS=1@1 good=1@1", l.String())
		assert.EqualValues(t, 1, figure(t, s.Figures(), "httpOnLinePort"))
	}
}

func TestTCPRefusesConnections(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{MaxConnections: 2, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	from, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	closed(t, from)
	require.NoError(t, from.Close())
	a, b := dial(t, s), dial(t, s)
	closed(t, dial(t, s))
	write(t, a, "a 1 1\n")
	write(t, b, "b 1 1\n")
	l.arrive(t, 2)
	require.NoError(t, a.Close())
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "connections") == 1 })
	write(t, dial(t, s), "c 1 1\n")
	l.arrive(t, 3)
	assert.EqualValues(t, 1, figure(t, s.Figures(), "refusedConnections", "tooMany"))
	assert.EqualValues(t, 1, figure(t, s.Figures(), "refusedConnections", "notAllowed"))
	assert.EqualValues(t, 5, figure(t, s.Figures(), "acceptedConnections"))
}

func TestTCPClosesIdleConnections(t *testing.T) {
	l := newLedger()
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{IdleTime: 20 * time.Millisecond})
	c := dial(t, s)
	write(t, c, "a 1 1\n")
	closed(t, c)
	assert.Equal(t, 1, l.count())
	assert.EqualValues(t, 1, figure(t, s.Figures(), "closedConnections", "idle"))
}

// TestTCPWaitsWhileTheStoreIsFull: nothing is lost, and all goes on by itself.
func TestTCPWaitsWhileTheStoreIsFull(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	l.setFull(true)
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{Receivers: 2})
	sent := make(chan error)
	const clients, lines = 5, 300_000
	for range clients {
		c := dial(t, s)
		go func() {
			_, err := c.Write([]byte(strings.Repeat("some.name.of.a.series 1 1\n", lines)))
			sent <- err
		}()
	}
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "waits") > 3 })
	assert.Zero(t, l.count())
	l.setFull(false)
	for range clients {
		require.NoError(t, <-sent)
	}
	l.arrive(t, clients*lines)
	assert.EqualValues(t, 0, figure(t, s.Figures(), "droppedBlocks"))
}

// TestTCPWaitsAtTheEnd: what a client has sent is not dropped because the store is
// full at the moment at which all is to end.
func TestTCPWaitsAtTheEnd(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	l.setFull(true)
	s, _, stop := carbonTCP(t, l, ingest.TCPOptions{Receivers: 1})
	for range 2 { // one waits in the receiver, one for it
		c := dial(t, s)
		write(t, c, "a 1 1\n")
		require.NoError(t, c.Close())
	}
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "waits") > 0 && figure(t, s.Figures(), "bytes") == 12 })
	var ended sync.WaitGroup
	ended.Go(stop)
	testutil.Eventually(t, limit, func() bool {
		c, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	waits := figure(t, s.Figures(), "waits")
	testutil.Eventually(t, limit, func() bool {
		return figure(t, s.Figures(), "waits") > waits+4 || figure(t, s.Figures(), "droppedBlocks") > 0
	})
	l.setFull(false)
	ended.Wait()
	assert.Equal(t, "a=2@1", l.String())
	assert.EqualValues(t, 0, figure(t, s.Figures(), "droppedBlocks"))
}

func TestTCPOnAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale, err := net.Listen("unix", path) // as a process leaves it that was killed
	require.NoError(t, err)
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())
	l := newLedger()
	s, _, stop := carbonTCP(t, l, ingest.TCPOptions{Network: "unix", Address: path, Mode: 0o620})
	fi, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o620), fi.Mode().Perm())
	_, err = ingest.ListenTCP(ingest.TCPOptions{Network: "unix", Address: path})
	require.ErrorContains(t, err, "listen on unix "+path, "someone listens there")
	write(t, dial(t, s), "a 1 1\n")
	l.arrive(t, 1)
	stop()
	assert.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = ingest.ListenTCP(ingest.TCPOptions{Network: "unix", Address: path})
	require.Error(t, err)
	assert.FileExists(t, path, "it is not ours")
}

func TestListenErrors(t *testing.T) {
	_, err := ingest.ListenTCP(ingest.TCPOptions{Address: "127.0.0.1:x"})
	assert.ErrorContains(t, err, "listen on tcp 127.0.0.1:x: ")
	_, err = ingest.ListenUDP(ingest.UDPOptions{Address: "nowhere"})
	assert.ErrorContains(t, err, "listen on UDP nowhere: ")
	s, err := ingest.ListenTCP(ingest.TCPOptions{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	assert.NoError(t, s.Close())
	assert.NoError(t, s.Close())
}
