package extract_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/state"
)

// TestLinesThatAreGone: what was deleted before it was read is counted and
// said, and nothing else is lost with it.
func TestLinesThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.loses(40)
	w.rotate()
	w.write(300)
	w.rotate()
	w.write(5)
	w.remove(".2")
	w.exact()
	assert.Contains(t, w.said, "the file that was read last is gone, and with it what was not read of it")
	assert.Positive(t, w.ledger.sum("graphite", "bytesLost"))
}

// TestLongLinesWithinTheLimit: they are read; rules do not match lines of more
// than 64 KiB, which are counted as rejected.
func TestLongLinesWithinTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--max-line=8MiB")
	for range 3 {
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20)+"\n")
		w.write(4)
	}
	w.exact()
	assert.Empty(t, w.said)
	assert.Equal(t, 3.0, w.ledger.sum("stdout", "rejected"))
	assert.Equal(t, float64(w.written+3), w.ledger.sum("stdout", "lines"))
}

// TestReusedInode: the inode of a file that was compressed away goes to the
// next live file.
func TestReusedInode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reuseInode(w)
	w.exact()
	assert.Empty(t, w.said)
}

func reuseInode(w *world) {
	w.t.Helper()
	inode := func() uint64 {
		fi, err := os.Stat(w.log())
		require.NoError(w.t, err)
		return fi.Sys().(*syscall.Stat_t).Ino
	}
	old := inode()
	w.write(50)
	w.move("", ".1")
	w.compress(".1", "gzip")
	var spare []string
	for range 50 {
		if w.create(); inode() == old {
			break
		}
		spare = append(spare, ".spare"+strings.Repeat("+", len(spare)))
		w.move("", spare[len(spare)-1])
	}
	for _, suffix := range spare {
		w.remove(suffix)
	}
	if len(spare) == 50 {
		w.create()
		if w.step == nil { // this file system gives none back: let the position say that it did
			w.setInode(inode())
		}
	}
	w.write(600)
}

// setInode makes the job's position tell of another inode.
func (w *world) setInode(inode uint64) {
	w.t.Helper()
	jobs, err := state.List(w.state())
	require.NoError(w.t, err)
	j, err := state.Open(w.state(), jobs[0].State.Key, state.Options{})
	require.NoError(w.t, err)
	pos := j.State().Logs[w.log()]
	pos.Inode = inode
	j.State().Logs[w.log()] = pos
	require.NoError(w.t, j.Commit(nil))
	require.NoError(w.t, j.Close())
}

// TestSymlinkSwitched: kubernetes rotates by switching a link.
func TestSymlinkSwitched(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.link("0.log")
	w.write(5)
	w.exits(0)
	switchLinks(w)
	w.exact()
	assert.Empty(t, w.said)
}

func (w *world) pod(name string) string { return filepath.Join(w.dir, "pods", name) }

// link makes an empty file of the pod what the log leads to.
func (w *world) link(name string) {
	w.t.Helper()
	require.NoError(w.t, os.MkdirAll(w.pod(""), 0o755))
	require.NoError(w.t, os.WriteFile(w.pod(name), nil, 0o644))
	os.Remove(w.log())
	require.NoError(w.t, os.Symlink(w.pod(name), w.log()))
}

// switchLinks does what kubernetes does, when the log leads to 0.log.
func switchLinks(w *world) {
	w.t.Helper()
	for _, name := range []string{"1.log", "2.log"} {
		w.write(20)
		w.link(name)
	}
	w.write(5)
	w.exits(0)
	// The kubelet renames the file, too, before it makes the next.
	w.write(30)
	require.NoError(w.t, os.Rename(w.pod("2.log"), w.pod("2.log.20251201-101112")))
	w.link("3.log")
	w.write(5)
}

func TestPermissionRemovedForAWhile(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.unprivileged()
	w.write(10)
	w.exits(0)
	w.write(10)
	require.NoError(t, os.Chmod(w.log(), 0))
	assert.Contains(t, w.exits(1), "may not read "+w.log())
	w.write(10)
	w.exits(1)
	require.NoError(t, os.Chmod(w.log(), 0o644))
	w.exits(0)

	w.write(10) // and a rotated file that is not readable at first
	w.rotate()
	require.NoError(t, os.Chmod(w.file(".1"), 0))
	w.write(10)
	w.exits(1)
	require.NoError(t, os.Chmod(w.file(".1"), 0o644))
	w.exact()
}

// unprivileged makes the program run as a user without rights: root may read everything.
func (w *world) unprivileged() {
	w.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	w.uid = nobody
	for _, dir := range []string{w.dir, filepath.Dir(w.dir), filepath.Dir(w.state())} {
		require.NoError(w.t, os.Chmod(dir, 0o755))
	}
	require.NoError(w.t, os.Mkdir(w.state(), 0o700))
	require.NoError(w.t, os.Chown(w.state(), nobody, nobody))
}

// TestGlob has files that appear and go for good, and rotate meanwhile.
func TestGlob(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = []string{filepath.Join(w.dir, "app.log*")}
	w.write(10)
	w.writeTo("-web", 10)
	w.exits(0)
	w.writeTo("-web", 10)
	w.rotate()
	w.write(4)
	w.writeTo("-mail", 10) // read from its beginning
	w.exits(0)
	assert.Empty(t, w.said)
	w.write(7)
	w.remove("-web")
	w.writeTo("-new", 3)
	w.exits(0)
	w.writeTo("-mail", 5)
	w.move("-mail", "-mail.1")
	w.writeTo("-mail", 5)
	w.exact()
}

// TestGlobOfDatedNames: what is rotated to another name that the glob takes is
// not read again as a log of its own.
func TestGlobOfDatedNames(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = []string{filepath.Join(w.dir, "*.log")}
	w.write(10)
	w.exits(0)
	for _, date := range []string{"-20251130", ".2025-12-01", "-1764633600"} {
		w.write(10)
		require.NoError(t, os.Rename(w.log(), filepath.Join(w.dir, "app"+date+".log")))
		w.write(10)
		w.exits(0)
	}
	w.exact()
	assert.Empty(t, w.said)
}

func TestTwoLogsInOneJob(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	w.logs = append(w.logs, w.file("-other"))
	w.write(10)
	w.writeTo("-other", 10)
	w.exits(0)
	before := w.ledger.count("stdout")
	w.write(10)
	w.rotate()
	w.writeTo("-other", 10)
	w.exits(0)
	assert.Equal(t, before+1, w.ledger.count("stdout"), "one batch for all logs")
	w.move("-other", "-other-20251201")
	w.writeTo("-other", 10)
	w.exact()
	assert.Empty(t, w.said)
}
