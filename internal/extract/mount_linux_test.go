package extract_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/stretchr/testify/require"
)

// smallSize is that of a disk on which a few batches find room.
const smallSize = "size=64k"

// mountSmall mounts a file system of 64 KiB at dir, which it makes; the result
// makes it read-only and writable.
func mountSmall(t testing.TB, dir string) (remount func(readOnly bool)) {
	t.Helper()
	mountMemory(t, dir, smallSize)
	return func(readOnly bool) { t.Helper(); remountSmall(t, dir, readOnly) }
}

// mountMemory mounts a file system in memory at dir, which it makes.
func mountMemory(t testing.TB, dir, size string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size); err != nil {
		testutil.NotRun(t, fmt.Sprintf("mounting a small file system needs root on Linux (%v); this runs it: sudo go test ./internal/extract -run %s", err, t.Name()))
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
}

// remountSmall makes what mountSmall mounted read-only, or writable.
func remountSmall(t testing.TB, dir string, readOnly bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", flags, smallSize))
}
