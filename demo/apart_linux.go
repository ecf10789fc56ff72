package main

import "syscall"

// apart has a process end when we say so, and not by ^C at our terminal; and with
// us, even if we are killed.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
