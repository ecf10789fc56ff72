package outputs_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// badPeer is a listener on loopback; stop ends it and returns what it read.
type badPeer struct {
	address  string
	accepted chan struct{} // holds a value once there was a connection
	closer   io.Closer
	done     chan []byte
	released chan struct{}
	packets  bool
}

// serve handles a connection, which is closed when it returns.
// released is closed when the test needs the peer no longer.
type serve func(c *net.TCPConn, released <-chan struct{}) []byte

// listen starts a peer for connections, or for datagrams, until stop.
func listen(t *testing.T, v variant, address string, fn serve) *badPeer {
	t.Helper()
	p := &badPeer{accepted: make(chan struct{}, 1), done: make(chan []byte, 1), released: make(chan struct{})}
	if !v.stream() && !v.http() {
		p.listenPacket(t, address)
		return p
	}
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	p.address, p.closer = l.Addr().String(), l
	go p.accept(l, fn)
	return p
}

// accept serves one connection after the other until the listener is closed.
func (p *badPeer) accept(l net.Listener, fn serve) {
	var data []byte
	for {
		conn, err := l.Accept()
		if err != nil {
			p.done <- data
			return
		}
		select {
		case p.accepted <- struct{}{}:
		default: // the test waits for the first only
		}
		data = append(data, fn(conn.(*net.TCPConn), p.released)...)
		conn.Close()
	}
}

func (p *badPeer) listenPacket(t *testing.T, address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	require.NoError(t, err)
	p.address, p.closer, p.packets = conn.LocalAddr().String(), conn, true
	go func() {
		var data []byte
		buf := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil || string(buf[:n]) == lastPacket {
				p.done <- data
				return
			}
			data = append(append(data, buf[:n]...), '\n')
		}
	}()
}

// lastPacket ends a peer of datagrams, which so reads all that was sent before.
const lastPacket = "the last packet"

// stop returns what the peer read, once it has ended.
func (p *badPeer) stop(t *testing.T) []byte {
	t.Helper()
	close(p.released)
	if p.packets {
		conn, err := net.Dial("udp", p.address)
		require.NoError(t, err)
		_, err = conn.Write([]byte(lastPacket))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		data := <-p.done
		require.NoError(t, p.closer.Close())
		return data
	}
	require.NoError(t, p.closer.Close())
	return <-p.done
}

func readAll(c *net.TCPConn, _ <-chan struct{}) []byte {
	data, _ := io.ReadAll(c)
	return data
}

// readSlowly makes the sender's writes partial.
func readSlowly(c *net.TCPConn, released <-chan struct{}) []byte {
	_ = c.SetReadBuffer(64 << 10)
	return readAll(c, released)
}

func readAndStay(c *net.TCPConn, released <-chan struct{}) []byte {
	data := readAll(c, released)
	<-released
	return data
}

func endFirst(c *net.TCPConn, released <-chan struct{}) []byte {
	_ = c.CloseWrite()
	return readAll(c, released)
}

func reset(c *net.TCPConn, _ <-chan struct{}) []byte {
	_ = c.SetLinger(0)
	return nil
}

func readHalfAndReset(c *net.TCPConn, _ <-chan struct{}) []byte {
	half := make([]byte, 1<<20)
	_, _ = io.ReadFull(c, half)
	_ = c.SetLinger(0)
	return half
}

func closeAtOnce(*net.TCPConn, <-chan struct{}) []byte { return nil }

func stall(_ *net.TCPConn, released <-chan struct{}) []byte {
	<-released
	return nil
}
