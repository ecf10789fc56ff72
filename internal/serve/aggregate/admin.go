package aggregate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// What clients of the admin port may use.
const (
	adminConnections = 16
	adminLine        = 64 << 10
	adminIdle        = 10 * time.Minute
	adminWrite       = 10 * time.Second
	// adminPause is after how long a command without a line end counts as
	// complete: node's daemon needs none.
	adminPause = 100 * time.Millisecond
)

// ServeAdmin answers node's text commands on l, which it closes, until ctx is
// done. The protocol has no secret: commands that change something are for
// clients on this machine, others are told ERROR.
func (n *Node) ServeAdmin(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept tells
	defer stop()
	room := make(chan struct{}, adminConnections)
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close() // the client's loss
			}
			return nil
		case err != nil && temporary(err):
			rest(ctx, adminPause) // no descriptors: they come back when others close
			continue
		case err != nil:
			return fmt.Errorf("serve statsd's admin port: %w", errors.Join(err, l.Close()))
		}
		select {
		case room <- struct{}{}:
			wg.Go(func() { n.attend(ctx, c); <-room })
		default:
			_ = c.Close() // too many
		}
	}
}

// temporary reports whether the connection failed, and not the listener.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// attend answers one client.
func (n *Node) attend(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // Read tells
	defer stop()
	local := isLocal(c.RemoteAddr())
	lines := commandReader{c: c}
	for {
		line, err := lines.next()
		if err != nil {
			return
		}
		answer, more := n.command(line, local)
		if !more {
			return
		}
		_ = c.SetWriteDeadline(time.Now().Add(adminWrite)) // Write tells
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func isLocal(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// commandReader takes commands apart: at line ends, and where the client pauses.
type commandReader struct {
	c    net.Conn
	buf  []byte
	room [4096]byte
}

var errLongCommand = errors.New("command too long")

func (r *commandReader) next() (line string, err error) {
	for {
		if i := bytes.IndexByte(r.buf, '\n'); i >= 0 {
			line, r.buf = string(r.buf[:i]), r.buf[i+1:]
			return line, nil
		}
		if len(r.buf) > adminLine {
			return "", errLongCommand
		}
		wait := adminIdle
		if len(r.buf) > 0 {
			wait = adminPause
		}
		_ = r.c.SetReadDeadline(time.Now().Add(wait)) // Read tells
		n, err := r.c.Read(r.room[:])
		r.buf = append(r.buf, r.room[:n]...)
		if err != nil && n == 0 {
			if len(r.buf) == 0 {
				return "", err
			}
			line, r.buf = string(r.buf), nil
			return line, nil
		}
	}
}
