package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/feed"
)

// ErrInUse is returned by Open for a socket on which someone listens.
var ErrInUse = errors.New("another program listens there")

const (
	// maxDatagram is above what the kernel lets through: 64 KiB of UDP, and by
	// default 208 KiB on a local socket.
	maxDatagram = 256 << 10
	// udpBuffer is what the kernel is asked to hold of datagrams, in bytes: some
	// ten thousand lines, for bursts. It may give less.
	udpBuffer = 4 << 20
	// readPause is after an error that may pass, as of a kernel without memory.
	readPause = time.Second
)

// SplitUDP returns the parts of "udp:HOST:PORT", neither of which is empty.
func SplitUDP(name string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(strings.TrimPrefix(name, UDP))
	if err == nil && host == "" {
		err = errors.New("it names no address to listen on (127.0.0.1 is this machine alone, 0.0.0.0 all)")
	}
	if err == nil && port == "" {
		err = errors.New("it names no port")
	}
	if err != nil {
		return "", "", fmt.Errorf("listen on %q: %w", name, err)
	}
	return host, port, nil
}

func openUDP(address string, opt Options) (*Source, error) {
	_, _, err := SplitUDP(UDP + address)
	if err != nil {
		return nil, err
	}
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on \"%s%s\": %w", UDP, address, err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on \"%s%s\": %w", UDP, address, err)
	}
	if err := conn.SetReadBuffer(udpBuffer); err != nil {
		opt.Log.Debug("the kernel's buffer stays as it is", "err", err)
	}
	s := start(opt, func(f *feed.Feed) error { return receive(f, conn) })
	s.close = conn.Close
	s.drops = dropsOf(conn)
	return s, nil
}

func openUnixgram(path string, opt Options) (*Source, error) {
	conn, err := listenUnixgram(path)
	if err != nil {
		return nil, fmt.Errorf("listen on \"%s%s\": %w", Unixgram, path, err)
	}
	made, err := os.Lstat(path)
	if err == nil {
		// As /dev/log has it: whoever may write may log. The umask was applied to 0777.
		err = os.Chmod(path, made.Mode()&0o666)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on \"%s%s\": %w", Unixgram, path, err), conn.Close())
	}
	s := start(opt, func(f *feed.Feed) error { return receive(f, conn) })
	s.close = func() error { return errors.Join(conn.Close(), removeSame(path, made)) }
	return s, nil
}

// listenUnixgram listens at path, from which it removes a socket that another
// program left when it died.
func listenUnixgram(path string) (*net.UnixConn, error) {
	addr := &net.UnixAddr{Name: path, Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if !errors.Is(err, unix.EADDRINUSE) {
		return conn, err
	}
	old, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if old.Mode().Type() != fs.ModeSocket {
		return nil, errors.New("what is there is not a socket, and stays")
	}
	peer, err := net.DialUnix("unixgram", nil, addr)
	if err == nil {
		return nil, errors.Join(ErrInUse, peer.Close())
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err := removeSame(path, old); err != nil {
		return nil, err
	}
	return net.ListenUnixgram("unixgram", addr)
}

// removeSame removes path if it still is the file that was seen there.
func removeSame(path string, seen fs.FileInfo) error {
	now, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, seen) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// receive makes each datagram a line, until conn is closed.
func receive(f *feed.Feed, conn net.Conn) error {
	buf := make([]byte, maxDatagram+1)
	var line []byte
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return feed.ErrStopped
		}
		if err != nil {
			f.Fail(fmt.Errorf("read from socket: %w", err))
			select {
			case <-time.After(readPause):
			case <-f.Stopped():
			}
			continue
		}
		if n > maxDatagram {
			// It has lost its end, and goes the way of a line that is too long.
			f.Skipped(n)
			continue
		}
		line = AppendEscaped(line[:0], bytes.TrimRight(buf[:n], "\n\x00"))
		if _, err := f.Write(append(line, '\n')); err != nil {
			return err
		}
	}
}

// AppendEscaped appends p to dst with what would end a line, or confuse those
// who look for its end, written as rsyslog writes it: #012, #015, #000.
func AppendEscaped(dst, p []byte) []byte {
	for {
		i := bytes.IndexAny(p, "\n\r\x00")
		if i < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		switch p[i] {
		case '\n':
			dst = append(dst, "#012"...)
		case '\r':
			dst = append(dst, "#015"...)
		default:
			dst = append(dst, "#000"...)
		}
		p = p[i+1:]
	}
}
