package apache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// errEnded says that a node's process ended without being asked to.
var errEnded = errors.New("kafka ended by itself")

// stopLimit is how long a node may take for a clean stop before it is killed: it hands its partitions over first.
const stopLimit = 30 * time.Second

// Node is one broker and controller.
type Node struct {
	id    int
	addr  string
	dir   string
	kafka distribution
	doors map[string]string // addresses of the further listeners, by name

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil: never started, or ended by one of our methods
	ended  chan struct{} // closed when cmd's process was waited for
	frozen bool
}

// ID returns the node's id, as it stands in Kafka's metadata.
func (n *Node) ID() int { return n.id }

// Addr returns host:port of the node's listener for clients. It stays the same over restarts.
func (n *Node) Addr() string { return n.addr }

// ListenerAddr returns host:port of one of Options.Listeners, "" if there is none of this name.
func (n *Node) ListenerAddr(name string) string { return n.doors[name] }

// LogFile returns the path of what the node's processes wrote.
func (n *Node) LogFile() string { return filepath.Join(n.dir, "kafka.log") }

// format writes the node's settings and prepares its storage, as a person would by hand.
func (n *Node) format(ctx context.Context, all layout) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("node %d: %w", n.id, err)
	}
	for name, text := range map[string]string{
		"server.properties": all.properties(n.id, filepath.Join(n.dir, "data")),
		"log4j2.properties": log4j,
	} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("node %d: %w", n.id, err)
		}
	}
	cmd := n.java(exec.CommandContext(ctx, "java"), "kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", "server.properties")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("node %d: formatting its storage: %w: %s", n.id, err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// java makes cmd a process of one of Kafka's classes in the node's folder. The serial collector and the first compiler alone
// halve what a start costs, and leave the second core to what is being tested.
func (n *Node) java(cmd *exec.Cmd, arguments ...string) *exec.Cmd {
	cmd.Args = append(cmd.Args, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=log4j2.properties", "-cp", n.kafka.classPath())
	cmd.Args = append(cmd.Args, arguments...)
	cmd.Dir = n.dir
	cmd.SysProcAttr = apart()
	return cmd
}

// Start starts the node if it does not run. It does not wait until it is ready: Cluster.Ready does.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		return nil
	}
	log, err := os.OpenFile(n.LogFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("node %d: %w", n.id, err)
	}
	defer func() { _ = log.Close() }() // the process has its own descriptor
	//nolint:noctx // it outlives the caller's context: Stop and Kill end it
	cmd := n.java(exec.Command("java"), "kafka.Kafka", "server.properties")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("node %d: %w", n.id, err)
	}
	ended := make(chan struct{})
	go func() { // ends with the process; Stop and Kill wait for it
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	n.cmd, n.ended, n.frozen = cmd, ended, false
	return nil
}

// Stop ends the node cleanly (SIGTERM): it hands over its partitions first. One that takes more than 30 s is killed.
func (n *Node) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.end(syscall.SIGTERM)
}

// Kill ends the node as a crash would (SIGKILL).
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.end(syscall.SIGKILL)
}

func (n *Node) end(signal syscall.Signal) error {
	if n.cmd == nil {
		return nil
	}
	errs := []error{n.send(signal)}
	if n.frozen { // a stopped process does not see a SIGTERM
		errs = append(errs, n.send(syscall.SIGCONT))
	}
	select {
	case <-n.ended:
	case <-time.After(stopLimit):
		errs = append(errs, n.send(syscall.SIGKILL))
		<-n.ended
	}
	n.cmd, n.frozen = nil, false
	return errors.Join(errs...)
}

// Freeze stops the node's process without ending it (SIGSTOP): its connections stay open, nothing answers.
func (n *Node) Freeze() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = true
	return n.send(syscall.SIGSTOP)
}

// Thaw lets a frozen node go on (SIGCONT).
func (n *Node) Thaw() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = false
	return n.send(syscall.SIGCONT)
}

// send delivers a signal by process id. A process that has ended already needs none.
func (n *Node) send(signal syscall.Signal) error {
	if n.cmd == nil {
		return fmt.Errorf("node %d: %v: it does not run", n.id, signal)
	}
	if err := n.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("node %d: %v: %w", n.id, signal, err)
	}
	return nil
}

// running tells whether the node's process is there. That it ended by itself is an error with the end of its log.
func (n *Node) running() (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return false, nil
	}
	select {
	case <-n.ended:
		return false, fmt.Errorf("node %d: %w:\n%s", n.id, errEnded, lastLines(n.LogFile(), 15))
	default:
		return true, nil
	}
}

// lastLines returns the end of a log for an error's text; what cannot be read is left out.
func lastLines(file string, count int) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-count):], []byte("\n"))
}
