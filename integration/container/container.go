// Package container runs an image from an OCI layout under runc, as strictly as a careful cluster does: the image's own
// user, a read-only root, no capability, no new privileges, a memory limit, and nothing of the host but its network and
// what is mounted on purpose. The layout is read with the standard library alone, so that it shares no fault with what
// wrote it.
//
// Ownership: a container's process is a [program.Program] like any other, but it is runc that stands there: after a
// Kill the container lives on, until Delete. Whoever starts a container deletes it. runc needs Linux and root.
package container

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"leadhit-sync/integration/program"
)

// ErrAbsent says that a part which this package needs is missing; its text names the part.
var ErrAbsent = errors.New("not here")

// Available returns nil where containers can be run, or ErrAbsent with what is missing.
func Available() error {
	if _, err := exec.LookPath("runc"); err != nil {
		return fmt.Errorf("runc on the PATH: %w", ErrAbsent)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("root, whom runc needs for a memory limit: %w", ErrAbsent)
	}
	return nil
}

// Options says how an image is run.
type Options struct {
	// Settings are added to the image's environment; nothing else is in it.
	Settings map[string]string
	// Mounts are folders of the host by their paths in the container, where they can only be read.
	Mounts map[string]string
	// Memory is the limit in bytes.
	Memory int64
	// Dir is an existing folder for what the program says, and for runc's own state.
	Dir string
}

// Container is an image that was started: its process is runc's, which passes signals on and ends with its exit code.
type Container struct {
	*program.Program

	runc string // its path
	root string // runc's state
	id   string
}

// Start runs the image's command. An image runs once at a time.
func (i *Image) Start(o Options) (*Container, error) {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return nil, fmt.Errorf("runc on the PATH: %w", ErrAbsent)
	}
	c := &Container{runc: runc, root: filepath.Join(i.bundle, "runc"), id: "leadhit-sync-" + strings.ToLower(rand.Text()[:8])}
	spec, err := i.spec(o, c.id)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(i.bundle, "config.json"), spec, 0o600); err != nil {
		return nil, err
	}
	c.Program, err = program.Start(runc, program.Options{
		Arguments: []string{"--root", c.root, "run", "--bundle", i.bundle, c.id}, Dir: o.Dir,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Exec runs one more command in the container, as the image's user, and returns its exit code and all that it said. A
// command that could not be started is an error.
func (c *Container) Exec(ctx context.Context, arguments ...string) (code int, said string, err error) {
	output, err := c.ask(ctx, append([]string{"exec", c.id}, arguments...)...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode(), string(output), nil
	}
	return 0, string(output), err
}

// Init returns the host's id of the container's first process: of the image's command itself.
func (c *Container) Init(ctx context.Context) (int, error) {
	output, err := c.ask(ctx, "state", c.id)
	if err != nil {
		return 0, fmt.Errorf("runc state: %w: %s", err, output)
	}
	var state struct {
		PID int `json:"pid"`
	}
	err = json.Unmarshal(output, &state)
	return state.PID, err
}

// Delete ends the container, if it has not ended, and removes what runc holds of it. Deleting it twice is harmless.
func (c *Container) Delete(ctx context.Context) error {
	if output, err := c.ask(ctx, "delete", "--force", c.id); err != nil {
		return fmt.Errorf("runc delete: %w: %s", err, output)
	}
	return c.Kill()
}

func (c *Container) ask(ctx context.Context, arguments ...string) ([]byte, error) {
	return exec.CommandContext(ctx, c.runc, append([]string{"--root", c.root}, arguments...)...).CombinedOutput()
}
