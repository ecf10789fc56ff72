package ingest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

var seed = flag.Uint64("ingest.seed", 0, "of random input; 0: by the clock")

// random is a source of random bytes that the test's output can repeat.
func random(t testing.TB) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("-ingest.seed=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// noise is bytes of which some mean something to a parser.
func noise(r *rand.Rand, n int) []byte {
	const special = "\n\n  .;={}\"\\-+eE0123456789|:@#\x00\xff\r\t"
	b := make([]byte, n)
	for i := range b {
		if r.IntN(3) > 0 {
			b[i] = special[r.IntN(len(special))]
		} else {
			b[i] = byte(r.Uint32())
		}
	}
	return b
}

// memory is what the program holds, in bytes.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools keep what they hold over one
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// attack runs fn over and over until the test ends what it attacks.
func attack(wg *sync.WaitGroup, done <-chan struct{}, fn func()) {
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				fn()
			}
		}
	})
}

// TestHostileClientsHurtNobody: lines without end, 600 connections that hold half
// a line each, connections that come and go, noise and browsers, all at once; the
// good client loses nothing, and memory stays within what connections may hold.
func TestHostileClientsHurtNobody(t *testing.T) {
	testutil.LeakCheck(t)
	r := random(t)
	l := newLedger()
	s, p, stop := carbonTCP(t, l, ingest.TCPOptions{})
	before := memory()
	good := dial(t, s)
	for i := range 600 {
		write(t, dial(t, s), strings.Repeat("slow", i))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	visit := func(b []byte) {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			return // ports of loopback are few
		}
		_, _ = c.Write(b)
		_ = c.Close()
	}
	long, random := bytes.Repeat([]byte("endless"), 1<<17), noise(r, 1<<16)
	attack(&wg, done, func() { visit(long) })
	attack(&wg, done, func() { visit(random) })
	attack(&wg, done, func() { visit(nil) })
	attack(&wg, done, func() { visit([]byte("POST /write HTTP/1.1\r\n\r\ngood.injected 1 1\n")) })
	const chunks, lines = 400, 1000
	for range chunks {
		write(t, good, strings.Repeat("good.series 1 1\n", lines))
	}
	testutil.Eventually(t, limit, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.sums["good.series"] == chunks*lines
	})
	held := memory() - before
	close(done)
	wg.Wait()
	assert.Less(t, held, int64(128<<20), "600 halves of lines, and a few buffers")
	assert.NotContains(t, l.String(), "injected")
	assert.Positive(t, figure(t, s.Figures(), "httpOnLinePort"))
	assert.Positive(t, figure(t, s.Figures(), "longLines"))
	assert.Positive(t, figure(t, p.Figures(), "badLines", "fields"))
	stop()
	assert.EqualValues(t, 0, figure(t, s.Figures(), "connections"))
	assert.EqualValues(t, 0, figure(t, s.Figures(), "bufferBytes"))
}

// TestNoiseInDatagrams: good ones between them are taken.
func TestNoiseInDatagrams(t *testing.T) {
	testutil.LeakCheck(t)
	r := random(t)
	for _, newPoints := range []func(ingest.PointsOptions) *ingest.Points{ingest.NewCarbon, ingest.NewInflux} {
		l := newLedger()
		u, err := ingest.ListenUDP(ingest.UDPOptions{Name: "test", Address: "127.0.0.1:0", Sockets: 1})
		require.NoError(t, err)
		stop := start(t, u, newPoints(options(l)).Receiver)
		c := dial(t, u)
		const n = 300
		for range n {
			write(t, c, string(noise(r, 1+r.IntN(5000))))
			write(t, c, "good.series 1 1\ngood value=2 1000000000")
		}
		testutil.Eventually(t, limit, func() bool { return figure(t, u.Figures(), "datagrams") == 2*n })
		stop()
		assert.EqualValues(t, 0, figure(t, u.Figures(), "droppedDatagrams", "kernel"))
		assert.EqualValues(t, n, l.sums["good.series"]+l.sums["good"]/2)
	}
}

// TestIdleConnectionsAreCheap: a connection that sends little holds little.
func TestIdleConnectionsAreCheap(t *testing.T) {
	testutil.LeakCheck(t)
	const n = 2000
	l := newLedger()
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{MaxConnections: n})
	before := memory()
	for range n {
		write(t, dial(t, s), "a 1 1\nhalf.a.li")
	}
	l.arrive(t, n)
	each := (memory() - before) / n // with the client's half
	t.Logf("%d bytes a connection", each)
	if !testutil.Race() {
		assert.Less(t, each, int64(16<<10))
	}
}

