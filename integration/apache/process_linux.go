package apache

import "syscall"

// apart gives a process its own group, so that Ctrl-C at the terminal does not reach it. Its parent decides when it
// ends. The kernel kills the process when its parent dies, even from SIGKILL.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
