package notify_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/logmetrics/logmetrics/internal/notify"
	"github.com/logmetrics/logmetrics/internal/tail"
)

var _ tail.Notifier = notify.Files{}

func TestWakes(t *testing.T) {
	leakCheck(t)
	path := filepath.Join(t.TempDir(), "mail.log")
	e := listen(t, path)
	defer e.stop()
	write := func() { put(t, path, "line\n") }
	e.hears("creation", write)
	writer, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer writer.Close()
	appended := func() {
		_, err := writer.WriteString("line\n")
		require.NoError(t, err)
	}
	e.hears("append", appended)
	e.hears("append", appended)
	e.hears("truncation", func() { require.NoError(t, os.Truncate(path, 0)) })
	e.hears("append after truncation", appended)
	e.hears("rename", func() { require.NoError(t, os.Rename(path, path+".1")) })
	e.hears("creation after rename", write)
	e.hears("append after rename", write)
	e.hears("removal", func() { require.NoError(t, os.Remove(path)) })
	e.hears("creation after removal", write)
	e.hears("append after removal", write)
	e.hears("replacement", func() {
		put(t, path+".new", "other\n")
		require.NoError(t, os.Rename(path+".new", path))
	})
	e.hears("append after replacement", write)
}

func TestOtherFilesDoNotWake(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	e := listen(t, filepath.Join(dir, "mail.log"))
	defer e.stop()
	e.quiet()
	put(t, filepath.Join(dir, "mail.log.1"), "x")
	put(t, filepath.Join(dir, "other.log"), "x")
	last := listen(t, filepath.Join(dir, "last"))
	defer last.stop()
	last.hears("write", func() { put(t, last.path, "x") })
	assert.Empty(t, e.heard)
}

// TestSymlinkSwitched is how kubernetes names the logs of containers.
func TestSymlinkSwitched(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	for _, d := range []string{"containers", "pods"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o700))
	}
	pod := func(name string) string { return filepath.Join(dir, "pods", name) }
	link := filepath.Join(dir, "containers", "web.log")
	put(t, pod("0.log"), "line\n")
	require.NoError(t, os.Symlink(pod("0.log"), link))
	e := listen(t, link)
	defer e.stop()
	e.hears("append to the target", func() { put(t, pod("0.log"), "line\n") })
	e.hears("rotation of the target", func() { require.NoError(t, os.Rename(pod("0.log"), pod("0.log.20240131"))) })
	e.hearsSoon("append to the target after rotation", func() { put(t, pod("0.log"), "line\n") })
	put(t, pod("1.log"), "line\n")
	e.hears("switch", func() {
		require.NoError(t, os.Symlink(pod("1.log"), link+".new"))
		require.NoError(t, os.Rename(link+".new", link))
	})
	e.hearsSoon("append to the new target", func() { put(t, pod("1.log"), "line\n") })
}

func TestDirectoryBehindALink(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	require.NoError(t, os.Symlink("data", filepath.Join(dir, "log")))
	direct := listen(t, filepath.Join(dir, "data", "mail.log"))
	defer direct.stop()
	linked := listen(t, filepath.Join(dir, "log", "mail.log"))
	defer linked.stop()
	for _, e := range []*ear{direct, linked} {
		e.hears("write", func() { put(t, e.path, "x") })
	}
	direct.stop()
	linked.hears("write after the other one stopped", func() { put(t, linked.path, "x") })
}

func TestDirectoryMadeAgain(t *testing.T) {
	leakCheck(t)
	for name, lose := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"renamed": func(dir string) error { return os.Rename(dir, dir+".old") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "app")
			require.NoError(t, os.Mkdir(dir, 0o700))
			a, b := listen(t, filepath.Join(dir, "a.log")), listen(t, filepath.Join(dir, "b.log"))
			defer a.stop()
			defer b.stop()
			for range 2 {
				a.hears("write", func() { put(t, a.path, "x") })
				require.NoError(t, lose(dir))
				require.NoError(t, os.RemoveAll(dir+".old"))
				require.NoError(t, os.Mkdir(dir, 0o700))
				a.wakes("write", func() { put(t, a.path, "x") })
				b.hears("write", func() { put(t, b.path, "x") })
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "file"), "x")
	try := func(path string) error { return notify.Files{}.Notify(t.Context(), path, func() {}) }
	missing := filepath.Join(dir, "missing", "mail.log")
	require.ErrorIs(t, try(missing), fs.ErrNotExist)
	require.ErrorContains(t, try(missing), fmt.Sprintf("watch %q: ", missing))
	require.ErrorIs(t, try(filepath.Join(dir, "file", "mail.log")), unix.ENOTDIR)
	require.ErrorIs(t, try(dir), unix.EISDIR)

	// A path that was refused is not deaf later, nor are others.
	require.NoError(t, os.Mkdir(filepath.Dir(missing), 0o700))
	e := listen(t, missing)
	defer e.stop()
	e.hears("write", func() { put(t, missing, "x") })
}

