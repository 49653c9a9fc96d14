package apache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// errEnded indicates that a process ended without being killed.
var errEnded = errors.New("the process ended unexpectedly")

// process is a Java process that can be killed and restarted. Its log is in its folder.
type process struct {
	name    string
	dir     string
	log     string // the path of its output
	release release
	jars    string // the class path

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil: never started, or killed
	ended chan struct{} // closed when cmd.Wait has returned
}

// java sets cmd up to run one of the jars' classes in the process's folder. It selects the C1 compiler and the serial
// collector. Together they halve the CPU time of a start, and leave a second core to the program under test.
func (p *process) java(cmd *exec.Cmd, arguments ...string) *exec.Cmd {
	cmd.Args = append(cmd.Args, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-D"+p.release.log4j, "-cp", p.jars)
	cmd.Args = append(cmd.Args, arguments...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = apart()
	return cmd
}

// start starts the process with a class and its arguments, if it is not running.
func (p *process) start(arguments ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return nil
	}
	// Append, so that the log keeps the output from before a kill.
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own descriptor
	//nolint:noctx // it outlives the caller's context: kill ends it
	cmd := p.java(exec.Command("java"), arguments...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	// Without Wait, a dead child stays a zombie, which still accepts signals, and running would report it as alive.
	ended := make(chan struct{})
	go func() { // ends with the process; kill waits for it
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	p.cmd, p.ended = cmd, ended
	return nil
}

// kill ends the process as a crash would (SIGKILL), frozen or not, and waits for its end.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	err := p.send(syscall.SIGKILL)
	<-p.ended
	p.cmd = nil
	return err
}

// PID returns the id of the running process, or 0.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// signal delivers a signal to the process, which must be running.
func (p *process) signal(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return fmt.Errorf("%s: %v: not running", p.name, signal)
	}
	return p.send(signal)
}

// send delivers a signal. It is not an error if the process has just exited.
func (p *process) send(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %v: %w", p.name, signal, err)
	}
	return nil
}

// running reports whether the process is running. If it ended without being killed, the error contains the end of its
// log.
func (p *process) running() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return false, nil
	}
	select {
	case <-p.ended:
		return false, fmt.Errorf("%s: %w:\n%s", p.name, errEnded, lastLines(p.log, 15))
	default:
		return true, nil
	}
}

// lastLines returns the last lines of a log, at most count, for use in an error message. It returns nil if the log
// cannot be read.
func lastLines(file string, count int) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-count):], []byte("\n"))
}
