package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many datagrams one system call may bring: beyond 64 the cost of
// the call is a few percent of that of the datagrams.
const batch = 64

// mmsghdr is the kernel's, of which x/sys has none.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// socket receives datagrams in batches. It is used by one goroutine, but for drops.
type socket struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	buffer  int // bytes that the kernel holds, as it counts them
	headers [batch]mmsghdr
	vectors [batch]unix.Iovec
	names   []unix.RawSockaddrInet6 // of senders; empty when nobody asks
	try     func(fd uintptr) bool   // receive, bound once: a method value allocates
	got     int                     // what the last call brought
	err     error
	wait    bool // for datagrams, when none is there
	counts  udpCounts
}

// open opens all sockets on one port.
func (u *UDP) open() error {
	config := net.ListenConfig{}
	address := u.opt.Address
	if u.opt.Sockets > 1 {
		// Without SO_REUSEPORT first: a second server would get it, and with it half of what is sent.
		alone, err := config.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return err
		}
		host, _, _ := net.SplitHostPort(address) // it could be opened
		address = net.JoinHostPort(host, strconv.Itoa(alone.LocalAddr().(*net.UDPAddr).Port))
		if err := alone.Close(); err != nil {
			return err
		}
		config.Control = share
	}
	for range u.opt.Sockets {
		conn, err := config.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return err
		}
		s := &socket{conn: conn.(*net.UDPConn)}
		u.sockets = append(u.sockets, s)
		if err := s.prepare(u.opt); err != nil {
			return err
		}
	}
	return nil
}

func share(_, _ string, c syscall.RawConn) (err error) {
	set := func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }
	return errors.Join(c.Control(set), err)
}

// prepare makes the buffers.
func (s *socket) prepare(opt UDPOptions) (err error) {
	s.try = s.receive
	if s.raw, err = s.conn.SyscallConn(); err != nil {
		return err
	}
	err = s.raw.Control(func(fd uintptr) { s.buffer = enlarge(int(fd), opt.Buffer) })
	// Slots are a few cache lines more than a power of two apart: else the beginnings
	// of all datagrams would share one set of the cache.
	stride := opt.MaxDatagram + 1 + 3*64
	room := make([]byte, batch*stride)
	if len(opt.Allow) > 0 {
		s.names = make([]unix.RawSockaddrInet6, batch)
	}
	for i := range s.headers {
		s.vectors[i].Base = &room[i*stride]
		s.vectors[i].SetLen(opt.MaxDatagram)
		s.headers[i].hdr.Iov = &s.vectors[i]
		s.headers[i].hdr.SetIovlen(1)
		if s.names != nil {
			s.headers[i].hdr.Name = (*byte)(unsafe.Pointer(&s.names[i]))
		}
	}
	return err
}

// enlarge asks the kernel to hold size bytes, and returns what it gives.
func enlarge(fd, size int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil { // beyond rmem_max: for administrators
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size) // bufferBytes shows what came of it
	}
	got, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return got
}

// read receives what is there, at most a batch. When wait is set it waits until
// there is something, or until the deadline.
func (s *socket) read(wait bool) (n int, err error) {
	s.wait, s.err = wait, nil
	if err := s.raw.Read(s.try); err != nil {
		return 0, err
	}
	return s.got, s.err
}

// readNow receives what is there whatever the deadline.
func (s *socket) readNow() (n int, err error) {
	s.wait, s.err = false, nil
	if err := s.raw.Control(func(fd uintptr) { s.receive(fd) }); err != nil {
		return 0, err
	}
	return s.got, s.err
}

// receive reports whether read is to return.
func (s *socket) receive(fd uintptr) bool {
	for i := range s.names {
		s.headers[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	s.got = 0
	for {
		// Raw, for it never blocks: the scheduler need not hear of a call that copies for some 20 microseconds.
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&s.headers[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			s.got = int(n)
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return !s.wait
		default:
			s.err = fmt.Errorf("recvmmsg: %w", e)
			return true
		}
	}
}

// datagram is the i-th of what was read; cut says that it was longer.
func (s *socket) datagram(i int) (b []byte, cut bool) {
	h := &s.headers[i]
	return unsafe.Slice(s.vectors[i].Base, int(h.len)), h.hdr.Flags&unix.MSG_TRUNC != 0
}

// from is who sent the i-th datagram.
func (s *socket) from(i int) netip.Addr {
	switch sa := &s.names[i]; sa.Family {
	case unix.AF_INET:
		return netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(sa)).Addr)
	case unix.AF_INET6:
		return netip.AddrFrom16(sa.Addr)
	}
	return netip.Addr{}
}

// memInfo is what SO_MEMINFO answers; the last is how many datagrams were dropped.
type memInfo [9]uint32

// drops is how many datagrams the kernel has dropped, for it held no more. It
// is asked for when somebody wants to know: SO_RXQ_OVFL would cost each datagram
// something, and says nothing of the last ones.
func (s *socket) drops() (n uint64) {
	if s.raw == nil {
		return 0
	}
	_ = s.raw.Control(func(fd uintptr) { // after Close nothing is asked
		var info memInfo
		size := uint32(unsafe.Sizeof(info))
		_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		if e == 0 {
			n = uint64(info[8])
		}
	})
	return n
}
