//go:build !linux

package program

import (
	"os"
	"syscall"
)

// apart gives the process its own group, so that Ctrl-C at the terminal reaches only the tests.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func peakMemory(*os.ProcessState) int { return 0 }
