// Package container runs an image from an OCI layout under runc, as strictly as a careful cluster does. The container
// has the image's own user, a read-only root, no capabilities, no new privileges and a memory limit. It sees nothing of
// the host except the network and the mounts that the test names.
//
//	image, err := container.Unpack("bin/image", "amd64", t.TempDir())
//	c, err := image.Start(container.Options{Settings: settings, Memory: 128 << 20, Dir: t.TempDir()})
//	…
//	defer c.Delete(ctx)
//
// The package reads the layout with only the standard library, so that it shares no bug with mkimage, which wrote the
// layout.
//
// Ownership: the process of a [Container] is runc, which passes on signals and the exit code. If runc is killed, the
// container continues, so the caller must call Delete. runc needs Linux and root.
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

// errAbsent indicates that a requirement is missing. The wrapping error names it.
var errAbsent = errors.New("missing")

// Available returns nil if this process can run containers, or an error that names what is missing.
func Available() error {
	if _, err := exec.LookPath("runc"); err != nil {
		return fmt.Errorf("runc on the PATH: %w", errAbsent)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("root privileges, which runc needs for a memory limit: %w", errAbsent)
	}
	return nil
}

// Options configure a container.
type Options struct {
	// Settings are added to the image's environment. The host's environment is not passed on.
	Settings map[string]string
	// Mounts maps paths in the container to folders on the host, which are mounted read-only.
	Mounts map[string]string
	// Memory is the memory limit of the container's cgroup, in bytes. The kernel kills a process that exceeds it.
	Memory int64
	// Dir is an existing folder for the program's output.
	Dir string
}

// Container is a running image. Its process is runc, which passes on signals and the exit code.
type Container struct {
	*program.Program

	runc string // its path
	root string // the folder with runc's state
	id   string
}

// Start runs the image's command. An image runs in one container at a time, because containers would share its bundle.
func (i *Image) Start(o Options) (*Container, error) {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return nil, fmt.Errorf("runc on the PATH: %w", errAbsent)
	}
	id := "leadhit-sync-" + strings.ToLower(rand.Text()[:8])
	c := &Container{runc: runc, root: filepath.Join(i.bundle, "runc"), id: id}
	// The id is random, so that containers left behind by a killed test do not collide with those of the next run.
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

// Exec runs another command in the container, as the image's user. It returns the exit code and the output. If runc
// cannot start the command, they are runc's own.
func (c *Container) Exec(ctx context.Context, arguments ...string) (code int, said string, err error) {
	output, err := c.ask(ctx, append([]string{"exec", c.id}, arguments...)...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode(), string(output), nil
	}
	return 0, string(output), err
}

// Init returns the process id of the image's command, as the host sees it.
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

// Delete stops the container and removes runc's state for it. Deleting it twice is harmless.
func (c *Container) Delete(ctx context.Context) error {
	// --force kills the container's processes first. runc's own process, our child, exits with them or is killed below.
	if output, err := c.ask(ctx, "delete", "--force", c.id); err != nil {
		return fmt.Errorf("runc delete: %w: %s", err, output)
	}
	return c.Kill()
}

func (c *Container) ask(ctx context.Context, arguments ...string) ([]byte, error) {
	return exec.CommandContext(ctx, c.runc, append([]string{"--root", c.root}, arguments...)...).CombinedOutput()
}
