package wal_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store/wal"
)

// slow returns a file system whose fdatasync takes a second, and how many there
// were.
func slow(fs vfs.FS) (vfs.FS, *atomic.Int64) {
	var syncs atomic.Int64
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(o errorfs.Op) error {
		if o.Kind == errorfs.OpFileSyncData {
			syncs.Add(1)
			time.Sleep(time.Second) // of the bubble's clock
		}
		return nil
	})), &syncs
}

// TestSyncsShareTheWork: those that come while one runs wait for it and share
// the next one; those whose records it covers wait for it alone.
func TestSyncsShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, syncs := slow(vfs.NewMem())
		l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{})
		var wg sync.WaitGroup
		start := time.Now()
		sync := func(want time.Duration) {
			wg.Go(func() {
				assert.NoError(t, l.Sync())
				assert.Equal(t, want, time.Since(start))
			})
			synctest.Wait()
		}
		l.Append([]byte("a"))
		sync(time.Second)
		sync(time.Second) // nothing was appended since
		l.Append([]byte("b"))
		assert.Zero(t, time.Since(start), "append does not wait")
		for range 100 {
			sync(2 * time.Second)
		}
		wg.Wait()
		assert.EqualValues(t, 2, syncs.Load())
		require.NoError(t, l.Sync())
		assert.EqualValues(t, 2, syncs.Load(), "there was nothing to do")
		require.NoError(t, l.Close())
	})
}

// TestFailedSyncFailsThoseItCovers, and nobody else.
func TestFailedSyncFailsThoseItCovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(o errorfs.Op) error {
			if o.Kind == errorfs.OpFileSyncData {
				return errDisk
			}
			return nil
		})}
		mem := vfs.NewMem()
		fs, _ := slow(errorfs.Wrap(mem, &failing))
		l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{})
		failing.On()
		time.AfterFunc(1500*time.Millisecond, failing.Off)
		var wg sync.WaitGroup
		for range 5 {
			l.Append([]byte("a"))
		}
		for range 5 {
			wg.Go(func() { assert.ErrorIs(t, l.Sync(), errDisk) })
		}
		synctest.Wait()
		l.Append([]byte("b"))
		wg.Go(func() { assert.NoError(t, l.Sync()) })
		wg.Wait()
		require.NoError(t, l.Close())
		_, got, _ := opened(t, mem, wal.Mark{}, wal.Options{})
		assert.Equal(t, strings.Split("a a a a a b", " "), got)
	})
}

// TestManyAppendersAndSyncers: each finds its records again, in its order.
func TestManyAppendersAndSyncers(t *testing.T) {
	fs := vfs.NewMem()
	l, _, _ := opened(t, fs, wal.Mark{}, wal.Options{FileSize: 4 << 10})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				before := l.Append([]byte{byte(worker), byte(i)})
				if i%7 == worker%7 {
					assert.NoError(t, l.Sync())
				}
				if i%67 == worker {
					m, err := l.Rotate()
					assert.NoError(t, err)
					assert.GreaterOrEqual(t, m.Offset, before.Offset)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	_, got, report := opened(t, fs, wal.Mark{}, wal.Options{})
	assert.Empty(t, report.Damages)
	require.Len(t, got, 8*200)
	var next [8]byte
	for _, g := range got {
		require.Equal(t, next[g[0]], g[1])
		next[g[0]]++
	}
}
