package apache_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
)

// fakeJava puts a program java before all others on the PATH.
func fakeJava(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "java"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

// soon waits until holds, which takes a moment.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func logged(p apache.Process, text string) func() bool {
	return func() bool {
		b, _ := os.ReadFile(p.Log())
		return strings.Contains(string(b), text)
	}
}

func TestAProcessIsStartedOnceAndEndsWithItsSignal(t *testing.T) {
	fakeJava(t, `echo "started $*"; trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done`)
	p := apache.NewProcess(t.TempDir(), "the.jar")
	for range 2 {
		if err := p.Start("kafka.Kafka", "server.properties"); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "its start", logged(p, "-cp the.jar kafka.Kafka server.properties"))
	if is, err := p.Running(); !is || err != nil {
		t.Errorf("got running %v, %v, want it running", is, err)
	}
	if err := p.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	text, _ := os.ReadFile(p.Log())
	if strings.Count(string(text), "started") != 1 || !strings.Contains(string(text), "asked") {
		t.Errorf("got the log %q, want one start, and an end that was asked for", text)
	}
	if is, err := p.Running(); is || err != nil {
		t.Errorf("got running %v, %v, want it stopped", is, err)
	}
	if err := p.Stop(syscall.SIGTERM); err != nil {
		t.Errorf("got %v of a process that does not run, want nothing", err)
	}
	if err := p.Freeze(true); err == nil {
		t.Error("froze a process that does not run")
	}
}

func TestAFrozenProcessGoesOnOrEnds(t *testing.T) {
	fakeJava(t, `trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.01; echo tick; done`)
	p := apache.NewProcess(t.TempDir(), "the.jar")
	if err := p.Start("kafka.Kafka"); err != nil {
		t.Fatal(err)
	}
	soon(t, "its start", logged(p, "tick"))
	size := func() int {
		b, _ := os.ReadFile(p.Log())
		return len(b)
	}
	if err := p.Freeze(true); err != nil {
		t.Fatal(err)
	}
	soon(t, "the freeze", func() bool {
		before := size()
		time.Sleep(200 * time.Millisecond)
		return size() == before
	})
	if err := p.Freeze(false); err != nil {
		t.Fatal(err)
	}
	before := size()
	soon(t, "the thaw", func() bool { return size() > before })
	if err := p.Freeze(true); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := p.Stop(syscall.SIGTERM); err != nil || !logged(p, "asked")() || time.Since(begun) > apache.StopLimit {
		t.Errorf("got %v after %v, want a frozen process that sees the signal and ends", err, time.Since(begun))
	}
}

func TestAProcessThatEndsUnaskedShowsTheEndOfItsLog(t *testing.T) {
	fakeJava(t, `seq 100; exit 1`)
	p := apache.NewProcess(t.TempDir(), "the.jar")
	if err := p.Start("kafka.Kafka"); err != nil {
		t.Fatal(err)
	}
	var err error
	soon(t, "its end", func() bool {
		var is bool
		is, err = p.Running()
		return !is
	})
	if err == nil || !strings.HasSuffix(err.Error(), "\n99\n100") || !strings.Contains(err.Error(), "\n86\n") || strings.Contains(err.Error(), "\n85\n") {
		t.Errorf("got %v, want the last 15 lines", err)
	}
	if err := p.Stop(syscall.SIGKILL); err != nil {
		t.Errorf("got %v, want the end of a process that has ended", err)
	}
}
