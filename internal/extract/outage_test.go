package extract_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outages are ways in which a sink does not take what it is sent.
var outages = map[string]struct {
	behave behaviour // nil: nobody listens
	code   int       // of runs meanwhile
	flag   string
}{
	"refusing":               {nil, 3, "--delivery-timeout=1s"},
	"resetting":              {reset(0), 3, "--delivery-timeout=1s"},
	"resetting after a part": {reset(1000), 3, "--delivery-timeout=1s"},
	"accepting half":         {half, 3, "--delivery-timeout=1s"},
	"never reading":          {stuck, 3, "--delivery-timeout=300ms"},
	"half-closing":           {halfClosing, 0, "--delivery-timeout=20s"},
	"slow":                   {slow, 0, "--delivery-timeout=20s"},
	"answering":              {answering, 0, "--delivery-timeout=20s"},
}

// TestOutage has a sink that does not take what it is sent, in one way each,
// while the log goes on and is rotated. stdout, the other output, misses nothing
// meanwhile, and the sink nothing in the end.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, c := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.flag)
			if c.behave == nil {
				w.sink.close()
			} else {
				w.sink.is(c.behave)
			}
			for range 3 {
				w.write(20000) // more than sockets hold
				w.rotate()
				stderr := w.exits(c.code)
				if c.code == 3 {
					assert.Contains(t, stderr, "what it did not take is kept, and sent by the next run")
				} else {
					assert.Empty(t, stderr)
				}
				w.ledger.check(t, "stdout", w.written, nil)
			}
			if c.behave == nil {
				w.sink.open(w.sink.address)
			}
			w.sink.is(good)
			w.write(10)
			w.exits(0)
			w.exact()
		})
	}
}

// reset reads n bytes and resets the connection.
func reset(n int64) behaviour {
	return func(c *net.TCPConn) []byte {
		part, _ := io.ReadAll(io.LimitReader(c, n))
		c.SetLinger(0)
		return part
	}
}

// half reads a part of the batch and closes with the rest unread.
func half(c *net.TCPConn) []byte {
	c.SetReadBuffer(4 << 10)
	part, _ := io.ReadAll(io.LimitReader(c, 30000))
	return part
}

// stuck holds the connection and reads nothing until the other side gives up.
func stuck(c *net.TCPConn) []byte {
	c.SetReadBuffer(4 << 10)
	<-time.After(400 * time.Millisecond) // longer than --delivery-timeout
	return nil
}

// halfClosing ends its own side at once and reads on.
func halfClosing(c *net.TCPConn) []byte {
	c.CloseWrite()
	return good(c)
}

// slow reads little at a time.
func slow(c *net.TCPConn) []byte {
	c.SetReadBuffer(64 << 10) // with less, TCP's own timers make it much slower
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var stream []byte
	for buf := make([]byte, 8<<10); ; <-tick.C {
		n, err := c.Read(buf)
		stream = append(stream, buf[:n]...)
		if err != nil {
			return stream
		}
	}
}

// answering sends what no server sends.
func answering(c *net.TCPConn) []byte {
	io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	return good(c)
}

// TestSpoolLimit: beyond the limit the oldest batches go, which is counted and
// said; all others arrive.
func TestSpoolLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--spool-size=30kB", "--delivery-timeout=500ms")
	w.sink.close()
	dropped := 0
	firsts := []int{}
	for range 8 {
		firsts = append(firsts, w.written)
		w.write(300)
		stderr := w.exits(3)
		dropped += strings.Count(stderr, "they are dropped batches=1 limitBytes=30000")
	}
	require.Positive(t, dropped)
	require.Less(t, dropped, 8)
	w.sink.open(w.sink.address)
	w.write(5)
	w.exits(0)
	w.ledger.check(t, "stdout", w.written, nil)
	w.ledger.check(t, "graphite", w.written, numbers(firsts[0], firsts[dropped]))
	assert.EqualValues(t, dropped, w.newest("graphite").account["batchesDropped"])
	w.exits(0)
}

// newest returns what a sink got last.
func (w *world) newest(sink string) (last delivery) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	var numbers []float64
	for _, d := range w.ledger.batches[sink] {
		numbers = append(numbers, d.account["batch"])
	}
	for _, d := range w.ledger.batches[sink] {
		if d.account["batch"] == slices.Max(numbers) {
			last = d
		}
	}
	return last
}
