package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"leadhit-sync/deploy/lint"
)

func ExampleRead() {
	rendering, err := lint.Render("../overlays/ci/minimal")
	if err != nil {
		fmt.Println(err)
		return
	}
	overlay, err := lint.Read(rendering)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(overlay.Worker.Name, overlay.Arguments(), overlay.Environment()["KAFKA_GROUP"])
	// Output:
	// leadhit-sync [run] leadhit-sync
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

// sources creates the source tree of a small program.
func sources(t *testing.T, worker, consumer string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{
		"cmd/worker/http.go": worker, "consumer/limits.go": consumer, "consumer/broker/dial/dialer.go": "const ioLimit = 10 * time.Second\n",
	} {
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

func TestASourceWithoutALimitOrAPathIsAnError(t *testing.T) {
	t.Parallel()
	const path, limits, table = `"GET /livez"`, "const (\n\tdrainLimit = 15 * time.Second\n\trebalanceTimeout = 30 * time.Second\n)\n", "| `A` | none | . |"
	p, err := lint.ReadProgram(sources(t, path, limits), table)
	if err != nil || p.Drain != 15*time.Second || p.Rebalance != 30*time.Second || p.IO != 10*time.Second {
		t.Fatalf("got %+v and %v, want 15 s, 30 s and 10 s", p, err)
	}
	for name, c := range map[string]struct{ path, limits, table string }{
		"no path":         {"", limits, table},
		"no table":        {path, limits, ""},
		"a limit is gone": {path, plant(t, limits, "drainLimit", "drain"), table},
		"another unit":    {path, plant(t, limits, "15 * time.Second", "15 * time.Minute"), table},
	} {
		if _, err := lint.ReadProgram(sources(t, c.path, c.limits), c.table); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
