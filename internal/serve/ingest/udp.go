package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// UDPOptions configure ListenUDP. The zero value but Address works.
type UDPOptions struct {
	Name        string         // of the listener in figures and logs
	Address     string         // HOST:PORT
	Sockets     int            // that share the port, each with a goroutine and a Receiver; 0: one a CPU, at most 8
	Buffer      int            // bytes that the kernel is asked to hold for each socket; 0: DefaultUDPBuffer
	MaxDatagram int            // bytes; of a longer one the whole lines are taken; 0: 65535, the most that UDP has
	Allow       []netip.Prefix // who may send; none: everybody
	Log         *slog.Logger   // nil: none
}

// DefaultUDPBuffer is what the kernel is asked to hold for a socket, in bytes:
// some 20 ms of a million datagrams a second. It takes less without privileges
// (net.core.rmem_max); the figure bufferBytes says what it took.
const DefaultUDPBuffer = 32 << 20

const (
	maxDatagram = 65535
	maxSockets  = 8
	// idleAfter is after how many datagrams a Receiver is told to hand on what it
	// has, though more wait: a thousand or so lines are worth a hand-over.
	idleAfter = 256
	retryTime = 250 * time.Millisecond // until what could not be handed on is tried again
	drainTime = 2 * time.Second        // for what the kernel holds at the end
)

// UDP receives datagrams. It never answers. Figures may be called by any
// goroutine at any time; the rest by its owner.
type UDP struct {
	opt     UDPOptions
	sockets []*socket
	trouble notices
}

// udpCounts are what one socket has seen. Only its goroutine adds.
type udpCounts struct {
	datagrams, bytes, truncated, refused, dropped, waits atomic.Uint64
	lost                                                 atomic.Uint64 // by the kernel, as of the close
}

// ListenUDP opens the sockets. From then on the kernel holds what arrives.
func ListenUDP(opt UDPOptions) (*UDP, error) {
	opt.Log = logger(opt.Log)
	if opt.Sockets <= 0 {
		opt.Sockets = min(runtime.GOMAXPROCS(0), maxSockets)
	}
	if opt.Buffer <= 0 {
		opt.Buffer = DefaultUDPBuffer
	}
	if opt.MaxDatagram <= 0 || opt.MaxDatagram > maxDatagram {
		opt.MaxDatagram = maxDatagram
	}
	u := &UDP{opt: opt}
	if err := u.open(); err != nil {
		return nil, fmt.Errorf("listen on UDP %s: %w", opt.Address, errors.Join(err, u.Close()))
	}
	return u, nil
}

// Addr is where it listens.
func (u *UDP) Addr() net.Addr { return u.sockets[0].addr }

