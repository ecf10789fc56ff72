//go:build faults

package vfs_test

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/vfs"
)

func TestPoint(t *testing.T) {
	if os.Getenv("POINT_CHILD") != "" {
		for range 3 {
			Point("here")
			_, _ = os.Stdout.WriteString("passed\n")
		}
		os.Exit(0)
	}
	for fault, want := range map[string]struct {
		out    string
		status int
		signal syscall.Signal
	}{
		"":             {"passed\npassed\npassed\n", 0, -1},
		"there:kill":   {"passed\npassed\npassed\n", 0, -1},
		"here:kill":    {"", -1, syscall.SIGKILL},
		"here:kill:3":  {"passed\npassed\n", -1, syscall.SIGKILL},
		"here:exit:2":  {"passed\n", 86, -1},
		"here:exit:99": {"passed\npassed\npassed\n", 0, -1},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPoint$")
		cmd.Env = append(os.Environ(), "POINT_CHILD=1", "LOGMETRICS_FAULT="+fault)
		out, err := cmd.Output()
		var exit *exec.ExitError
		require.True(t, err == nil || errors.As(err, &exit), err)
		require.Equal(t, want.out, string(out), fault)
		require.Equal(t, want.status, cmd.ProcessState.ExitCode(), fault)
		require.Equal(t, want.signal, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(), fault)
	}
}
