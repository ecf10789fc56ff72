//go:build faults

package vfs

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var passed atomic.Int64

// Point ends the process here when the environment says so:
// LOGMETRICS_FAULT=NAME:kill (as by kill -9) or NAME:exit (status 86), with
// ":N" behind it at the N-th time.
func Point(name string) {
	f := strings.Split(os.Getenv("LOGMETRICS_FAULT"), ":")
	if f[0] != name || len(f) < 2 {
		return
	}
	if len(f) > 2 {
		if n, err := strconv.ParseInt(f[2], 10, 64); err != nil || passed.Add(1) != n {
			return
		}
	}
	if f[1] == "kill" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
	os.Exit(86)
}
