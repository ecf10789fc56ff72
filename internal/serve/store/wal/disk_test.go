package wal_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

// BenchmarkSync is a second of a store with 100,000 series a second: about 14
// appends of 64 KiB and one write, on a real disk.
func BenchmarkSync(b *testing.B) {
	l, err := wal.Open(vfs.Default, b.TempDir(), wal.Options{})
	require.NoError(b, err)
	_, err = l.Replay(wal.Mark{}, func([]byte) error { return nil })
	require.NoError(b, err)
	payload := make([]byte, 64<<10)
	b.SetBytes(14 * int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		for range 14 {
			l.Append(payload)
		}
		require.NoError(b, l.Sync())
	}
	require.NoError(b, l.RemoveBefore(l.End()))
	require.NoError(b, l.Close())
}

// BenchmarkReplay reads 64 MiB.
func BenchmarkReplay(b *testing.B) {
	fs := vfs.NewMem()
	l, _, _ := opened(b, fs, wal.Mark{}, wal.Options{})
	for range 1024 {
		l.Append(make([]byte, 64<<10))
	}
	require.NoError(b, l.Close())
	b.SetBytes(64 << 20)
	for b.Loop() {
		_, err := wal.Verify(fs, "log", wal.Mark{})
		require.NoError(b, err)
	}
}
