//go:build !linux

package extract_test

import (
	"testing"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// mountSmall is for Linux: elsewhere the faulty file system of package vfs
// stands for a full disk.
func mountSmall(t testing.TB, dir string) (remount func(readOnly bool)) {
	t.Helper()
	mountMemory(t, dir, "")
	return nil
}

// mountMemory says that the test does not run.
func mountMemory(t testing.TB, _, _ string) {
	t.Helper()
	testutil.NotRun(t, "mounting a small file system needs root on Linux; this runs it there: sudo go test ./internal/extract -run "+t.Name())
}

// remountSmall is not reached without mountSmall.
func remountSmall(t testing.TB, _ string, _ bool) { t.Helper(); t.FailNow() }
