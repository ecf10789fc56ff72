package stream_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/stream"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// dial connects to a socket source.
func dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t testing.TB, conn net.Conn, datagram string) {
	t.Helper()
	_, err := conn.Write([]byte(datagram))
	require.NoError(t, err)
}

func TestDatagramsAreLines(t *testing.T) {
	for _, c := range [][2]string{
		{"<22>Nov 21 02:35:28 web1 postfix/smtpd[21]: connect\n", "<22>Nov 21 02:35:28 web1 postfix/smtpd[21]: connect\n"},
		{"<13>Nov 21 02:35:28 su: hostless\x00", "<13>Nov 21 02:35:28 su: hostless\n"},
		{"<13>1 - - - - - - a\nNov 21 02:35:28 web1 x: forged\r\n", "<13>1 - - - - - - a#012Nov 21 02:35:28 web1 x: forged#015\n"},
		{"a\x00b\tc\x80", "a#000b\tc\x80\n"},
		{"", "\n"},
		{strings.Repeat("x", 60000), strings.Repeat("x", 60000) + "\n"},
	} {
		path := filepath.Join(t.TempDir(), "log")
		l := open(t, "unixgram:"+path, stream.Options{Follow: true})
		send(t, dial(t, "unixgram", path), c[0])
		l.has(c[1])

		address := testutil.FreeAddress(t)
		l = open(t, "udp:"+address, stream.Options{Follow: true})
		send(t, dial(t, "udp", address), c[0])
		l.has(c[1])
		assert.Zero(t, l.src.Stats().Dropped)
	}
}

func TestUnixSocketsOfTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	dead, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	_, err = os.Lstat(path)
	require.NoError(t, err, "it is left there")

	src, err := stream.Open("unixgram:"+path, stream.Options{Follow: true})
	require.NoError(t, err)
	fi, err := os.Lstat(path)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSocket, fi.Mode().Type())
	assert.Zero(t, fi.Mode().Perm()&0o111, fi.Mode())
	assert.Equal(t, os.FileMode(0o600), fi.Mode().Perm()&0o700)
	_, err = stream.Open("unixgram:"+path, stream.Options{Follow: true})
	require.ErrorIs(t, err, stream.ErrInUse)
	require.NoError(t, src.Close())
	require.NoError(t, src.Close())
	assert.NoFileExists(t, path)
}

// TestCloseLeavesAnothersSocket: what took the path meanwhile is not removed.
func TestCloseLeavesAnothersSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	src, err := stream.Open("unixgram:"+path, stream.Options{Follow: true})
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, src.Close())
	assert.FileExists(t, path)
}

// TestUnixSenderWaits: a local sender is held up when lines are not taken, and
// nothing is lost.
func TestUnixSenderWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, "unixgram:"+path, stream.Options{Follow: true})
	conn := dial(t, "unixgram", path)
	const lines = 30000
	sent := make(chan error, 1)
	go func() {
		for i := range lines {
			if _, err := fmt.Fprintf(conn, "%0100d", i); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	testutil.Eventually(t, limit, func() bool { return l.src.Stats().Lag > 1<<20-200 })
	assert.Empty(t, sent, "the sender waits")
	l.until(func(got string) bool { return len(got) == lines*101 })
	require.NoError(t, <-sent)
	for i, line := range strings.Split(strings.TrimSuffix(l.got.String(), "\n"), "\n") {
		require.Equal(t, fmt.Sprintf("%0100d", i), line)
	}
}

// TestKernelDrops: what the kernel has no room for is counted, and only that.
func TestKernelDrops(t *testing.T) {
	if runtime.GOOS != "linux" {
		testutil.NotRun(t, "only Linux tells what it dropped")
	}
	address := testutil.FreeAddress(t)
	l := open(t, "udp:"+address, stream.Options{Follow: true})
	conn := dial(t, "udp", address)
	const lines = 30000
	datagram := strings.Repeat("x", 1000)
	for range lines {
		send(t, conn, datagram)
	}
	l.until(func(got string) bool {
		return int64(len(got)/1001)+l.src.Stats().Dropped >= lines
	})
	dropped := l.src.Stats().Dropped
	assert.Positive(t, dropped)
	assert.Equal(t, int64(lines), int64(l.got.Len()/1001)+dropped)
}

// TestLogger takes what util-linux's logger sends.
func TestLogger(t *testing.T) {
	program := testutil.Peer(t, "logger")
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, "unixgram:"+path, stream.Options{Follow: true})
	run := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run("--socket", path, "--tag", "postfix/smtp", "--id=601", "--priority", "mail.info", "removed")
	l.until(func(got string) bool { return got != "" })
	assert.Regexp(t, `^<22>\w{3} [ \d]\d \d\d:\d\d:\d\d (\S+ )?postfix/smtp\[601\]: removed\n$`, l.got.String())

	address := testutil.FreeAddress(t)
	host, port, _ := strings.Cut(address, ":")
	l = open(t, "udp:"+address, stream.Options{Follow: true})
	run("--udp", "--rfc5424", "--server", host, "--port", port, "--tag", "web", "--priority", "local0.err", "boom")
	l.until(func(got string) bool { return got != "" })
	assert.Regexp(t, `^<131>1 \d{4}-\S+ \S+ web - - \[.*\] boom\n$`, l.got.String())
}

func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"", "a", "\n", "a\r\nb\x00", "\x00\x00", "é\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		got := stream.AppendEscaped([]byte("x"), p)
		assert.False(t, bytes.ContainsAny(got, "\n\r\x00"))
		want := strings.NewReplacer("\n", "#012", "\r", "#015", "\x00", "#000").Replace(string(p))
		assert.Equal(t, "x"+want, string(got))
	})
}

func BenchmarkSockets(b *testing.B) {
	datagram := []byte("<22>" + strings.Repeat("x", 145))
	for _, network := range []string{"unixgram", "udp"} {
		b.Run(network, func(b *testing.B) {
			address := testutil.FreeAddress(b)
			if network == "unixgram" {
				address = filepath.Join(b.TempDir(), "log")
			}
			woken := make(chan struct{}, 1)
			src, err := stream.Open(network+":"+address, stream.Options{Follow: true, Wake: func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			}})
			require.NoError(b, err)
			conn := dial(b, network, address)
			go func() {
				for {
					if _, err := conn.Write(datagram); err != nil {
						return
					}
				}
			}()
			consume(b, src, len(datagram)+1, woken)
			b.ReportMetric(float64(src.Stats().Dropped), "dropped")
			require.NoError(b, src.Close())
		})
	}
}
