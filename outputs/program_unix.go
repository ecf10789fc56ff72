//go:build unix

package outputs

import (
	"os/exec"
	"syscall"
)

// inOwnGroup makes the end of the command's context kill what it started, too.
func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
