package apache

import "syscall"

// apart gives a process its own group, so that a Ctrl-C at the terminal does not reach it: we end it, in our order. The
// kernel kills it when we die, even by SIGKILL.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