// TestLibraryRefused has the library itself refuse a directory that was there
// a moment before, which leaves a name in it that nobody reads from.
func TestLibraryRefused(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.Mkdir(secret, 0o311))
	path := filepath.Join(secret, "mail.log")
	asNobody(t, func() {
		require.ErrorIs(t, notify.Files{}.Notify(t.Context(), path, func() {}), fs.ErrPermission)
	})
	require.NoError(t, os.Chmod(secret, 0o700))
	other := listen(t, filepath.Join(secret, "other.log"))
	defer other.stop()
	put(t, path, "x") // would stop the library for ever
	other.hears("write", func() { put(t, other.path, "x") })
	e := listen(t, path)
	defer e.stop()
	e.hears("write", func() { put(t, path, "x") })
}

// asNobody runs do without root's right to read everything.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		require.NoError(t, syscall.Seteuid(65534))
		defer func() { require.NoError(t, syscall.Seteuid(0)) }()
	}
	do()
}

// TestNoInstance is in a process of its own, for the library makes its instance once.
func TestNoInstance(t *testing.T) {
	const name = "LOGMETRICS_TEST_NO_INSTANCE"
	path := filepath.Join(t.TempDir(), "mail.log")
	if os.Getenv(name) != "" {
		noInstance(t, path)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoInstance$", "-test.v")
	cmd.Env = append(os.Environ(), name+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestNoInstance")
}

// noInstance finds an error while no descriptor can be had, and no exit; later all is well.
func noInstance(t *testing.T, path string) {
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Close(fd))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(fd), Max: old.Max}))
	err = notify.Files{}.Notify(t.Context(), path, func() {})
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
	require.True(t, errors.Is(err, unix.EMFILE), "%v", err)
	e := listen(t, path)
	defer e.stop()
	e.hears("write", func() { put(t, path, "x") })
}

func TestThousandLogs(t *testing.T) {
	leakCheck(t)
	dir := t.TempDir()
	var ears []*ear
	for i := range 1000 {
		d := filepath.Join(dir, fmt.Sprint("d", i%10))
		require.NoError(t, os.MkdirAll(d, 0o700))
		ears = append(ears, listen(t, filepath.Join(d, fmt.Sprint(i, ".log"))))
	}
	require.Equal(t, 10, watches(t), "one for a directory")
	for _, e := range ears {
		put(t, e.path, "x")
	}
	for _, e := range ears {
		select {
		case <-e.heard:
		case <-time.After(limit):
			require.FailNow(t, "no wake", e.path)
		}
		e.stop()
	}
	require.Eventually(t, func() bool { return watches(t) == 0 }, limit, 10*time.Millisecond)
}

// watches counts the kernel's watches of this process.
func watches(t *testing.T) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fdinfo/*")
	require.NoError(t, err)
	for _, fd := range fds {
		data, err := os.ReadFile(fd)
		if err != nil {
			continue // the one that listed them
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "inotify ") {
				n++
			}
		}
	}
	return n
}

// TestModel has subscriptions to few paths come and go at random: who
// listens hears, and who has stopped holds no watch.
func TestModel(t *testing.T) {
	leakCheck(t)
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		for _, d := range []string{"a", "b"} {
			require.NoError(rt, os.Mkdir(filepath.Join(dir, d), 0o700))
		}
		paths := []string{"a/1", "a/2", "b/1", "a/link"}
		require.NoError(rt, os.Symlink("../b/1", filepath.Join(dir, "a/link")))
		var ears []*ear
		defer func() {
			for _, e := range ears {
				e.stop()
			}
		}()
		path := func(rt *rapid.T) string { return filepath.Join(dir, rapid.SampledFrom(paths).Draw(rt, "path")) }
		rt.Repeat(map[string]func(*rapid.T){
			"listen": func(rt *rapid.T) { ears = append(ears, listen(rt, path(rt))) },
			"refused": func(rt *rapid.T) {
				require.Error(rt, notify.Files{}.Notify(t.Context(), filepath.Join(dir, "none", "1"), func() {}))
			},
			"stop": func(rt *rapid.T) {
				if len(ears) == 0 {
					rt.Skip("nobody listens")
				}
				i := rapid.IntRange(0, len(ears)-1).Draw(rt, "which")
				ears[i].stop()
				ears = append(ears[:i], ears[i+1:]...)
			},
			"remove": func(rt *rapid.T) {
				if p := path(rt); filepath.Base(p) != "link" {
					_ = os.Remove(p) // it may not be there
				}
			},
			"write": func(rt *rapid.T) {
				for _, e := range ears {
					e.hearsSoon("write", func() { put(rt, e.path, "x") })
				}
			},
		})
		for _, e := range ears {
			e.hearsSoon("write", func() { put(rt, e.path, "x") })
		}
		require.NoError(rt, os.RemoveAll(dir))
	})
	require.Eventually(t, func() bool { return watches(t) == 0 }, limit, 10*time.Millisecond)
}
