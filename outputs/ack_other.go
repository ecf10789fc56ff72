//go:build !linux

package outputs

import "net"

// unacknowledged cannot be known here: the end of the peer's side, or the
// time it had to reset the connection, stands for its acknowledgement.
func unacknowledged(*net.TCPConn) (bytes int, err error) { return 0, nil }