// TestBuffersAreGivenBack: what a burst needed is not held for ever.
func TestBuffersAreGivenBack(t *testing.T) {
	l := newLedger()
	s, _, _ := carbonTCP(t, l, ingest.TCPOptions{})
	c := dial(t, s)
	write(t, c, strings.Repeat("a 1 1\n", 50_000)+"b 1 ")
	l.arrive(t, 50_000)
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "bufferBytes") == 0 })
	write(t, c, "2\n")
	l.arrive(t, 50_001)
}

// TestFramesThatNeverEnd: connections that hold long frames are closed when there
// are too many of them, or when they take too long; others go on.
func TestFramesThatNeverEnd(t *testing.T) {
	testutil.LeakCheck(t)
	l := newLedger()
	s, err := ingest.ListenTCP(ingest.TCPOptions{Name: "test", Address: "127.0.0.1:0", Framing: ingest.Frames, FrameTime: time.Second})
	require.NoError(t, err)
	start(t, s, ingest.NewPickle(options(l)).Receiver)
	good := dial(t, s)
	write(t, good, points(1))
	held := append([]byte{0, 0x10, 0, 0}, make([]byte, 70_000)...)
	for range 150 {
		c := dial(t, s)
		_, _ = c.Write(held) // which may be closed already
	}
	write(t, good, points(1))
	l.arrive(t, 2)
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "connections") == 1 })
	slow, greedy := figure(t, s.Figures(), "closedConnections", "slowFrame"), figure(t, s.Figures(), "closedConnections", "buffers")
	assert.EqualValues(t, 150, slow+greedy)
	assert.Positive(t, slow)
	assert.Positive(t, greedy)
	assert.EqualValues(t, 0, figure(t, s.Figures(), "bufferBytes"))
	write(t, good, points(20_000))
	l.arrive(t, 20_002)
}

// TestTLS: lines over TLS; who does not speak it is closed.
func TestTLS(t *testing.T) {
	testutil.LeakCheck(t)
	web := httptest.NewTLSServer(nil) // for its certificate
	certificates, roots := web.TLS.Certificates, x509.NewCertPool()
	roots.AddCert(web.Certificate())
	web.Close()
	l := newLedger()
	s, _, stop := carbonTCP(t, l, ingest.TCPOptions{TLS: &tls.Config{Certificates: certificates}})
	plain := dial(t, s)
	write(t, plain, "plain 1 1\nplain 1 1\n")
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "example.com"})
	require.NoError(t, err)
	_, err = c.Write([]byte(strings.Repeat("a 1 1\n", 30_000)))
	require.NoError(t, err)
	l.arrive(t, 30_000)
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "bufferBytes") == 0 }) // a deadline came and went
	_, err = c.Write([]byte("b 1 1"))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	l.arrive(t, 30_001)
	testutil.Eventually(t, limit, func() bool { return figure(t, s.Figures(), "connections") == 0 })
	stop()
	assert.Equal(t, "a=30000@1 b=1@1", l.String())
}

// TestReceiversDoNotAllocate: once they have seen the longest block.
func TestReceiversDoNotAllocate(t *testing.T) {
	if testutil.Race() {
		t.Skip("allocations are not measured under the race detector")
	}
	for _, c := range []struct {
		newPoints func(ingest.PointsOptions) *ingest.Points
		block     string
	}{
		{ingest.NewCarbon, strings.Repeat("a.b.c 1.5 1000\na.b;k=v 2 -1\nbroken\na nan 1\n", 100)},
		{ingest.NewPickle, points(500)[pickle.HeaderLen:]},
		{ingest.NewInflux, strings.Repeat("cpu,host=a idle=1,busy=2i,on=t 1500000000\nbroken\n", 20)},
	} {
		counting := &counting{points: new(atomic.Int64)}
		r := c.newPoints(ingest.PointsOptions{NewWriter: counting.writer}).Receiver()
		block := []byte(c.block)
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			r.Block(block)
			_ = r.Idle()
		}), fmt.Sprintf("%.20q", c.block))
	}
}
