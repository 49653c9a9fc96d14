package integration_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/program"
)

// TestLaunch walks the way of the README's first page: it starts Kafka and the look-alike, copies the lines that are printed
// into a shell, one after another, and looks at the first letter.
func TestLaunch(t *testing.T) {
	needKafka(t)
	t.Parallel()
	folder := t.TempDir()
	binaries := make(map[string]program.Binary)
	for _, main := range []string{"./integration/launch", "./cmd/leadhit-sync"} {
		binary, err := program.Build(t.Context(), folder, main)
		if err != nil {
			t.Fatal(err)
		}
		binaries[main] = binary
	}
	launched, err := binaries["./integration/launch"].Start(program.Options{Dir: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = launched.Kill() })
	said := func() string { return launched.Stdout() + launched.Stderr() }
	eventually(t, 3*time.Minute, "the last line", func() string {
		if launched.Ended() || strings.Contains(said(), "Each call is shown here") {
			return ""
		}
		return "it said: " + said()
	})
	if launched.Ended() {
		code, err := launched.Wait(t.Context())
		t.Fatalf("got exit code %d, %v and\n%s", code, err, said())
	}
	w := &walker{settings: regexp.MustCompile(`(?m)^export .*$`).FindAllString(launched.Stdout(), -1), folder: folder}
	lines := regexp.MustCompile(`(?m)^go run .*$`).FindAllString(launched.Stdout(), -1)
	if len(lines) != 4 || len(w.settings) != 2 {
		t.Fatalf("got\n%s\nwant the exports and four lines: run, two events, letters", said())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	worker := w.shell(ctx, lines[0])
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:3] {
		if output, err := w.shell(ctx, line).CombinedOutput(); err != nil || !strings.Contains(string(output), `  {"order_id":"471`) {
			t.Errorf("%s: got %s, %v, want the event", line, output, err)
		}
	}
	eventually(t, 2*time.Minute, "both calls", func() string {
		if strings.Contains(said(), `LeadHit: set_order_status("4711", "paid"): accepted`) &&
			strings.Contains(said(), `LeadHit: set_order_status("4712", "lost"): refused`) {
			return ""
		}
		return "it said: " + said()
	})
	eventually(t, time.Minute, "the letter", func() string {
		output, err := w.shell(ctx, lines[3]).CombinedOutput()
		if err == nil && strings.Contains(string(output), "  4712   lost    ValidationError") {
			return ""
		}
		return "it said: " + string(output)
	})
	if err := worker.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := worker.Wait(); err != nil {
		t.Errorf("the worker: %v", err)
	}
	kafka := regexp.MustCompile(`its log: (.*)/node-1/kafka.log`).FindStringSubmatch(launched.Stdout())
	if code, err := launched.Terminate(ctx); code != 0 || err != nil {
		t.Errorf("got exit code %d, %v at the end, want 0", code, err)
	}
	if _, err := os.Stat(kafka[1]); err == nil {
		t.Errorf("got %s left behind", kafka[1])
	}
}

// walker copies lines into a shell; the programs are already built.
type walker struct {
	settings []string
	folder   string
}

func (w *walker) shell(ctx context.Context, line string) *exec.Cmd {
	line = strings.NewReplacer("go run ./integration/launch", w.folder+"/launch", "go run ./cmd/leadhit-sync", w.folder+"/leadhit-sync").Replace(line)
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", strings.Join(append(w.settings, "exec "+line), "\n"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	return cmd
}
