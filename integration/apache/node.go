package apache

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Node is one broker. Without ZooKeeper it is also a controller.
type Node struct {
	// ID is the node's id in Kafka's metadata.
	ID int
	// LogFile is the path of the file that collects the output of all the node's processes.
	LogFile string
	// Listeners maps the names of Options.Listeners to their addresses on this node, host:port. The addresses stay the
	// same across restarts.
	Listeners map[string]string

	process

	addr string // host:port of the plain listener
}

// format writes the node's settings and prepares its storage.
func (n *Node) format(ctx context.Context, all layout) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	for name, text := range map[string]string{
		"server.properties": all.properties(n.ID, filepath.Join(n.dir, "data")),
		logSettings:         n.release.logging,
	} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	if n.release.zooKeeper {
		return nil
	}
	return n.formatKRaft(ctx)
}

// run runs one of Kafka's tools and waits for it to exit.
func (n *Node) run(ctx context.Context, arguments ...string) error {
	cmd := n.java(exec.CommandContext(ctx, "java"), arguments...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %s: %w: %s", n.name, arguments[0], err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// Start starts the node if it is not running. It does not wait until the node is ready. Cluster.Ready does.
func (n *Node) Start() error { return n.start("kafka.Kafka", "server.properties") }

// Kill ends the node as a crash would (SIGKILL).
func (n *Node) Kill() error { return n.kill() }

// Freeze stops the node's process without ending it (SIGSTOP). Its connections stay open, but get no response.
func (n *Node) Freeze() error { return n.signal(syscall.SIGSTOP) }

// Thaw lets a frozen node continue (SIGCONT).
func (n *Node) Thaw() error { return n.signal(syscall.SIGCONT) }
