package testutil

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// StartLimit is how long a peer may take to start, or to show what it was
// sent, on a loaded machine.
const StartLimit = 30 * time.Second

// Start runs a peer and kills it at the test's end. Its output is shown when
// the test fails.
func Start(t testing.TB, path string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "peer.log"))
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s: %s", path, text)
		}
		assert.NoError(t, log.Close())
	})
}

// FreePort returns a port of loopback that was free for TCP and UDP a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	c, err := net.ListenPacket("udp", l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, c.Close())
	return port
}

// Listens returns what reports whether someone listens on a TCP port of loopback.
func Listens(port int) func() bool {
	return func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
}
