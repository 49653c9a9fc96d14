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

// Node is one broker and controller.
type Node struct {
	process

	id    int
	addr  string
	doors map[string]string // addresses of the further listeners, by name
}

// ID returns the node's id, as it stands in Kafka's metadata.
func (n *Node) ID() int { return n.id }

// Addr returns host:port of the node's listener for clients. It stays the same over restarts.
func (n *Node) Addr() string { return n.addr }

// ListenerAddr returns host:port of one of Options.Listeners, "" if there is none of this name.
func (n *Node) ListenerAddr(name string) string { return n.doors[name] }

// LogFile returns the path of what the node's processes wrote.
func (n *Node) LogFile() string { return n.log }

// format writes the node's settings and prepares its storage.
func (n *Node) format(ctx context.Context, all layout) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	for name, text := range map[string]string{
		"server.properties": all.properties(n.id, filepath.Join(n.dir, "data")),
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

// run runs one of Kafka's tools to its end.
func (n *Node) run(ctx context.Context, arguments ...string) error {
	cmd := n.java(exec.CommandContext(ctx, "java"), arguments...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %s: %w: %s", n.name, arguments[0], err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// Start starts the node if it does not run. It does not wait until it is ready: Cluster.Ready does.
func (n *Node) Start() error { return n.start("kafka.Kafka", "server.properties") }

// Stop ends the node cleanly (SIGTERM): it hands over its partitions first. One that takes more than 30 s is killed.
func (n *Node) Stop() error { return n.stop(syscall.SIGTERM) }

// Kill ends the node as a crash would (SIGKILL).
func (n *Node) Kill() error { return n.stop(syscall.SIGKILL) }

// Freeze stops the node's process without ending it (SIGSTOP): its connections stay open, nothing answers.
func (n *Node) Freeze() error { return n.freeze(true) }

// Thaw lets a frozen node go on (SIGCONT).
func (n *Node) Thaw() error { return n.freeze(false) }
