//go:build !linux

package main

import "syscall"

// apart has a process end when we say so, and not by ^C at our terminal.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
