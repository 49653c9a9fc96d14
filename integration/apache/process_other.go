//go:build !linux

package apache

import "syscall"

// apart gives a process its own group, so that Ctrl-C at the terminal does not reach it. Its parent decides when it
// ends.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
