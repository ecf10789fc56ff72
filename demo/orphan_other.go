//go:build !linux

package main

import "syscall"

// orphan has nothing to tell systems that do not know how.
func orphan() *syscall.SysProcAttr { return nil }
