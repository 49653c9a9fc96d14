package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deploy/lint"
)

func ExampleRender() {
	overlay, err := lint.Render("../overlays/ci/minimal")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, object := range overlay.Objects {
		kind, _, _ := strings.Cut(object.String(), "/")
		fmt.Println(kind)
	}
	// Output:
	// ServiceAccount
	// Deployment
	// PodDisruptionBudget
	// NetworkPolicy
	// Service
	// ConfigMap
}

func ExampleParseTable() {
	for _, s := range lint.ParseTable(`
| variable | default | meaning |
| --- | --- | --- |
| ` + "`KAFKA_TOPICS`" + ` | required | Topics. |
| ` + "`CALLS_IN_FLIGHT`" + ` | ` + "`64`" + ` | Calls. |
| ` + "`LEADHIT_CA_FILE`" + ` | the system's | Authorities. |
`) {
		fmt.Printf("%s %q %v\n", s.Name, s.Default, s.Required)
	}
	// Output:
	// KAFKA_TOPICS "" true
	// CALLS_IN_FLIGHT "64" false
	// LEADHIT_CA_FILE "" false
}

func TestTheProgramsLimitsAndPathsAreReadFromItsSource(t *testing.T) {
	t.Parallel()
	p := known(t)
	if p.Drain < time.Second || p.Rebalance <= p.Drain || p.IO < time.Second {
		t.Errorf("got drain %s, rebalance %s, exchange %s, want a drain below the rebalance timeout", p.Drain, p.Rebalance, p.IO)
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/status"} {
		if !slices.Contains(p.Paths, path) {
			t.Errorf("got the paths %v, want %s among them", p.Paths, path)
		}
	}
}

// sources lays out a small program, with another text in one of its files.
func sources(t *testing.T, file, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{
		"cmd/worker/http.go":      "package worker\nconst a = \"GET /livez\"\n",
		"consumer/consumer.go":    "package consumer\nimport \"time\"\nconst (\n\tdrainLimit = 15 * time.Second\n\trebalanceTimeout = time.Second\n)\n",
		"consumer/broker/dial.go": "package broker\nimport \"time\"\nconst ioLimit = 10 * time.Second\n",
	} {
		if name == file {
			content = text
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestASourceThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	const table = "| `A` | none | . |"
	p, err := lint.ReadProgram(sources(t, "", ""), table)
	if err != nil || p.Drain != 15*time.Second || p.Rebalance != time.Second || p.IO != 10*time.Second {
		t.Fatalf("got %+v and %v, want 15 s, 1 s and 10 s", p, err)
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"a limit that is gone":     {"consumer/consumer.go", "package consumer\n", "drainLimit is no constant"},
		"a limit that is computed": {"consumer/broker/dial.go", "package broker\nconst ioLimit = f()\n", "ioLimit is no constant"},
		"a limit in another unit":  {"consumer/broker/dial.go", "package broker\nconst ioLimit = 10 * time.Minute\n", "ioLimit is no constant"},
		"a file that is no Go":     {"consumer/consumer.go", "pakage", "expected 'package'"},
		"a program without a path": {"cmd/worker/http.go", "package worker\n", "serves no path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := lint.ReadProgram(sources(t, c.file, c.text), table); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that holds %q", err, c.want)
			}
		})
	}
	if _, err := lint.ReadProgram(sources(t, "", ""), "no table"); err == nil {
		t.Error("got no error without a table")
	}
}
