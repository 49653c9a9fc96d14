package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec" //nolint:depguard // a builder runs the compiler
	"runtime/debug"
	"strings"
	"time"
)

// binary is the program for one architecture, with the build information that Go recorded in it.
type binary struct {
	arch    string
	content []byte
	info    *debug.BuildInfo
	version string
}

// compile builds the static binary for Linux on one architecture.
func compile(ctx context.Context, o options, arch, file string) (*binary, error) {
	//nolint:gosec // the caller builds with their own permissions
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto",
		"-ldflags", "-s -w -X main.version="+o.version, "-o", file, "./cmd/leadhit-sync")
	cmd.Dir = o.root
	// The caller's settings (GOFLAGS, GOAMD64, a workspace) would change the bytes. GOFLAGS repeats a flag from above,
	// because if it were empty, a value set with `go env -w` would apply.
	//nolint:forbidigo // the compiler needs it
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=-trimpath", "GOWORK=off",
		"GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build for %s: %w: %s", arch, err, bytes.TrimSpace(output))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s binary: %w", arch, err)
	}
	b := &binary{arch: arch, content: content, info: info}
	b.version = b.versionOf(o.version)
	return b, nil
}

// versionOf returns the requested version, or else the commit's tag, or else "dev", with the commit if it is known. The
// version is also the image's tag, which must not contain a +.
func (b *binary) versionOf(asked string) string {
	const short = 7
	revision := b.setting("vcs.revision")
	commit := revision[:min(short, len(revision))]
	version := b.info.Main.Version
	switch {
	case asked != "":
		version = asked
	case version == "" || version == "(devel)":
		version = "dev"
	case commit != "" && strings.Contains(version, "-"+commit): // a pseudo-version: the commit has no tag
		version = "dev-" + commit
		if b.setting("vcs.modified") == "true" {
			version += "-dirty"
		}
	}
	return strings.ReplaceAll(strings.TrimPrefix(version, "v"), "+", "-")
}

// setting returns a build setting, or "" if there is none with that name.
func (b *binary) setting(key string) string {
	for _, s := range b.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// revision returns the commit, with the suffix -dirty if the files differed from it.
func (b *binary) revision() string {
	revision := b.setting("vcs.revision")
	if revision != "" && b.setting("vcs.modified") == "true" {
		return revision + "-dirty"
	}
	return revision
}

// time returns the commit's time. Without a commit, it returns the Unix epoch, as is usual for reproducible builds.
func (b *binary) time() time.Time {
	t, err := time.Parse(time.RFC3339, b.setting("vcs.time"))
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC()
}
