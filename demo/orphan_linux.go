package main

import "syscall"

// orphan has a process end with the one that started it, even if that is killed.
func orphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
