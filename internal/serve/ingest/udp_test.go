package ingest_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

func carbonUDP(t testing.TB, l *ledger, opt ingest.UDPOptions) (u *ingest.UDP, p *ingest.Points, stop func()) {
	t.Helper()
	opt.Name, opt.Address = "test", "127.0.0.1:0"
	u, err := ingest.ListenUDP(opt)
	require.NoError(t, err)
	p = ingest.NewCarbon(ingest.PointsOptions{Name: "test", NewWriter: l.writer})
	return u, p, start(t, u, p.Receiver)
}

// TestUDPTakesEveryDatagram: from many senders, whose datagrams go to different sockets.
func TestUDPTakesEveryDatagram(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	u, p, stop := carbonUDP(t, l, ingest.UDPOptions{Sockets: 3})
	want := 0
	for i := range 20 {
		c := dial(t, u)
		for j := range 50 {
			write(t, c, fmt.Sprintf("s%d.x 1 %d\nall 1 5", i, j))
			want += 2
		}
		l.arrive(t, want)
	}
	assert.Contains(t, l.String(), "all=1000@5 s0.x=50@49 ")
	stop()
	assert.EqualValues(t, 1000, figure(t, u.Figures(), "datagrams"))
	assert.EqualValues(t, 0, figure(t, u.Figures(), "droppedDatagrams", "kernel"))
	assert.EqualValues(t, 2000, figure(t, p.Figures(), "points"))
}

// TestUDPTakesWhatTheKernelHoldsAtTheEnd: it was sent before.
func TestUDPTakesWhatTheKernelHoldsAtTheEnd(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	u, err := ingest.ListenUDP(ingest.UDPOptions{Address: "127.0.0.1:0", Sockets: 2})
	require.NoError(t, err)
	for i := range 500 {
		c := dial(t, u)
		write(t, c, fmt.Sprintf("a 1 %d", i))
		require.NoError(t, c.Close())
	}
	p := ingest.NewCarbon(ingest.PointsOptions{NewWriter: l.writer})
	start(t, u, p.Receiver)()
	assert.Equal(t, 500, l.count())
}

func TestUDPCutsLongDatagrams(t *testing.T) {
	l := newLedger()
	u, _, stop := carbonUDP(t, l, ingest.UDPOptions{MaxDatagram: 20})
	c := dial(t, u)
	write(t, c, "a 1 1\nb 2 2\nc 3 3\nd 4 4444\n")
	write(t, c, "z 1 12345678901234567")
	write(t, c, "yyyyyyy 1 1000000000")
	l.arrive(t, 4)
	stop()
	assert.Equal(t, "a=1@1 b=2@2 c=3@3 yyyyyyy=1@1000000000", l.String())
	assert.EqualValues(t, 2, figure(t, u.Figures(), "truncatedDatagrams"))
}

func TestUDPRefusesStrangers(t *testing.T) {
	l := newLedger()
	u, _, stop := carbonUDP(t, l, ingest.UDPOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}})
	from, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, u.Addr().(*net.UDPAddr))
	require.NoError(t, err)
	defer from.Close()
	write(t, from, "stranger 1 1")
	write(t, dial(t, u), "friend 1 1")
	l.arrive(t, 1)
	stop()
	assert.Equal(t, "friend=1@1", l.String())
	assert.EqualValues(t, 1, figure(t, u.Figures(), "refusedDatagrams"))
}

// TestUDPNeverAnswers: whatever it gets, nothing comes back.
func TestUDPNeverAnswers(t *testing.T) {
	l := newLedger()
	u, _, _ := carbonUDP(t, l, ingest.UDPOptions{})
	c := dial(t, u)
	for _, text := range []string{"a 1 1", "garbage", "", "GET / HTTP/1.1\r\n\r\n", "\x00\x00", strings.Repeat("x", 60000), "bad.x 1 1", "b 1 1"} {
		write(t, c, text)
	}
	l.arrive(t, 2)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := c.Read(make([]byte, 1))
	assert.Zero(t, n)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// TestUDPDropsWhileTheStoreIsFull, counts it, and takes what comes when it is not any more.
func TestUDPDropsWhileTheStoreIsFull(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	l.setFull(true)
	u, _, stop := carbonUDP(t, l, ingest.UDPOptions{Sockets: 1})
	c := dial(t, u)
	write(t, c, "first 1 1")
	testutil.Eventually(t, limit, func() bool { return figure(t, u.Figures(), "waits") > 0 })
	for range 100 {
		write(t, c, "dropped 1 1")
	}
	testutil.Eventually(t, limit, func() bool { return figure(t, u.Figures(), "droppedDatagrams", "store") == 100 })
	l.setFull(false)
	l.arrive(t, 1) // what was taken before, with no datagram to remind of it
	write(t, c, "last 1 1")
	l.arrive(t, 2)
	stop()
	assert.Equal(t, "first=1@1 last=1@1", l.String())
	assert.EqualValues(t, 102, figure(t, u.Figures(), "datagrams"))
	assert.Positive(t, figure(t, u.Figures(), "waits"))
}

// TestUDPCountsWhatTheKernelDrops: the last ones too, behind which nothing comes.
func TestUDPCountsWhatTheKernelDrops(t *testing.T) {
	l := newLedger()
	u, err := ingest.ListenUDP(ingest.UDPOptions{Name: "test", Address: "127.0.0.1:0", Sockets: 1, Buffer: 4096})
	require.NoError(t, err)
	c := dial(t, u)
	for range 2000 {
		write(t, c, "a 1 1")
	}
	dropped := figure(t, u.Figures(), "droppedDatagrams", "kernel")
	assert.Positive(t, dropped)
	p := ingest.NewCarbon(ingest.PointsOptions{NewWriter: l.writer})
	start(t, u, p.Receiver)()
	assert.Equal(t, 2000, l.count()+int(dropped))
	assert.Equal(t, dropped, figure(t, u.Figures(), "droppedDatagrams", "kernel"), "after the end, too")
}

// TestOneServerOnAPort: a second one would get half of what is sent.
func TestOneServerOnAPort(t *testing.T) {
	u, err := ingest.ListenUDP(ingest.UDPOptions{Address: "127.0.0.1:0", Sockets: 2})
	require.NoError(t, err)
	_, err = ingest.ListenUDP(ingest.UDPOptions{Address: u.Addr().String(), Sockets: 2})
	assert.ErrorContains(t, err, "listen on UDP "+u.Addr().String())
	assert.NoError(t, u.Close())
	assert.NoError(t, u.Close())
}
