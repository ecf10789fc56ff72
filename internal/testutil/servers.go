package testutil

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
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

// The ports of FreePort are below those that systems choose.
const firstPort, ports = 10000, 22000

// lastPort is the newest port that FreePort has tried, from firstPort on. Processes
// begin at random: several may run at once.
var lastPort = func() *atomic.Uint32 {
	p := new(atomic.Uint32)
	p.Store(rand.Uint32N(ports))
	return p
}()

// FreePort returns a port of loopback that is free for TCP and UDP. Nobody else in this
// process is given it, and no one who leaves the choice to the system, also not while
// nobody listens at it: a program would deliver to another test's server.
func FreePort(t testing.TB) int {
	t.Helper()
	for range ports {
		port := firstPort + int(lastPort.Add(1)%ports)
		if free(fmt.Sprintf("127.0.0.1:%d", port)) {
			return port
		}
	}
	require.FailNow(t, "no port is free")
	return 0
}

// FreeAddress returns an address on loopback with a FreePort.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", FreePort(t))
}

// free reports whether both kinds of socket can be had at an address.
func free(address string) bool {
	if runtime.GOOS == "linux" { // a process that is being started would hold them; elsewhere Listen itself takes this lock
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
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