// Close closes the sockets, if Run did not.
func (u *UDP) Close() error {
	var errs []error
	for _, s := range u.sockets {
		s.counts.lost.Store(max(s.drops(), s.counts.lost.Load()))
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// Run receives until ctx is done, then what the kernel still holds, and closes
// the sockets. newReceiver is called for each socket, before anything is received.
func (u *UDP) Run(ctx context.Context, newReceiver func() Receiver) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		for _, s := range u.sockets {
			s.interrupt()
		}
	})
	defer stop()
	var wg sync.WaitGroup
	errs := make([]error, len(u.sockets), len(u.sockets)+1)
	for i, s := range u.sockets {
		l := udpLoop{u: u, s: s, r: newReceiver()}
		wg.Go(func() {
			defer cancel() // one without the others would lose its share
			if errs[i] = l.run(ctx); errs[i] != nil {
				errs[i] = fmt.Errorf("receive on UDP %s: %w", u.opt.Address, errs[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, u.Close())...)
}

// udpLoop moves the datagrams of one socket to its Receiver.
type udpLoop struct {
	u     *UDP
	s     *socket
	r     Receiver
	since int       // datagrams since the Receiver was Idle
	full  bool      // what the Receiver has could not be handed on: all else is dropped
	retry time.Time // when that is tried again

	empty time.Time // when the kernel held nothing any more
	came  int       // datagrams since then
}

// run returns when ctx is done, or at an error of the socket.
func (l *udpLoop) run(ctx context.Context) error {
	for {
		n, err := l.s.read()
		if err != nil {
			return err
		}
		l.take(n)
		switch {
		case l.full && !time.Now().Before(l.retry), l.since >= idleAfter:
			l.idle()
		case n == 0:
			if !l.full {
				l.idle()
			}
			if ctx.Err() != nil {
				return l.drain()
			}
			if err := l.await(); err != nil {
				return err
			}
		}
	}
}

// await returns when there may be datagrams, and lets some gather where many come.
func (l *udpLoop) await() error {
	now := time.Now()
	nap := gathering(l.came, now.Sub(l.empty), l.s.buffer)
	l.empty, l.came = now, 0
	if nap > 0 {
		l.s.nap(nap)
		return nil
	}
	if err := l.s.wait(l.retry); err != nil {
		return err
	}
	if !l.full {
		l.idle() // the Receiver may not have been asked for long
	}
	return nil
}

// What [gathering] lets gather.
const (
	napTime     = time.Millisecond
	shortestNap = 100 * time.Microsecond // the kernel's clock for naps is about half as fine
	worthNap    = 8                      // datagrams: to be woken once for so many, and not for each, is a saving
	heldBytes   = 4096                   // that the kernel may count for a datagram
)

// gathering returns for how long not to look for datagrams when so many came in a
// time, so that the next system call brings many; 0: not at all. They take no more
// than a quarter of the kernel's buffer meanwhile.
func gathering(came int, in time.Duration, buffer int) time.Duration {
	in = max(in, 1)
	expected := float64(came) * float64(napTime) / float64(in)
	if expected < worthNap {
		return 0
	}
	nap := time.Duration(float64(napTime) * min(1, float64(buffer)/(4*heldBytes)/expected))
	if nap < shortestNap {
		return 0
	}
	return nap
}

// take hands n datagrams over.
func (l *udpLoop) take(n int) {
	if n == 0 {
		return
	}
	l.came += n
	var size int
	for i := range n {
		b, cut := l.s.datagram(i)
		size += len(b)
		switch {
		case len(l.u.opt.Allow) > 0 && !allowed(l.u.opt.Allow, l.s.from(i)):
			l.s.counts.refused.Add(1)
			continue
		case l.full:
			l.s.counts.dropped.Add(1)
			continue
		case cut:
			l.s.counts.truncated.Add(1)
			b = b[:bytes.LastIndexByte(b, '\n')+1]
		}
		l.r.Block(b)
		l.since++
	}
	l.s.counts.datagrams.Add(uint64(n))
	l.s.counts.bytes.Add(uint64(size))
}

// idle lets the Receiver hand on what it has. As long as it cannot, it is tried
// again after retryTime.
func (l *udpLoop) idle() {
	l.since = 0
	err := l.r.Idle()
	l.full = err != nil
	l.retry = time.Time{}
	if !l.full {
		return
	}
	l.retry = time.Now().Add(retryTime)
	l.s.counts.waits.Add(1)
	if l.u.trouble.due() {
		l.u.opt.Log.Error("what arrives is dropped", "source", l.u.opt.Name, "err", err)
	}
}

// drain takes what the kernel holds.
func (l *udpLoop) drain() error {
	for end := time.Now().Add(drainTime); time.Now().Before(end); {
		n, err := l.s.read()
		if err != nil || n == 0 {
			break
		}
		if l.take(n); l.since >= idleAfter {
			l.since, l.full = 0, l.r.Idle() != nil
		}
	}
	if err := l.r.Idle(); err != nil {
		return fmt.Errorf("hand on the last samples: %w", err)
	}
	return nil
}

// Figures are what the listener has seen so far.
func (u *UDP) Figures() []telemetry.Figure {
	var datagrams, bytes, truncated, refused, dropped, waits, lost, buffer uint64
	for _, s := range u.sockets {
		datagrams += s.counts.datagrams.Load()
		bytes += s.counts.bytes.Load()
		truncated += s.counts.truncated.Load()
		refused += s.counts.refused.Load()
		dropped += s.counts.dropped.Load()
		waits += s.counts.waits.Load()
		lost += max(s.drops(), s.counts.lost.Load())
		buffer += uint64(s.buffer)
	}
	name := u.opt.Name
	size := counter("bufferBytes", name, buffer)
	size.Counter = false
	return []telemetry.Figure{
		counter("datagrams", name, datagrams), counter("bytes", name, bytes),
		counter("truncatedDatagrams", name, truncated), counter("refusedDatagrams", name, refused),
		because(counter("droppedDatagrams", name, lost), "kernel"), because(counter("droppedDatagrams", name, dropped), "store"),
		counter("waits", name, waits), size,
	}
}
