package program

import (
	"os"
	"syscall"
)

// apart gives the process its own group, so that Ctrl-C at the terminal reaches only the tests. The kernel kills the
// process when the tests die, even from SIGKILL.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func peakMemory(state *os.ProcessState) int {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int(usage.Maxrss+1023) / 1024
}
