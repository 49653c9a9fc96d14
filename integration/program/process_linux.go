package program

import "syscall"

// apart gives the process its own group, so that a Ctrl-C at the terminal reaches only the tests. The kernel kills it
// when we die, even by SIGKILL.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
