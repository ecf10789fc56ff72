package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/vfs"
)

func write(t *testing.T, fsys FS, name, text string, sync bool) {
	t.Helper()
	f, err := fsys.Create(name)
	require.NoError(t, err)
	_, err = f.Write([]byte(text))
	require.NoError(t, err)
	if sync {
		require.NoError(t, f.Sync())
	}
	require.NoError(t, f.Close())
}

// content returns a file's text, "-" when there is none.
func content(t *testing.T, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

// Both file systems do the same, as far as FS says.
func TestFileSystemsAgree(t *testing.T) {
	for name, fsys := range map[string]FS{"os": OS{}, "mem": NewMem(), "faults": NewFaults(OS{})} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			require.NoError(t, fsys.MkdirAll(dir))
			require.NoError(t, fsys.MkdirAll(dir))
			one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
			write(t, fsys, one, "first", true)
			_, err := fsys.Create(one)
			require.ErrorIs(t, err, fs.ErrExist)
			write(t, fsys, two, "second", false)
			require.NoError(t, fsys.Rename(two, one))
			require.NoError(t, fsys.SyncDir(dir))
			assert.Equal(t, "second", content(t, fsys, one))
			fi, err := fsys.Lstat(one)
			require.NoError(t, err)
			assert.EqualValues(t, 6, fi.Size())
			assert.Equal(t, fs.FileMode(0o600), fi.Mode())
			list, err := fsys.ReadDir(dir)
			require.NoError(t, err)
			assert.Len(t, list, 1)
			require.Error(t, fsys.Remove(dir), "not empty")
			require.NoError(t, fsys.Remove(one))
			require.ErrorIs(t, fsys.Remove(one), fs.ErrNotExist)
			_, err = fsys.Stat(one)
			require.ErrorIs(t, err, fs.ErrNotExist)

			l, err := fsys.Lock(one)
			require.NoError(t, err)
			_, err = fsys.Lock(one)
			require.ErrorIs(t, err, ErrLocked)
			require.NoError(t, l.Close())
			l, err = fsys.Lock(one)
			require.NoError(t, err)
			require.NoError(t, l.Close())
		})
	}
}

func TestMemCrash(t *testing.T) {
	m := NewMem()
	require.NoError(t, m.MkdirAll("/d"))
	require.NoError(t, m.SyncDir("/"))
	write(t, m, "/d/kept", "old", true)
	write(t, m, "/d/moved", "x", true)
	write(t, m, "/d/removed", "x", true)
	require.NoError(t, m.SyncDir("/d"))
	write(t, m, "/d/unsynced entry", "x", true)
	require.NoError(t, m.Rename("/d/moved", "/d/moved2"))
	require.NoError(t, m.Remove("/d/removed"))
	write(t, m, "/d/new", "new", false)
	require.NoError(t, m.Rename("/d/new", "/d/kept"))
	require.NoError(t, m.MkdirAll("/e"))

	after := m.Crash()
	got := map[string]string{}
	for _, n := range []string{"kept", "moved", "moved2", "removed", "unsynced entry"} {
		got[n] = content(t, after, "/d/"+n)
	}
	assert.Equal(t, map[string]string{"kept": "old", "moved": "x", "moved2": "-", "removed": "x", "unsynced entry": "-"}, got)
	_, err := after.Stat("/e")
	assert.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, m.SyncDir("/d"))
	assert.Equal(t, "", content(t, m.Crash(), "/d/kept"), "an entry without its content: the file was never synced")

	seen := map[string]bool{}
	for seed := range uint64(200) {
		after := m.CrashRandom(seed)
		assert.Equal(t, content(t, m.CrashRandom(seed), "/d/kept"), content(t, after, "/d/kept"))
		seen[content(t, after, "/d/kept")] = true
	}
	for _, s := range []string{"", "n", "ne", "new", "\x00\x00\x00"} {
		assert.True(t, seen[s], "%q", s)
	}
}

func TestFaults(t *testing.T) {
	m := NewMem()
	f := NewFaults(m)
	f.FailAt(2, syscall.EIO)
	file, err := f.Create("/a")
	require.NoError(t, err)
	_, err = file.Write([]byte("12"))
	require.ErrorIs(t, err, syscall.EIO)
	f.Short(true)
	n, err := file.Write([]byte("1234"))
	require.ErrorIs(t, err, io.ErrShortWrite)
	assert.Equal(t, 2, n)
	f.Short(false)
	f.Full(true)
	_, err = file.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	_, err = f.Create("/b")
	require.ErrorIs(t, err, syscall.ENOSPC)
	f.Full(false)
	f.CrashAt(2)
	require.NoError(t, file.Sync())
	_, err = file.Write([]byte("5678"))
	require.ErrorIs(t, err, ErrCrashed)
	require.ErrorIs(t, f.Remove("/a"), ErrCrashed)
	require.ErrorIs(t, file.Close(), ErrCrashed)
	assert.Equal(t, "1256", content(t, m, "/a"), "half of the last write")
	require.NoError(t, m.SyncDir("/"))
	assert.Equal(t, "12", content(t, m.Crash(), "/a"))
	assert.Equal(t, 9, f.Ops())
	assert.Equal(t, "create /a\nwrite /a\nwrite /a\nwrite /a\ncreate /b\nsync /a\nwrite /a\nremove /a\nclose /a", f.Log())
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(filepath.Join(dir, "target"), link))
	_, err := OS{}.Create(link)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = OS{}.OpenNoFollow(link)
	require.ErrorIs(t, err, syscall.ELOOP)
	_, err = OS{}.Lock(link)
	require.ErrorIs(t, err, syscall.ELOOP)
	_, err = os.Stat(filepath.Join(dir, "target"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
