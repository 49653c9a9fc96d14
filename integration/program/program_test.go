package program_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/program"
)

func build(t *testing.T) string {
	t.Helper()
	binary, err := program.Build(t.Context(), t.TempDir(), "./integration/program/testdata/stub")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func start(t *testing.T, binary, dir string, arguments ...string) *program.Program {
	t.Helper()
	p, err := program.Start(binary, program.Options{
		Arguments: arguments, Dir: dir, Settings: map[string]string{"KAFKA_TOPICS": "orders"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestAProgramIsSeenFromOutside(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "of the tester's own")
	binary, dir := build(t), t.TempDir()
	p := start(t, binary, dir)

	status, body, err := p.Get(limited(t), "/readyz")
	if err != nil || status != 418 || body != "/readyz" {
		t.Errorf("got %d %q, %v, want 418 /readyz", status, body, err)
	}
	line, err := p.Line(limited(t), "state", func(attributes map[string]any) bool { return attributes["state"] == "running" })
	if err != nil || line["state"] != "running" {
		t.Errorf("got %v, %v, want the line of the state running", line, err)
	}
	if got := p.Stderr(); !strings.Contains(got, "KAFKA_TOPICS=orders") || strings.Contains(got, "KAFKA_BROKERS") {
		t.Errorf("got the environment %s, want our settings and nothing of the tester's", got)
	}
	if code, err := p.Terminate(limited(t)); err != nil || code != 0 {
		t.Errorf("got exit code %d, %v, want 0", code, err)
	}
	if cpu, _ := p.Usage(); cpu <= 0 {
		t.Error("got no processor time used")
	}
}

func TestEachRunHasItsOwnFiles(t *testing.T) {
	t.Parallel()
	binary, dir := build(t), t.TempDir()
	first, second := start(t, binary, dir), start(t, binary, dir)
	for _, p := range []*program.Program{first, second} {
		if _, err := p.Line(limited(t), "listening", nil); err != nil {
			t.Fatal(err)
		}
	}
	if first.Stdout() == second.Stdout() {
		t.Error("got the same log from two processes")
	}
	if files, err := filepath.Glob(filepath.Join(dir, "stub-*.std*.log")); err != nil || len(files) != 4 {
		t.Errorf("got %v, %v, want two files for each process", files, err)
	}
}

func TestTheEndOfAProgramIsReported(t *testing.T) {
	t.Parallel()
	binary, dir := build(t), t.TempDir()

	failed := start(t, binary, dir, "fail")
	if code, err := failed.Wait(limited(t)); err != nil || code != 3 {
		t.Errorf("got exit code %d, %v, want 3", code, err)
	}
	if _, err := failed.Line(limited(t), "listening", nil); err == nil || !strings.Contains(err.Error(), "KAFKA_TOPICS=orders") {
		t.Errorf("got %v for a line that never comes, want what the program printed", err)
	}

	killed := start(t, binary, dir)
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	if code, err := killed.Wait(limited(t)); err != nil || code != -1 {
		t.Errorf("got exit code %d, %v after a kill, want -1", code, err)
	}
	if err := killed.Kill(); err != nil {
		t.Errorf("got %v from a second kill, want nothing", err)
	}

	running := start(t, binary, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if code, err := running.Wait(ctx); err == nil {
		t.Errorf("got exit code %d of a program that runs", code)
	}
	if _, err := running.Line(ctx, "never logged", nil); err == nil {
		t.Error("got a line that was never logged")
	}
}

func TestWhatCannotBeBuiltOrStartedIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := program.Build(t.Context(), t.TempDir(), "./no-such-folder"); err == nil {
		t.Error("got a binary out of nothing")
	}
	absent := filepath.Join(t.TempDir(), "absent")
	if _, err := program.Start(absent, program.Options{Dir: t.TempDir()}); err == nil {
		t.Error("got a process of a binary that does not exist")
	}
	if _, err := program.Start(absent, program.Options{Dir: filepath.Join(os.DevNull, "x")}); err == nil {
		t.Error("got a process whose output goes nowhere")
	}
}
