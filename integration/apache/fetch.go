package apache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// errAbsent indicates that a required program is not installed. The wrapping error names it.
var errAbsent = errors.New("not on the PATH")

// copyDependencies is the Maven goal that copies the pom's dependencies, as jars, into a folder. The plugin's version
// is pinned, because the default version depends on Maven's.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// Available returns nil if Java and Maven are installed, or an error that names the missing one.
func Available() error {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s: %w", program, errAbsent)
		}
	}
	return nil
}

// fetch returns the class path of a release. A user's first call downloads the release from Maven Central.
func fetch(ctx context.Context, r release) (jars string, err error) {
	if err := Available(); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	place, err := fetchInto(ctx, r, filepath.Join(cache, "leadhit-sync"))
	return filepath.Join(place, "*"), err
}

// fetchInto downloads into a folder beside the final one, and renames that folder when the download is complete. An
// interrupted download is therefore never used, and if two processes download at once, one of them wins.
func fetchInto(ctx context.Context, r release, cache string) (string, error) {
	place := filepath.Join(cache, "kafka-"+r.version)
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	work, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := maven(ctx, r, work); err != nil {
		return "", err
	}
	err = os.Rename(filepath.Join(work, "jars"), place)
	if err != nil && !errors.Is(err, fs.ErrExist) { // if it exists, another process was faster
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	return place, nil
}

// maven downloads the jars of a release into the folder jars inside work.
func maven(ctx context.Context, r release, work string) error {
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), []byte(r.pom()), 0o600); err != nil {
		return fmt.Errorf("fetching kafka: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", copyDependencies,
		"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(work, "jars"))
	cmd.Dir = work
	cmd.SysProcAttr = apart()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetching kafka %s with maven: %w: %s", r.version, err, bytes.TrimSpace(output.Bytes()))
	}
	if _, err := os.Stat(filepath.Join(work, "jars", r.jar())); err != nil {
		return fmt.Errorf("fetching kafka %s with maven: %w", r.version, err)
	}
	return nil
}
