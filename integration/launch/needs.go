package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"leadhit-sync/integration/apache"
)

// leastJava is the oldest Java that brokers of Kafka 4 run on (KIP-1013).
const leastJava = 17

// errMissing indicates that a requirement is missing. The wrapping error names it.
var errMissing = errors.New("not ready for Kafka")

// install explains how to install the requirements, and what works without them.
const install = `Install Java 17 or newer and Maven, for example:
  Debian, Ubuntu:  sudo apt install default-jre-headless maven
  Fedora:          sudo dnf install java-latest-openjdk-headless maven
  macOS:           brew install openjdk maven && export PATH="$(brew --prefix openjdk)/bin:$PATH"
Without them "go run ./cmd/demo" shows the worker on an embedded Kafka.`

// checkNeeds reports a missing requirement before Kafka fails with a stack trace.
func checkNeeds(ctx context.Context) error {
	if err := apache.Available(); err != nil {
		return fmt.Errorf("%w: %w\n%s", errMissing, err, install)
	}
	// macOS always has a java program, which fails if no Java is installed.
	output, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: java -version: %w\n%s", errMissing, err, install)
	}
	if version := javaVersion(string(output)); version != 0 && version < leastJava {
		return fmt.Errorf("%w: java is version %d, but Kafka %s needs %d\n%s",
			errMissing, version, apache.Version, leastJava, install)
	}
	return nil
}

// javaVersion returns the version in the output of "java -version": 8 for 1.8.0_402, 17 for 17.0.15, or 0 if none is
// found.
func javaVersion(output string) int {
	found := regexp.MustCompile(`version "(?:1\.)?(\d+)`).FindStringSubmatch(output)
	if found == nil {
		return 0
	}
	version, _ := strconv.Atoi(found[1]) // only digits
	return version
}
