//go:build !linux

package apache

import "syscall"

// apart gives a process its own group, so that a Ctrl-C at the terminal does not reach it: we end it, in our order.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
