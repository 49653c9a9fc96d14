package apache

import "syscall"

// apart gives a process a group of its own, so that a Ctrl-C at the terminal reaches us alone and the end is ours to
// order; and has the kernel kill it when we die, however we die.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
