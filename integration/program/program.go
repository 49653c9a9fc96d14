// Package program builds a binary and runs it as a user would: as a process with an environment. A test sees only the
// process's output, pages and exit code.
//
//	binary, err := program.Build(ctx, dir, "./cmd/leadhit-sync")
//	p, err := program.Start(binary, program.Options{Arguments: []string{"run"}, Settings: settings, Dir: dir})
//	code, err := p.Terminate(ctx)
//
// Ownership: the caller of Start must call Wait, Kill or Terminate. On Linux the program also dies with the process
// that started it. The methods of a Program may be called from several goroutines.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pause is the interval at which the log is polled.
const pause = 50 * time.Millisecond

// Build builds one of the module's main packages, such as "./cmd/leadhit-sync", into dir and returns the binary's path.
// flags are those of go build.
func Build(ctx context.Context, dir, main string, flags ...string) (string, error) {
	binary := filepath.Join(dir, filepath.Base(main))
	arguments := append([]string{"build", "-o", binary}, flags...)
	root, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", append(arguments, main)...)
	cmd.Dir = filepath.Dir(string(root))
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", main, err, output)
	}
	return binary, nil
}

// Options configure a process. Its environment contains the settings, and the tests' PATH, HOME, TMPDIR and GORACE.
// Nothing else is passed on, so that a KAFKA_BROKERS in the tester's shell is not used as a setting.
type Options struct {
	Arguments []string          // after the binary's name
	Settings  map[string]string // environment variables
	// Dir is an existing folder for the output: two files per process, *.stdout.log and *.stderr.log.
	Dir string
}

// Program is a running process.
type Program struct {
	cmd            *exec.Cmd
	stdout, stderr string // files
	ended          chan struct{}
}

// Start starts a program that [Build] built.
func Start(binary string, options Options) (*Program, error) {
	//nolint:noctx // it outlives the caller's context: Terminate and Kill end it
	cmd := exec.Command(binary, options.Arguments...)
	cmd.SysProcAttr = apart()
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	for name, value := range options.Settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	p := &Program{cmd: cmd, ended: make(chan struct{})}
	stdout, err := os.CreateTemp(options.Dir, filepath.Base(binary)+"-*.stdout.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdout.Close() }() // the process has its own descriptors
	p.stdout, p.stderr = stdout.Name(), strings.TrimSuffix(stdout.Name(), ".stdout.log")+".stderr.log"
	stderr, err := os.Create(p.stderr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process; Wait waits for it
		defer close(p.ended)
		_ = cmd.Wait() // ProcessState has the exit code
	}()
	return p, nil
}

// PID returns the process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Usage returns the CPU time of the ended process, and its peak memory in MiB. The latter is 0 if unknown, as on
// systems other than Linux. Call it after Wait.
func (p *Program) Usage() (cpu time.Duration, peakMiB int) {
	state := p.cmd.ProcessState
	return state.UserTime() + state.SystemTime(), peakMemory(state)
}

// Wait waits until the process has ended and returns its exit code, or -1 if a signal ended it.
func (p *Program) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("process %d has not ended: %w", p.PID(), context.Cause(ctx))
	}
}

// Kill ends the process as a crash would (SIGKILL) and waits for its end. It is not an error if the process has already
// ended.
func (p *Program) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// Terminate sends SIGTERM, waits for the end of the process and returns its exit code.
func (p *Program) Terminate(ctx context.Context) (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	return p.Wait(ctx)
}

// Signal sends a signal. It is not an error if the process has already ended.
func (p *Program) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%v to process %d: %w", signal, p.PID(), err)
	}
	return nil
}

// Get requests a page of the program's own HTTP server, such as "/readyz", and returns its status and text. The address
// comes from the "listening" log line, because tests let the system choose the port.
func (p *Program) Get(ctx context.Context, path string) (int, string, error) {
	line, err := p.Line(ctx, "listening", nil)
	if err != nil {
		return 0, "", err
	}
	url := fmt.Sprintf("http://%s%s", line["addr"], path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}
