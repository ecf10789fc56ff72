package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// Framing says how a stream is cut into what a Receiver takes.
type Framing uint8

// The framings.
const (
	Lines  Framing = iota // ended by '\n'; handed over as many at a time as are there
	Frames                // each after its length, 4 bytes big-endian
)

// TCPOptions configure ListenTCP. The zero value but Address works.
type TCPOptions struct {
	Name           string      // of the listener in figures and logs
	Network        string      // "tcp", or "unix" for a stream socket; "": "tcp"
	Address        string      // HOST:PORT, or the path of a unix socket
	Mode           os.FileMode // of a unix socket; 0: 0600
	Framing        Framing
	Tail           bool          // the last line of a stream that the client ended is taken without its '\n', too
	MaxConnections int           // at a time; more are closed at once; 0: DefaultMaxConnections
	MaxLine        int           // bytes without the '\n'; longer lines are skipped; 0: DefaultMaxLine
	MaxFrame       int           // bytes without the length; a longer one ends the connection; 0: DefaultMaxFrame
	IdleTime       time.Duration // after which a silent connection is closed; 0: never
	FrameTime      time.Duration // from the first byte of a frame to its last, else the connection is closed; 0: DefaultFrameTime
	Receivers      int           // that work at a time, whatever the number of connections; 0: one a CPU
	Allow          []netip.Prefix
	TLS            *tls.Config  // nil: none
	Log            *slog.Logger // nil: none
}

// What TCPOptions replace.
const (
	DefaultMaxConnections = 1024
	DefaultMaxLine        = 64 << 10 // also what is read at a time: the cost of a read hides behind that of its lines
	DefaultMaxFrame       = 1 << 20
	DefaultFrameTime      = 30 * time.Second
)

const (
	firstBuffer = 1 << 10 // of a connection that sends little: 10 000 of them take 10 MB
	// maxBuffers bounds what all connections of a listener hold in larger buffers.
	maxBuffers    = 128 << 20
	coolTime      = time.Second // after which a connection that sends no more gives its large buffer back
	handshakeTime = 10 * time.Second
	endTime       = 2 * time.Second        // at the end, for what connections have sent already
	settleTime    = 700 * time.Millisecond // at the end, for a store that is full
	lastRetryTime = 20 * time.Millisecond  // then, between two tries
	lullTime      = 250 * time.Millisecond // at the end, after which a silent connection has sent all
)

// TCP receives streams, also those of unix sockets. It never answers, but for
// what TLS does. Figures may be called by any goroutine at any time; the rest
// by its owner.
type TCP struct {
	opt       TCPOptions
	listener  net.Listener
	receivers chan Receiver // those that no connection uses
	large     int           // length of the buffers in pool
	pool      sync.Pool     // of *[]byte
	trouble   notices
	counts    tcpCounts

	mu     sync.Mutex // protects what follows
	open   map[*stream]struct{}
	ending time.Time // when reading ends; zero while it does not
}

type tcpCounts struct {
	open                                            atomic.Int64
	connections, refused, full, http                atomic.Uint64
	bytes, longLines, badFrames, slow, idle, greedy atomic.Uint64
	waits, lost, acceptErrors                       atomic.Uint64
	held                                            atomic.Int64 // bytes in larger buffers
}

// ListenTCP opens the listener. A unix socket that nobody listens on any more is replaced.
func ListenTCP(opt TCPOptions) (*TCP, error) {
	opt.Log = logger(opt.Log)
	orDefault(&opt.MaxConnections, DefaultMaxConnections)
	orDefault(&opt.MaxLine, DefaultMaxLine)
	orDefault(&opt.MaxFrame, DefaultMaxFrame)
	orDefault(&opt.Receivers, runtime.GOMAXPROCS(0))
	if opt.FrameTime <= 0 {
		opt.FrameTime = DefaultFrameTime
	}
	if opt.Network == "" {
		opt.Network = "tcp"
	}
	l, err := listen(opt)
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", opt.Network, opt.Address, err)
	}
	t := &TCP{opt: opt, listener: l, open: make(map[*stream]struct{}), receivers: make(chan Receiver, opt.Receivers), large: opt.MaxLine + 1}
	t.pool.New = func() any { b := make([]byte, t.large); return &b }
	return t, nil
}

func orDefault(v *int, otherwise int) {
	if *v <= 0 {
		*v = otherwise
	}
}

