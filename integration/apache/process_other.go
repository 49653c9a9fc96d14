//go:build !linux

package apache

import "syscall"

// apart gives a process a group of its own, so that a Ctrl-C at the terminal reaches us alone and the end is ours to
// order.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
