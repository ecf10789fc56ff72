// Package testutil is what tests of several packages share: golden files,
// waiting for real processes, goroutine leaks, and the programs of others that
// some tests need (see [Peer]).
//
// It promises that a test that could not run says so. It is imported by tests
// only. Start from [Golden].
package testutil

import (
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite golden files with what the tests got")

// Update reports whether -update was given: expected files are to be rewritten.
func Update() bool { return *update }

// Golden compares got with the file at path. With -update it writes the file.
func Golden(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update makes golden files")
	require.Equal(t, string(want), string(got), "differs from %s; go test -update rewrites it", path)
}

// Eventually waits until cond returns true, and fails the test when it has not
// within limit. It is for real processes; what we own is waited for by events.
func Eventually(t testing.TB, limit time.Duration, cond func() bool) {
	t.Helper()
	// Often enough that a test is not slow, seldom enough that it does not load the machine.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(t, "it did not happen", "within %s", limit)
		}
	}
}

// Race reports whether the test runs under the race detector, with which
// sync.Pool drops what it holds at random and all takes many times as long:
// neither allocations nor times are measured then.
func Race() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// LeakCheck fails the test when goroutines are left at its end that were not
// there at the call. It is called first, so that it looks last.
func LeakCheck(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}
