package stream

import (
	"net"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of SO_MEMINFO (linux/sock_diag.h): nine numbers of 32 bits, of which the
// last counts what the socket dropped.
const (
	memInfoLen   = 9
	memInfoDrops = 8
)

// dropsOf returns a function that tells how many datagrams the kernel dropped
// for want of room; after conn is closed it tells what it told last. The
// kernel's count wraps at 2^32.
func dropsOf(conn *net.UDPConn) func() int64 {
	var last atomic.Int64
	raw, err := conn.SyscallConn()
	if err != nil {
		return last.Load
	}
	return func() int64 {
		_ = raw.Control(func(fd uintptr) { // closed: the last count stays
			var info [memInfoLen]uint32
			size := uint32(unsafe.Sizeof(info))
			_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
				uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
			if errno == 0 {
				last.Store(int64(info[memInfoDrops]))
			}
		})
		return last.Load()
	}
}
