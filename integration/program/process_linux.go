package program

import "syscall"

// apart gives the process a group of its own, so that a Ctrl-C at the terminal reaches the tests alone, and has the
// kernel kill it when we die, however we die.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
