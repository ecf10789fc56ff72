package outputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// dialer opens a connection for each batch.
type dialer struct {
	to      Address
	timeout time.Duration
}

// defaultTimeout is Options.Timeout's.
const defaultTimeout = 5 * time.Second

func newDialer(to Address, opt Options) dialer {
	if opt.Timeout <= 0 {
		opt.Timeout = defaultTimeout
	}
	return dialer{to, opt.Timeout}
}

func (d dialer) open(ctx context.Context) (link, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", d.to, err)
	}
	l := connection{d: d, conn: conn}
	// A cancelled ctx ends what waits on the connection.
	l.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if _, ok := conn.(*net.TCPConn); ok {
		return &stream{l}, nil
	}
	return &datagrams{l}, nil
}

// dial prefers IPv4 for UDP names that have both: without a handshake nothing
// tells which address is listened on, and statsd servers listen on 0.0.0.0 unless told otherwise.
func (d dialer) dial(ctx context.Context) (net.Conn, error) {
	nd := net.Dialer{Timeout: d.timeout}
	switch d.to.Protocol {
	case Unixgram:
		return nd.DialContext(ctx, "unixgram", d.to.Target)
	case "udp":
		if conn, err := nd.DialContext(ctx, "udp4", d.to.Target); err == nil {
			return conn, nil
		}
		return nd.DialContext(ctx, "udp", d.to.Target)
	}
	return nd.DialContext(ctx, "tcp", d.to.Target)
}

// connection is what streams and datagrams share.
type connection struct {
	d    dialer
	conn net.Conn
	stop func() bool // of what a cancelled Write does to conn
}

// deadline gives the next operation its time, unless ctx is done.
func (c *connection) deadline(ctx context.Context, d time.Duration) error {
	if err := c.conn.SetDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	// After the deadline, so that it cannot undo AfterFunc's.
	return ctx.Err()
}

func (c *connection) send(ctx context.Context, packet []byte) error {
	if err := c.deadline(ctx, c.d.timeout); err != nil {
		return c.fail(ctx, err)
	}
	if _, err := c.conn.Write(packet); err != nil {
		if errors.Is(err, syscall.EMSGSIZE) {
			err = fmt.Errorf("%w: a line of %d bytes fits into no datagram: %w", ErrPermanent, len(packet), err)
		}
		return c.fail(ctx, err)
	}
	return nil
}

func (c *connection) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("send to %s: %w", c.d.to, err)
}

func (c *connection) close() {
	c.stop()
	c.conn.Close()
}

// datagrams is a connected datagram socket.
type datagrams struct{ connection }

// How long to wait for the ICMP message by which a host says that nobody
// listens: on this host it is there at once, in a local network within
// milliseconds; those that come later are lost, as the datagrams are.
const (
	refusalHere  = time.Millisecond
	refusalThere = 10 * time.Millisecond
)

// finish looks for a refusal of the last datagrams. Servers do not answer, so
// there is nothing to read but an error.
func (d *datagrams) finish(ctx context.Context) error {
	if d.d.to.Protocol == Unixgram {
		return nil // sending had failed
	}
	wait := refusalThere
	if a, ok := d.conn.RemoteAddr().(*net.UDPAddr); ok && a.IP.IsLoopback() {
		wait = refusalHere
	}
	if err := d.deadline(ctx, wait); err != nil {
		return d.fail(ctx, err)
	}
	var answer [1]byte
	_, err := d.conn.Read(answer[:])
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return d.fail(ctx, err)
}

// stream is a TCP connection.
type stream struct{ connection }

// finish ends our side and waits until the peer ends its own, which it does
// when it has read all. One that does not within the timeout, or that ended
// its side before, has taken all when its kernel has acknowledged all.
func (s *stream) finish(ctx context.Context) error {
	tcp := s.conn.(*net.TCPConn)
	if err := tcp.CloseWrite(); err != nil {
		return s.fail(ctx, err)
	}
	if err := s.deadline(ctx, s.d.timeout); err != nil {
		return s.fail(ctx, err)
	}
	_, err := io.Copy(io.Discard, onlyReader{tcp})
	if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil) {
		return s.fail(ctx, err)
	}
	if err := s.acknowledged(ctx, tcp); err != nil {
		return s.fail(ctx, err)
	}
	return nil
}

// onlyReader hides WriteTo, whose splice would want a pipe.
type onlyReader struct{ io.Reader }

// ackPoll is how often the kernel is asked whether all is acknowledged, when
// the peer ended its side first: about a round trip in a local network.
const ackPoll = time.Millisecond

func (s *stream) acknowledged(ctx context.Context, tcp *net.TCPConn) error {
	end := time.Now().Add(s.d.timeout)
	tick := time.NewTicker(ackPoll)
	defer tick.Stop()
	for {
		left, err := unacknowledged(tcp)
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%d bytes were not acknowledged: %w", left, os.ErrDeadlineExceeded)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// networkOf parses where opt sends.
func networkOf(opt Options, protocol string, ports map[string]int) (Address, error) {
	if opt.Protocol != "" {
		protocol = strings.ToLower(opt.Protocol)
	}
	return ParseAddress(opt.Address, protocol, ports)
}
