package apache

import (
	"context"
	"fmt"
	"os/exec"
)

// Java returns a command that runs java with Kafka's own jars on the class path, for tests with Apache's own client. It
// downloads Kafka if necessary. The caller starts the command and waits for it.
func Java(ctx context.Context, arguments ...string) (*exec.Cmd, error) {
	r, err := releaseOf(Version)
	if err != nil {
		return nil, err
	}
	jars, err := fetch(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("java with Kafka's client: %w", err)
	}
	options := []string{"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars}
	cmd := exec.CommandContext(ctx, "java", append(options, arguments...)...)
	cmd.SysProcAttr = apart()
	return cmd, nil
}