func listen(opt TCPOptions) (net.Listener, error) {
	var config net.ListenConfig
	if opt.Network != "unix" {
		return config.Listen(context.Background(), opt.Network, opt.Address)
	}
	if err := removeStale(opt.Address); err != nil {
		return nil, err
	}
	l, err := config.Listen(context.Background(), "unix", opt.Address)
	if err != nil {
		return nil, err
	}
	if opt.Mode == 0 {
		opt.Mode = 0o600
	}
	if err := os.Chmod(opt.Address, opt.Mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeStale removes the socket that a process left which did not end well.
func removeStale(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Mode().Type() != fs.ModeSocket {
		return nil // listening says what is in the way
	}
	if err != nil {
		return err
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return nil
	}
	return os.Remove(path)
}

// Addr is where it listens.
func (t *TCP) Addr() net.Addr { return t.listener.Addr() }

// Close closes the listener, if Run did not.
func (t *TCP) Close() error {
	if err := t.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run receives until ctx is done, then what connections have sent already (for
// 2 s at most), and closes all. newReceiver is called TCPOptions.Receivers times,
// before anything is received: connections take turns with them. The error says
// that the last samples could not be handed on.
func (t *TCP) Run(ctx context.Context, newReceiver func() Receiver) error {
	for range t.opt.Receivers {
		t.receivers <- newReceiver()
	}
	stop := context.AfterFunc(ctx, t.end)
	var wg sync.WaitGroup
	t.accept(ctx, &wg)
	wg.Wait()
	stop()
	var errs []error
	for range t.opt.Receivers {
		r := <-t.receivers
		errs = append(errs, r.Idle())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("hand on the last samples: %w", err)
	}
	return t.Close()
}

// end stops accepting, and bounds the time that connections have to be read empty.
func (t *TCP) end() {
	_ = t.Close() // accept sees that ctx is done
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = time.Now().Add(endTime)
	for s := range t.open {
		_ = s.conn.SetReadDeadline(t.last())
	}
}

// last is the deadline of a read at the end. Called with mu held.
func (t *TCP) last() time.Time {
	if lull := time.Now().Add(lullTime); lull.Before(t.ending) {
		return lull
	}
	return t.ending
}

// accept starts a goroutine for each connection, for which its caller waits.
func (t *TCP) accept(ctx context.Context, wg *sync.WaitGroup) {
	for ctx.Err() == nil {
		conn, err := t.listener.Accept()
		if err != nil {
			t.acceptFailed(ctx, err)
			continue
		}
		t.counts.connections.Add(1)
		switch {
		case !allowed(t.opt.Allow, addrOf(conn.RemoteAddr())):
			t.counts.refused.Add(1)
			_ = conn.Close()
			continue
		case t.counts.open.Load() >= int64(t.opt.MaxConnections):
			t.counts.full.Add(1)
			_ = conn.Close()
			continue
		}
		if t.opt.TLS != nil {
			conn = tls.Server(conn, t.opt.TLS)
		}
		s := &stream{t: t, conn: conn}
		t.counts.open.Add(1)
		wg.Go(func() {
			defer t.counts.open.Add(-1)
			s.run(ctx)
		})
	}
}

// acceptFailed waits for what may pass, as too many open files do.
func (t *TCP) acceptFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	t.counts.acceptErrors.Add(1)
	if t.trouble.due() {
		t.opt.Log.Error("no connections are accepted", "source", t.opt.Name, "err", err)
	}
	wait(ctx, retryTime)
}

// wait returns after d, or when ctx is done: false.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Figures are what the listener has seen so far.
func (t *TCP) Figures() []telemetry.Figure {
	name, c := t.opt.Name, &t.counts
	open := counter("connections", name, uint64(max(c.open.Load(), 0)))
	held := counter("bufferBytes", name, uint64(max(c.held.Load(), 0)))
	open.Counter, held.Counter = false, false
	refused := func(why string, n *atomic.Uint64) telemetry.Figure {
		return because(counter("refusedConnections", name, n.Load()), why)
	}
	closed := func(why string, n *atomic.Uint64) telemetry.Figure {
		return because(counter("closedConnections", name, n.Load()), why)
	}
	return []telemetry.Figure{
		open, counter("acceptedConnections", name, c.connections.Load()), counter("acceptErrors", name, c.acceptErrors.Load()),
		refused("tooMany", &c.full), refused("notAllowed", &c.refused),
		closed("badFrame", &c.badFrames), closed("slowFrame", &c.slow), closed("idle", &c.idle), closed("buffers", &c.greedy),
		counter("httpOnLinePort", name, c.http.Load()), counter("bytes", name, c.bytes.Load()),
		counter("longLines", name, c.longLines.Load()), counter("waits", name, c.waits.Load()), counter("droppedBlocks", name, c.lost.Load()), held,
	}
}
