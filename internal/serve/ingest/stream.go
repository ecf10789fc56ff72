package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// stream reads one connection. Its goroutine owns it, but for conn's deadline.
type stream struct {
	t        *TCP
	conn     net.Conn
	first    []byte    // the buffer of a connection that sends little
	buf      []byte    // the one in use: first, one of t.large, or one for a longer frame
	n        int       // bytes of buf that are read and not handed over
	scanned  int       // bytes of buf known to hold no '\n'
	skipping bool      // the rest of a line that is too long
	begun    bool      // it is known to be no HTTP request
	timed    bool      // conn has a deadline
	since    time.Time // when the frame began that is in buf
}

// run reads until the client or ctx ends it.
func (s *stream) run(ctx context.Context) {
	defer s.close()
	if !s.t.register(s) || !s.handshake(ctx) {
		return
	}
	s.first = make([]byte, min(firstBuffer, s.t.large))
	s.buf = s.first
	for s.expect(ctx) {
		n, err := s.conn.Read(s.buf[s.n:])
		s.t.counts.bytes.Add(uint64(n))
		s.n += n
		if n > 0 && !s.arrived(ctx) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if ctx.Err() != nil || !s.overdue() {
				return
			}
		default:
			s.ended(ctx, err)
			return
		}
	}
}

// register makes the end known to the connection; false when it has come.
func (t *TCP) register(s *stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[s] = struct{}{}
	return t.ending.IsZero()
}

func (s *stream) close() {
	_ = s.conn.Close() // the client's matter
	s.shrink()
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	delete(s.t.open, s)
}

func (s *stream) handshake(ctx context.Context) bool {
	c, ok := s.conn.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	return c.HandshakeContext(ctx) == nil
}

// expect makes room for the next read and gives it its deadline. It returns false
// when the connections hold too much.
func (s *stream) expect(ctx context.Context) bool {
	if s.n == len(s.buf) && !s.grow() {
		s.t.counts.greedy.Add(1)
		return false
	}
	if d := s.deadline(); !d.IsZero() || s.timed {
		s.timed = !d.IsZero()
		_ = s.conn.SetReadDeadline(d)
	}
	if ctx.Err() != nil { // after the above, which may have replaced the deadline that the end has set
		s.t.mu.Lock()
		defer s.t.mu.Unlock()
		if !s.t.ending.IsZero() {
			_ = s.conn.SetReadDeadline(s.t.last())
		}
	}
	return true
}

// deadline is when something is to be done though nothing was read; zero for never.
func (s *stream) deadline() (d time.Time) {
	var now time.Time
	within := func(t time.Duration) {
		if now.IsZero() {
			now = time.Now()
		}
		if end := now.Add(t); d.IsZero() || end.Before(d) {
			d = end
		}
	}
	if s.cooling() {
		within(coolTime)
	}
	if s.t.opt.IdleTime > 0 {
		within(s.t.opt.IdleTime)
	}
	if end := s.since.Add(s.t.opt.FrameTime); !s.since.IsZero() && (d.IsZero() || end.Before(d)) {
		d = end
	}
	return d
}

// cooling reports whether the buffer is larger than what is in it needs.
func (s *stream) cooling() bool { return len(s.buf) > len(s.first) && s.n < len(s.first) }

// overdue does what the deadline was for. It returns false when the connection is to be closed.
func (s *stream) overdue() bool {
	switch {
	case !s.since.IsZero() && time.Since(s.since) >= s.t.opt.FrameTime:
		s.t.counts.slow.Add(1)
		return false
	case s.cooling():
		copy(s.first, s.buf[:s.n])
		s.shrink()
	case s.t.opt.IdleTime > 0:
		s.t.counts.idle.Add(1)
		return false
	}
	return true
}

// grow takes the next larger buffer; false when there is none, or when all
// connections together hold too much.
func (s *stream) grow() bool {
	var larger []byte
	switch {
	case len(s.buf) < s.t.large:
		larger = *s.t.pool.Get().(*[]byte)
	case s.t.opt.Framing == Frames && len(s.buf) < headerLen+s.t.opt.MaxFrame:
		larger = make([]byte, headerLen+s.t.opt.MaxFrame)
	default:
		return false
	}
	copy(larger, s.buf[:s.n])
	s.shrink()
	s.buf = larger
	return s.t.counts.held.Add(int64(len(larger))) <= maxBuffers
}

// shrink goes back to the first buffer, which does not get what is in the other.
func (s *stream) shrink() {
	if len(s.buf) == len(s.first) {
		return
	}
	s.t.counts.held.Add(-int64(len(s.buf)))
	if b := s.buf; len(b) == s.t.large {
		s.t.pool.Put(&b)
	}
	s.buf = s.first
}

// arrived hands over what has become whole. It returns false when the connection is to be closed.
func (s *stream) arrived(ctx context.Context) bool {
	if s.t.opt.Framing == Frames {
		return s.frames(ctx)
	}
	return s.lines(ctx)
}

// ended takes the last line when the client has ended it in order.
func (s *stream) ended(ctx context.Context, err error) {
	whole := errors.Is(err, io.EOF) && s.t.opt.Tail && s.t.opt.Framing == Lines && !s.skipping
	if whole && s.n > 0 && !s.http() {
		s.t.handOver(ctx, s.buf[:s.n])
	}
}

// drop forgets the first bytes of the buffer.
func (s *stream) drop(n int) { s.n = copy(s.buf, s.buf[n:s.n]) }
