package apache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// errEnded says that a process ended without being asked to.
var errEnded = errors.New("the process ended unasked")

// stopLimit is how long a process may take for a clean stop before it is killed: a broker hands its partitions over
// first.
const stopLimit = 30 * time.Second

// process is a Java process that can be started again and again. It belongs to a folder, where its log is.
type process struct {
	name    string
	dir     string
	log     string // the path of what it writes
	release release
	jars    string // the class path

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil: never started, or ended by one of our methods
	ended  chan struct{} // closed when cmd's process was waited for
	frozen bool
}

// java makes cmd a process of one of the jars' classes in the folder. The serial collector and the first compiler alone
// halve what a start costs, and leave the second core to what is being tested.
func (p *process) java(cmd *exec.Cmd, arguments ...string) *exec.Cmd {
	cmd.Args = append(cmd.Args, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-D"+p.release.log4j, "-cp", p.jars)
	cmd.Args = append(cmd.Args, arguments...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = apart()
	return cmd
}

// start starts the process with a class and its arguments, if it does not run.
func (p *process) start(arguments ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own descriptor
	//nolint:noctx // it outlives the caller's context: stop ends it
	cmd := p.java(exec.Command("java"), arguments...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process; stop waits for it
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	p.cmd, p.ended, p.frozen = cmd, ended, false
	return nil
}

// stop sends a signal that ends the process, and waits for it.
func (p *process) stop(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	errs := []error{p.send(signal)}
	if p.frozen { // a stopped process does not see a SIGTERM
		errs = append(errs, p.send(syscall.SIGCONT))
	}
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		errs = append(errs, p.send(syscall.SIGKILL))
		<-p.ended
	}
	p.cmd, p.frozen = nil, false
	return errors.Join(errs...)
}

// freeze stops the process without ending it, or lets it go on.
func (p *process) freeze(frozen bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = frozen
	if frozen {
		return p.send(syscall.SIGSTOP)
	}
	return p.send(syscall.SIGCONT)
}

// send delivers a signal by process id. A process that has ended already needs none.
func (p *process) send(signal syscall.Signal) error {
	if p.cmd == nil {
		return fmt.Errorf("%s: %v: it does not run", p.name, signal)
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %v: %w", p.name, signal, err)
	}
	return nil
}

// running says whether the process is there. A process that ended unasked is an error with the end of its log.
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

// lastLines returns the end of a log for an error's text, or nothing if it cannot be read.
func lastLines(file string, count int) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-count):], []byte("\n"))
}
