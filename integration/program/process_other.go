//go:build !linux

package program

import "syscall"

// apart gives the process its own group, so that a Ctrl-C at the terminal reaches only the tests.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// PeakMemory returns the most memory that the ended process had, in MiB. It is known on Linux only; here it is 0.
func (p *Program) PeakMemory() int { return 0 }
