package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// ForwardOptions configure a Forwarder. The zero value but Address works.
type ForwardOptions struct {
	Address  string // HOST:PORT of Graphite's plain text over TCP
	MaxBytes int    // of flushes that wait; 0: DefaultForwardBytes
	Log      *slog.Logger
}

// DefaultForwardBytes is what waits for a Graphite at most: minutes of 100,000 names.
const DefaultForwardBytes = 64 << 20

// How a Forwarder waits.
const (
	forwardDial   = 5 * time.Second
	forwardWrite  = 30 * time.Second // for a flush to be written
	forwardAnswer = 2 * time.Second  // for the other side to close, by which it says that it read all
	forwardFirst  = time.Second      // before it is tried again; twice as long each time
	forwardLast   = 30 * time.Second
	forwardEnd    = 2 * time.Second // for what waits when all ends
)

// Forwarder sends flushes on to a Graphite, one connection a flush, in order.
// What cannot be sent waits and is tried again; beyond MaxBytes the oldest goes.
type Forwarder struct {
	opt  ForwardOptions
	wake chan struct{} // something waits, or it is over

	mu      sync.Mutex // over what follows
	queue   [][]byte
	bytes   int
	over    bool
	end     time.Time // when trying ends, once it is over
	figures forwardFigures
}

// forwardFigures are what a Forwarder tells of itself.
type forwardFigures struct {
	sent, failed, dropped uint64 // flushes; failed tries
	exception, flushed    time.Time
	took                  time.Duration
	size                  int
	bytes                 uint64 // ever
}

// NewForwarder returns a Forwarder, which [Node.Run] and [Brubeck.Run] set going.
func NewForwarder(opt ForwardOptions) (*Forwarder, error) {
	if _, _, err := net.SplitHostPort(opt.Address); err != nil {
		return nil, fmt.Errorf("forward to %q: %w", opt.Address, err)
	}
	if opt.MaxBytes == 0 {
		opt.MaxBytes = DefaultForwardBytes
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Forwarder{opt: opt, wake: make(chan struct{}, 1)}, nil
}

// offer takes a flush, which belongs to the Forwarder from then on.
func (f *Forwarder) offer(text []byte) {
	f.mu.Lock()
	f.queue = append(f.queue, text)
	f.bytes += len(text)
	for f.bytes > f.opt.MaxBytes && len(f.queue) > 0 {
		f.figures.dropped++
		f.pop()
	}
	f.mu.Unlock()
	f.nudge()
}

func (f *Forwarder) nudge() {
	select {
	case f.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// pop removes the oldest. Called with mu held.
func (f *Forwarder) pop() {
	f.bytes -= len(f.queue[0])
	f.queue[0] = nil
	f.queue = f.queue[1:]
}

// finish says that nothing more comes.
func (f *Forwarder) finish() {
	f.mu.Lock()
	f.over, f.end = true, time.Now().Add(forwardEnd)
	f.mu.Unlock()
	f.nudge()
}

// next returns the oldest that waits, and by when it must be sent if all ends.
func (f *Forwarder) next() (text []byte, over bool, end time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) > 0 {
		text = f.queue[0]
	}
	return text, f.over, f.end
}

// run sends until finish was called and what then waits is sent, or tried for long enough.
func (f *Forwarder) run(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	defer f.giveUp()
	pause := forwardFirst
	for {
		text, over, end := f.next()
		switch {
		case over && (text == nil || !time.Now().Before(end)):
			return
		case text == nil:
			<-f.wake
			continue
		}
		if f.try(ctx, text, over, end) {
			pause = forwardFirst
			continue
		}
		if over {
			return
		}
		f.rest(pause)
		pause = min(2*pause, forwardLast)
	}
}

// giveUp says what was not sent.
func (f *Forwarder) giveUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.queue); n > 0 {
		f.figures.dropped += uint64(n)
		f.opt.Log.Error("flushes were not forwarded, for all ends", "address", f.opt.Address, "flushes", n, "bytes", f.bytes)
	}
}

// rest waits, unless all ends.
func (f *Forwarder) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-f.wake:
			if _, over, _ := f.next(); over {
				return
			}
		}
	}
}

// try sends a flush, and takes it off the queue when it was read.
func (f *Forwarder) try(ctx context.Context, text []byte, over bool, end time.Time) bool {
	if over {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	start := time.Now()
	err := send(ctx, f.opt.Address, text)
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.figures
	if err != nil {
		if s.failed++; !s.exception.After(s.flushed) {
			f.opt.Log.Error("forward a flush; it is tried again", "err", err)
		}
		s.exception = time.Now()
		return false
	}
	if s.exception.After(s.flushed) {
		f.opt.Log.Info("forwarding works again", "address", f.opt.Address)
	}
	s.sent++
	s.bytes += uint64(len(text))
	s.flushed, s.took, s.size = time.Now(), time.Since(start), len(text)
	if len(f.queue) > 0 && &f.queue[0][0] == &text[0] { // else it was dropped meanwhile
		f.pop()
	}
	return true
}

// send sends text over a connection of its own, and returns nil when the other
// side closed it after the end, or does not say.
func send(ctx context.Context, address string, text []byte) (err error) {
	dialer := net.Dialer{Timeout: forwardDial}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.SetDeadline(sooner(ctx, forwardWrite)); err != nil {
		return fmt.Errorf("forward to %s: %w", address, err)
	}
	if _, err := c.Write(text); err != nil {
		return fmt.Errorf("forward to %s: %w", address, err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return fmt.Errorf("forward to %s: %w", address, err)
	}
	if err := c.SetReadDeadline(sooner(ctx, forwardAnswer)); err != nil {
		return fmt.Errorf("forward to %s: %w", address, err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("forward to %s: %w", address, err)
	}
	return nil
}

// sooner returns the end of wait, or of ctx.
func sooner(ctx context.Context, wait time.Duration) time.Time {
	end := time.Now().Add(wait)
	if by, ok := ctx.Deadline(); ok && by.Before(end) {
		return by
	}
	return end
}

func (f *Forwarder) stats() (s forwardFigures, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.figures, f.bytes
}
