package program

import "syscall"

// apart gives the process its own group, so that a Ctrl-C at the terminal reaches only the tests. The kernel kills it
// when we die, even by SIGKILL.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// PeakMemory returns the most memory that the ended process had, in MiB; 0 if that is not known. Call it after Wait.
func (p *Program) PeakMemory() int {
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int(usage.Maxrss+1023) / 1024
}
