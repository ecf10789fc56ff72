//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many datagrams go with one system call.
const batch = 50

// mmsghdr is the kernel's, of which x/sys has none.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// sender sends datagrams that were made beforehand to one port of this host.
type sender struct {
	conn *net.UDPConn
	raw  syscall.RawConn
}

func newSender(port int) (*sender, error) {
	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	return &sender{conn, raw}, err
}

func (s *sender) close() { _ = s.conn.Close() }

func (s *sender) one(datagram []byte) error {
	_, err := s.conn.Write(datagram)
	return err
}

// send sends the deck over and over until a time, and returns how many datagrams
// that were. The deck is a multiple of batch.
func (s *sender) send(deck [][]byte, until time.Time) (n int, err error) {
	vectors := make([]unix.Iovec, len(deck))
	headers := make([]mmsghdr, len(deck))
	for i, d := range deck {
		vectors[i].Base = &d[0]
		vectors[i].SetLen(len(d))
		headers[i].hdr.Iov = &vectors[i]
		headers[i].hdr.SetIovlen(1)
	}
	for i := 0; time.Now().Before(until); i = (i + batch) % len(headers) {
		got, err := s.some(headers[i : i+batch])
		if err != nil {
			return n, err
		}
		n += got
	}
	return n, nil
}

func (s *sender) some(headers []mmsghdr) (n int, err error) {
	failed := s.raw.Write(func(fd uintptr) bool {
		got, _, e := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&headers[0])), uintptr(len(headers)), 0, 0, 0)
		switch e {
		case 0:
			n = int(got)
		case unix.EAGAIN:
			return false
		default:
			err = fmt.Errorf("sendmmsg: %w", e)
		}
		return true
	})
	return n, errors.Join(failed, err)
}
