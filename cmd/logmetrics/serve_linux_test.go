package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// needsRoot says what a test needs that mounts something.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		testutil.NotRun(t, "mounting needs root on Linux; this runs it: sudo go test ./cmd/logmetrics -run "+t.Name())
	}
}

const nobody = 65534

// TestServeAsNobody: without any privilege, on a file system that is read-only but
// for its data. That is what the unit makes of it.
func TestServeAsNobody(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	s := newSite(t)
	data := s.file("data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.Chown(data, nobody, nobody))
	for dir := s.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // only root may look into what tests make
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, os.Chmod(filepath.Dir(s.bin), 0o755))
	script := `mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"`
	unshare, err := exec.LookPath("unshare")
	require.NoError(t, err)
	args := append([]string{"serve", "--data=" + data}, onFreePorts...)
	as := append([]string{"-m", "sh", "-c", script, "sh", data, "setpriv", fmt.Sprint("--reuid=", nobody), fmt.Sprint("--regid=", nobody),
		"--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", s.bin}, args...)
	real := s.bin
	s.bin = unshare
	p := s.start([]string{"HOME=/nonexistent"}, as...)
	s.bin = real
	b := &backend{p, s}
	b.says(b.stderr, "logmetrics: ready ")
	b.send("carbon-tcp", fmt.Sprintf("a.b 1 %d\n", time.Now().Unix()))
	b.takes("carbon", 1)
	b.ends()
	require.NoError(t, filepath.WalkDir(data, func(path string, e os.DirEntry, err error) error {
		require.NoError(t, err)
		fi, err := e.Info()
		require.NoError(t, err)
		assert.Zero(t, fi.Mode().Perm()&0o027, "%s: others may read or change it", path)
		assert.Equal(t, uint32(nobody), fi.Sys().(*syscall.Stat_t).Uid, path)
		return nil
	}))
}

// TestServeOnAFullDisk: the server lives, says so, and goes on by itself when there
// is room, again and again. Who sends over TCP waits meanwhile, and of what was sent
// before, meanwhile and after nothing is lost; of datagrams it is counted what is.
func TestServeOnAFullDisk(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	s := newSite(t)
	data := s.file("data")
	require.NoError(t, os.Mkdir(data, 0o700))
	cycles := max(2, min(*serveKills, 10))
	size := 160 + 80*cycles // MiB: each time up to 64 wait for the disk
	require.NoError(t, syscall.Mount("tmpfs", data, "tmpfs", 0, fmt.Sprintf("size=%dm", size)))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(data, 0)) })
	s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:90d\n")
	b := s.serve("--schemas=" + s.file("schemas.conf"))
	r := newRounds("carbon")
	stop := r.sending(b)
	filler := filepath.Join(data, "filler")
	for range cycles {
		fill(t, filler)
		answers(t, b.at("http"), "/readyz", 503, "")
		b.says(b.stderr, "the disk takes nothing")
		b.drops()
		answers(t, b.at("http"), "/healthz", 200, "ok")
		require.NoError(t, os.Remove(filler))
		answers(t, b.at("http"), "/readyz", 200, "ok")
	}
	stop()
	b.takes("carbon", r.sent*perRound)
	b.ends()
	for round := range r.sent {
		r.sure = append(r.sure, round)
	}
	r.check(t, s.kept())
}

// sending sends rounds until it is told to stop, a few thousand points a second
// more than are needed to see a disk that is full.
func (r *rounds) sending(b *backend) (stop func()) {
	done := make(chan struct{})
	var sent sync.WaitGroup
	sent.Go(func() {
		send, hangUp := r.protocol.connect(r, b)
		defer hangUp()
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				if !assert.NoError(b.t, send(r.sent)) {
					return
				}
				r.sent++
			}
		}
	})
	return func() { close(done); sent.Wait() }
}

// drops sends datagrams until what waits for the disk is as much as may, and one
// is dropped.
func (b *backend) drops() {
	b.t.Helper()
	var text strings.Builder
	for range 1000 {
		fmt.Fprintf(&text, "datagram %v -1\n", rand.Float64())
	}
	dropped := func() float64 {
		return b.figure(`logmetrics_ingest_dropped_datagrams_total{listener="carbon-udp",reason="store"}`)
	}
	conn := b.dial("carbon-udp")
	defer conn.Close()
	before := dropped()
	testutil.Eventually(b.t, limit, func() bool {
		for range 300 {
			_, err := io.WriteString(conn, text.String())
			require.NoError(b.t, err)
		}
		return dropped() > before
	})
}

// fill takes all the room that there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			require.True(t, errors.Is(err, syscall.ENOSPC), err)
			size /= 2
		}
	}
}
