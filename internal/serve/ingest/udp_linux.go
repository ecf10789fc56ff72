package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
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

// socket receives datagrams in batches. It is used by one goroutine, but for drops
// and interrupt.
//
// The runtime's poller does not know it: with that, each datagram that arrives while
// a thread waits for anything would wake the thread. Here one thread waits for the
// socket, and while it naps nothing wakes it.
type socket struct {
	addr    net.Addr
	fd      int
	stop    int // an eventfd: wait returns when it can be read
	buffer  int // bytes that the kernel holds, as it counts them
	headers [batch]mmsghdr
	vectors [batch]unix.Iovec
	names   []unix.RawSockaddrInet6 // of senders; empty when nobody asks
	counts  udpCounts

	mu     sync.Mutex // over closed, and both descriptors where others than the goroutine use them
	closed bool
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
		s, err := takeOver(conn.(*net.UDPConn))
		if err != nil {
			return err
		}
		u.sockets = append(u.sockets, s)
		s.prepare(u.opt)
	}
	return nil
}

// takeOver makes a socket of conn, which it closes.
func takeOver(conn *net.UDPConn) (*socket, error) {
	defer conn.Close()
	s := &socket{addr: conn.LocalAddr(), fd: -1}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) { s.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(failed, err); err != nil {
		return nil, err
	}
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(err, unix.Close(s.fd))
	}
	return s, nil
}

func share(_, _ string, c syscall.RawConn) (err error) {
	set := func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }
	return errors.Join(c.Control(set), err)
}

// prepare makes the buffers.
func (s *socket) prepare(opt UDPOptions) {
	s.buffer = enlarge(s.fd, opt.Buffer)
	// Slots are a few cache lines more than a power of two apart: else the beginnings
	// of all datagrams would share one set of the cache.
	stride := opt.MaxDatagram + 1 + 3*64
	room := s.memory(batch * stride)
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
}

// memory returns memory for s, which goes when it does. It is the system's: most of
// it is never touched, and the garbage collector would keep as much in reserve.
func (s *socket) memory(size int) []byte {
	room, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, size)
	}
	runtime.AddCleanup(s, func(room []byte) { _ = unix.Munmap(room) }, room)
	return room
}

// enlarge asks the kernel to hold size bytes, and returns what it gives.
func enlarge(fd, size int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil { // beyond rmem_max: for administrators
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size) // bufferBytes shows what came of it
	}
	got, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return got
}

// read receives what is there, at most a batch.
func (s *socket) read() (n int, err error) {
	for i := range s.names {
		s.headers[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	for {
		// Raw, for it never blocks: the scheduler need not hear of a call that copies for some 20 microseconds.
		n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.headers[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, fmt.Errorf("recvmmsg: %w", e)
		}
	}
}

// wait returns when there are datagrams, after interrupt, at a time, unless that
// is zero, and now and then for nothing.
func (s *socket) wait(until time.Time) error {
	timeout := -1
	if !until.IsZero() {
		timeout = max(0, int(time.Until(until)/time.Millisecond)+1)
	}
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(s.stop), Events: unix.POLLIN}}, timeout)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// nap returns after d, or a little earlier.
func (s *socket) nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil) // a signal ends it early
}

// interrupt has wait return now and from now on.
func (s *socket) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_, _ = unix.Write(s.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // 1, however the machine writes it, is not 0
	}
}

// close closes the socket, if it was not.
func (s *socket) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(unix.Close(s.fd), unix.Close(s.stop))
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
func (s *socket) drops() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0
	}
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 {
		return 0
	}
	return uint64(info[8])
}
