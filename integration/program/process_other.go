//go:build !linux

package program

import "syscall"

// apart gives the process a group of its own, so that a Ctrl-C at the terminal reaches the tests alone.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
