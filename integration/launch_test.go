package integration_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/integration/program"
)

// TestLaunch follows the README's first page. It starts Kafka and the look-alike, copies the printed lines into a
// shell, one after another, and looks at the first letter.
func TestLaunch(t *testing.T) {
	needKafka(t)
	t.Parallel()
	w := newWalker(t)
	lines := regexp.MustCompile(`(?m)^go run .*$`).FindAllString(w.launched.Stdout(), -1)
	if len(lines) != 4 || len(w.settings) != 2 {
		t.Fatalf("got\n%s\nwant the exports and four lines: run, two events, letters", w.said())
	}
	worker := w.shell(t.Context(), lines[0])
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = worker.Process.Kill() })
	for _, line := range lines[1:3] {
		if output, err := w.shell(t.Context(), line).CombinedOutput(); err != nil || !strings.Contains(string(output), `  {"order_id":"471`) {
			t.Fatalf("%s: got %s, %v, want the event", line, output, err)
		}
	}
	w.shows(t, `LeadHit: set_order_status("4711", "paid"): accepted`)
	w.shows(t, `LeadHit: set_order_status("4712", "lost"): refused`)
	eventually(t, 2*time.Minute, "the letter", func() string {
		output, err := w.shell(t.Context(), lines[3]).CombinedOutput()
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
	w.end(t)
}

// walker copies lines into a shell. The programs that they run are already built.
type walker struct {
	launched *program.Program
	settings []string // the lines that export them
	folder   string
}

// newWalker starts Kafka and the look-alike and waits for the last line to copy.
func newWalker(t *testing.T) *walker {
	t.Helper()
	w := &walker{folder: t.TempDir()}
	var err error
	for _, main := range []string{"./cmd/leadhit-sync", "./integration/launch"} {
		var binary string
		if binary, err = program.Build(t.Context(), w.folder, main); err == nil && main == "./integration/launch" {
			w.launched, err = program.Start(binary, program.Options{Dir: w.folder})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = w.launched.Kill() })
	w.shows(t, "Each call is shown here")
	w.settings = regexp.MustCompile(`(?m)^export .*$`).FindAllString(w.launched.Stdout(), -1)
	return w
}

func (w *walker) said() string { return w.launched.Stdout() + w.launched.Stderr() }

// shows waits until the terminal in which launch runs shows the text.
func (w *walker) shows(t *testing.T, text string) {
	t.Helper()
	eventually(t, 3*time.Minute, text, func() string {
		if strings.Contains(w.said(), text) {
			return ""
		}
		if w.launched.Ended() {
			t.Fatalf("it has ended: %s", w.said())
		}
		return "it said: " + w.said()
	})
}

// end presses Ctrl-C in the terminal in which launch runs. The cluster's folder must then be gone.
func (w *walker) end(t *testing.T) {
	t.Helper()
	folder := regexp.MustCompile(`its log: (.*)/node-1/kafka.log`).FindStringSubmatch(w.launched.Stdout())
	if err := w.launched.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code, err := w.launched.Wait(t.Context()); code != 0 || err != nil {
		t.Errorf("got exit code %d, %v at the end, want 0", code, err)
	}
	if _, err := os.Stat(folder[1]); err == nil {
		t.Errorf("got %s left behind", folder[1])
	}
}

func (w *walker) shell(ctx context.Context, line string) *exec.Cmd {
	line = strings.NewReplacer("go run ./integration/launch", w.folder+"/launch", "go run ./cmd/leadhit-sync", w.folder+"/leadhit-sync").Replace(line)
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", strings.Join(append(w.settings, "exec "+line), "\n"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	return cmd
}
