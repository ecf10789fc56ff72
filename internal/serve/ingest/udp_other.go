//go:build !linux

package ingest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// socket receives datagrams one by one, where the kernel brings no batches.
type socket struct {
	conn   *net.UDPConn
	buffer int
	room   []byte
	max    int
	got    int // bytes
	sender netip.Addr
	counts udpCounts
}

// open opens one socket: the ports of other kernels are not shared evenly.
func (u *UDP) open() error {
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", u.opt.Address)
	if err != nil {
		return err
	}
	s := &socket{conn: conn.(*net.UDPConn), room: make([]byte, u.opt.MaxDatagram+1), max: u.opt.MaxDatagram}
	u.sockets = append(u.sockets, s)
	if s.conn.SetReadBuffer(u.opt.Buffer) == nil {
		s.buffer = u.opt.Buffer
	}
	return nil
}

// read receives a datagram; without wait only when one is there.
func (s *socket) read(wait bool) (n int, err error) {
	if !wait {
		return 0, nil
	}
	var from netip.AddrPort
	s.got, from, err = s.conn.ReadFromUDPAddrPort(s.room)
	s.sender = from.Addr()
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// readNow receives a datagram that is there.
func (s *socket) readNow() (n int, err error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return 0, err
	}
	n, err = s.read(true)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	return n, err
}

func (s *socket) datagram(int) (b []byte, cut bool) {
	return s.room[:min(s.got, s.max)], s.got > s.max
}

func (s *socket) from(int) netip.Addr { return s.sender }

// drops is not told by other kernels.
func (s *socket) drops() uint64 { return 0 }
