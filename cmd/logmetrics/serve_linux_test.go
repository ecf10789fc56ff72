package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
// is room; nothing of what it took before or after is lost.
func TestServeOnAFullDisk(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	s := newSite(t)
	data := s.file("data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", data, "tmpfs", 0, "size=320m"))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(data, 0)) })
	b := s.serve()
	now := time.Now().Unix()
	now -= now % 10
	b.send("carbon-tcp", fmt.Sprintf("before 1 %d\n", now))
	b.takes("carbon", 1)
	<-time.After(time.Second) // by now it is on disk: that is what is promised
	for round := range 2 {
		fill(t, filepath.Join(data, "filler"))
		answers(t, b.at("http"), "/healthz", 200, "ok")
		b.flood(now)
		answers(t, b.at("http"), "/readyz", 503, "")
		answers(t, b.at("http"), "/healthz", 200, "ok")
		require.NoError(t, os.Remove(filepath.Join(data, "filler")))
		answers(t, b.at("http"), "/readyz", 200, "ok")
		after := fmt.Sprintf("after%d %d %d\n", round, round+2, now)
		taken := int(b.figure(`logmetrics_ingest_points_total{listener="carbon"}`))
		b.send("carbon-tcp", after)
		b.takes("carbon", taken+1)
	}
	b.ends()
	db := s.kept()
	for name, want := range map[string]float64{"before": 1, "after0": 2, "after1": 3} {
		assert.Equal(t, want, value(t, db, name, now), name)
	}
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

// flood sends what there is no room for, until the server takes no more for now.
func (b *backend) flood(now int64) {
	b.t.Helper()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "flood.%d %d %d\n", i, i, now)
	}
	b.send("carbon-udp", "flood.udp 1 1\n")
	conn := b.dial("carbon-tcp")
	defer conn.Close()
	for {
		require.NoError(b.t, conn.SetWriteDeadline(time.Now().Add(2*time.Second)))
		if _, err := conn.Write([]byte(text.String())); err != nil {
			return // it makes us wait
		}
		if code, _ := get(b.t, b.at("http"), "/readyz"); code == 503 {
			return
		}
	}
}
