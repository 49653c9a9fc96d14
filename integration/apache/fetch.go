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

// ErrAbsent says that a part which this package needs is not installed; its text names the part.
var ErrAbsent = errors.New("not on the PATH")

// pom asks Maven for Kafka, and for the one jar that its logging needs and does not bring.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>leadhit-sync</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>` + Version + `</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.5</version>
    </dependency>
  </dependencies>
</project>
`

// copyDependencies is the goal that turns the pom into a folder of jars; pinned, for Maven's own default depends on its version.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// distribution is a folder that holds Kafka's jars.
type distribution string

func (d distribution) classPath() string { return filepath.Join(string(d), "*") }

// Available returns nil where Kafka can be run, or ErrAbsent with the name of the missing program.
func Available() error {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s: %w", program, ErrAbsent)
		}
	}
	return nil
}

// fetch returns Kafka's jars: from the user's cache folder, or, once, from Maven Central.
func fetch(ctx context.Context) (distribution, error) {
	if err := Available(); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	return fetchInto(ctx, filepath.Join(cache, "leadhit-sync"))
}

// fetchInto fetches into a folder beside its final place and moves that there when it is whole: a download that broke is
// never taken for Kafka, and of two that fetch at the same time one wins.
func fetchInto(ctx context.Context, cache string) (distribution, error) {
	place := filepath.Join(cache, "kafka-"+Version)
	if _, err := os.Stat(place); err == nil {
		return distribution(place), nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	work, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := maven(ctx, work); err != nil {
		return "", err
	}
	err = os.Rename(filepath.Join(work, "jars"), place)
	if err != nil && !errors.Is(err, fs.ErrExist) { // it exists: another process was faster
		return "", fmt.Errorf("cache folder for kafka: %w", err)
	}
	return distribution(place), nil
}

// maven runs the download in the folder work; the jars are then in its folder jars.
func maven(ctx context.Context, work string) error {
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), []byte(pom), 0o600); err != nil {
		return fmt.Errorf("fetching kafka: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", copyDependencies,
		"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(work, "jars"))
	cmd.Dir = work
	cmd.SysProcAttr = apart()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetching kafka %s with maven: %w: %s", Version, err, bytes.TrimSpace(output.Bytes()))
	}
	if _, err := os.Stat(filepath.Join(work, "jars", "kafka_2.13-"+Version+".jar")); err != nil {
		return fmt.Errorf("fetching kafka %s with maven: %w", Version, err)
	}
	return nil
}
