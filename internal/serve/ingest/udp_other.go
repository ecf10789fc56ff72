//go:build !linux

package ingest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// socket receives datagrams one by one, where the kernel brings no batches. It is
// used by one goroutine, but for drops and interrupt.
type socket struct {
	addr    net.Addr
	conn    *net.UDPConn
	buffer  int
	room    []byte
	max     int
	got     int  // bytes
	held    bool // wait has received a datagram
	sender  netip.Addr
	stopped atomic.Bool
	counts  udpCounts
}

// open opens one socket: the ports of other kernels are not shared evenly.
func (u *UDP) open() error {
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", u.opt.Address)
	if err != nil {
		return err
	}
	s := &socket{addr: conn.LocalAddr(), conn: conn.(*net.UDPConn), room: make([]byte, u.opt.MaxDatagram+1), max: u.opt.MaxDatagram}
	u.sockets = append(u.sockets, s)
	if s.conn.SetReadBuffer(u.opt.Buffer) == nil {
		s.buffer = u.opt.Buffer
	}
	return nil
}

// read returns the datagram that wait has received; at the end also one that is there.
func (s *socket) read() (n int, err error) {
	if !s.held && s.stopped.Load() {
		if err := s.receive(time.Now().Add(time.Millisecond)); err != nil {
			return 0, err
		}
	}
	if !s.held {
		return 0, nil
	}
	s.held = false
	return 1, nil
}

// wait returns when it has a datagram, after interrupt, or at a time, unless that is zero.
func (s *socket) wait(until time.Time) error {
	if s.stopped.Load() {
		return nil
	}
	return s.receive(until)
}

func (s *socket) receive(until time.Time) error {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return err
	}
	if until.IsZero() && s.stopped.Load() { // interrupt's deadline may just have been replaced
		return nil
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(s.room)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	s.got, s.sender, s.held = n, from.Addr(), err == nil
	return err
}

// nap does nothing: without batches there is nothing to wait for.
func (s *socket) nap(time.Duration) {}

// interrupt has wait return now and from now on.
func (s *socket) interrupt() {
	s.stopped.Store(true)
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
}

// close closes the socket, if it was not.
func (s *socket) close() error {
	if err := s.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (s *socket) datagram(int) (b []byte, cut bool) {
	return s.room[:min(s.got, s.max)], s.got > s.max
}

func (s *socket) from(int) netip.Addr { return s.sender }

// drops is not told by other kernels.
func (s *socket) drops() uint64 { return 0 }
