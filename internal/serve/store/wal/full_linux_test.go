package wal_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
	"github.com/logmetrics/logmetrics/internal/testutil"
)

// TestFullDisk: on a file system without room everything waits in memory, and a
// later Sync writes it when there is room.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		testutil.NotRun(t, "mounting a small file system needs root on Linux ("+err.Error()+"); this runs it: sudo go test ./internal/serve/store/wal -run "+t.Name())
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	filler := filepath.Join(dir, "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 150<<10), 0o600))

	l, err := wal.Open(vfs.Default, filepath.Join(dir, "log"), wal.Options{FileSize: 20 << 10})
	require.NoError(t, err)
	_, err = l.Replay(wal.Mark{}, func([]byte) error { return nil })
	require.NoError(t, err)
	n, failed := 0, 0
	for ; failed < 20; n++ {
		l.Append([]byte(record(n)))
		if err := l.Sync(); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			assert.Positive(t, l.Pending())
			failed++
		}
		require.Less(t, n, 2000)
	}
	require.NoError(t, os.Remove(filler))
	l.Append([]byte(record(n)))
	require.NoError(t, l.Sync())
	assert.Zero(t, l.Pending())
	require.NoError(t, l.Close())

	l, err = wal.Open(vfs.Default, filepath.Join(dir, "log"), wal.Options{})
	require.NoError(t, err)
	var got []string
	report, err := l.Replay(wal.Mark{}, func(payload []byte) error { got = append(got, string(payload)); return nil })
	require.NoError(t, err)
	assert.Empty(t, report.Damages)
	assert.Equal(t, records(0, n+1), got)
}
