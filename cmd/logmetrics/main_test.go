package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// The scripts run the program itself and these commands, all of them this
// test's binary under other names.
func TestMain(m *testing.M) {
	testscript.Main(withProgram{m}, map[string]func(){
		"logmetrics": main,
		"exits":      exits,
		"holding":    holding,
		"sink":       sink,
	})
}

// withProgram runs tests with a folder for the program. Each test having a file
// of its own would not do: one that another test's child still has open for
// writing, for the moment before it becomes another program, cannot be run.
type withProgram struct{ *testing.M }

// Run implements testscript.TestingM.
func (m withProgram) Run() int {
	var err error
	if binDir, err = os.MkdirTemp("", "logmetrics-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(binDir)
	// Most tests here wait for processes more than they compute. -parallel goes before.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic("BUG: " + err.Error())
	}
	flag.Parse()
	return m.M.Run()
}

var binDir string // while tests run

// built builds the real binary, once for all tests.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "logmetrics")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// program returns the path of the real binary.
func program(t testing.TB) string {
	t.Helper()
	path, err := built()
	require.NoError(t, err)
	return path
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/xdg")
			env.Setenv("LOGMETRICS_STATE_DIR", env.WorkDir+"/state")
			env.Setenv("TZ", "UTC")
			return nil
		},
	})
}

// child runs a command with our stdin, stdout and stderr and returns its exit code.
func child(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		fail(err)
	}
	return cmd.ProcessState.ExitCode()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(125)
}

// exits CODE COMMAND ... succeeds when the command ends with the code.
func exits() {
	want, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	if got := child(os.Args[2:]); got != want {
		fail(fmt.Errorf("exit code %d, not %d", got, want))
	}
}

// holding FILE COMMAND ... runs the command while it holds the lock of a file.
func holding() {
	f, err := os.OpenFile(os.Args[1], os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		fail(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		fail(err)
	}
	if err := f.Truncate(0); err != nil {
		fail(err)
	}
	fmt.Fprintln(f, os.Getpid())
	os.Exit(child(os.Args[2:]))
}

// sink tcp|udp COMMAND ... runs the command, in which ADDR stands for an
// address on loopback, and prints what was sent there: for udp each datagram
// under a line "datagram", for tcp each connection under a line "connection".
func sink() {
	take, addr := listenTCP, ""
	if os.Args[1] == "udp" {
		take = listenUDP
	}
	addr, drain := take()
	args := slices.Clone(os.Args[2:])
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "ADDR", addr)
	}
	code := child(args)
	drain()
	os.Exit(code)
}

// late is how long a sink goes on after the command has ended: on loopback
// what was sent is in the socket's queue by then.
const late = 50 * time.Millisecond

func listenUDP() (addr string, drain func()) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	return conn.LocalAddr().String(), func() {
		buf := make([]byte, 1<<16)
		for {
			if err := conn.SetReadDeadline(time.Now().Add(late)); err != nil {
				fail(err)
			}
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			fmt.Printf("datagram\n%s\n", strings.TrimSuffix(string(buf[:n]), "\n"))
		}
	}
}

func listenTCP() (addr string, drain func()) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fail(err)
	}
	connections := make(chan []byte, 100)
	go func() {
		defer close(connections)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			data, _ := io.ReadAll(conn)
			conn.Close()
			connections <- data
		}
	}()
	return l.Addr().String(), func() {
		if err := l.SetDeadline(time.Now().Add(late)); err != nil {
			fail(err)
		}
		for data := range connections {
			fmt.Printf("connection\n%s", data)
		}
	}
}
