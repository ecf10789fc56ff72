package outputs

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many bytes (the end of our side counts as one)
// the peer's kernel has not acknowledged, or the connection's error.
func unacknowledged(c *net.TCPConn) (bytes int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var pending int
	controlErr := raw.Control(func(fd uintptr) {
		if pending, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil && pending == 0 {
			bytes, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		}
	})
	switch {
	case controlErr != nil:
		return 0, controlErr
	case err != nil:
		return 0, fmt.Errorf("ask for acknowledgements: %w", err)
	case pending != 0:
		return 0, syscall.Errno(pending)
	}
	return bytes, nil
}
