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

// fakeJava puts a script named java first on the PATH.
func fakeJava(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "java"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

// soon waits until holds() is true. The processes are real, so there is no fake clock to advance.
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

func TestAProcessIsStartedOnceAndKilled(t *testing.T) {
	fakeJava(t, `echo "started $*"; while :; do sleep 0.01; done`)
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
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(p.Log()); strings.Count(string(text), "started") != 1 {
		t.Errorf("got the log %q, want one start", text)
	}
	if is, err := p.Running(); is || err != nil {
		t.Errorf("got running %v, %v, want it ended", is, err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("got %v for a process that does not run, want nothing", err)
	}
	if err := p.Signal(syscall.SIGSTOP); err == nil {
		t.Error("froze a process that does not run")
	}
}

func TestAFrozenProcessContinuesOrEnds(t *testing.T) {
	fakeJava(t, `while :; do sleep 0.01; echo tick; done`)
	p := apache.NewProcess(t.TempDir(), "the.jar")
	if err := p.Start("kafka.Kafka"); err != nil {
		t.Fatal(err)
	}
	soon(t, "its start", logged(p, "tick"))
	size := func() int {
		b, _ := os.ReadFile(p.Log())
		return len(b)
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	soon(t, "the freeze", func() bool {
		before := size()
		time.Sleep(200 * time.Millisecond)
		return size() == before
	})
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	before := size()
	soon(t, "the thaw", func() bool { return size() > before })
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("got %v, want a frozen process that ends", err)
	}
}

func TestAProcessThatEndsUnexpectedlyShowsTheEndOfItsLog(t *testing.T) {
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
	if err := p.Kill(); err != nil {
		t.Errorf("got %v from a kill of a process that has ended, want nil", err)
	}
}
