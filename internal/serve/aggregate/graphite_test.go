package aggregate_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// graphite is a listener that keeps the text it gets, and can be away.
type graphite struct {
	address string
	wg      sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	text     strings.Builder
}

func newGraphite(t *testing.T) *graphite {
	t.Helper()
	testutil.LeakCheck(t)
	g := &graphite{address: testutil.FreeAddress(t)}
	g.start(t)
	t.Cleanup(g.stop)
	return g
}

// start listens, at the same address as before.
func (g *graphite) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", g.address)
	require.NoError(t, err)
	g.address, g.listener = l.Addr().String(), l
	g.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(c)
			g.mu.Lock()
			g.text.Write(text)
			g.mu.Unlock()
			_ = c.Close()
		}
	})
}

func (g *graphite) stop() {
	_ = g.listener.Close()
	g.wg.Wait()
}

func (g *graphite) has(part string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Contains(g.text.String(), part)
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	testutil.Eventually(t, testutil.StartLimit, cond)
}
