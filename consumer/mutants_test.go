package consumer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a fault: a text that occurs once in predecessor.go, its replacement, and the test that must notice.
type mutant struct{ old, new, test string }

// TestMutants removes one guard of a successor after another.
func TestMutants(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mutant{
		"successor-does-not-wait": {
			"p.began.Add(p.options.Dispatch.CallTimeout + lastCallMargin)", "p.began",
			"TestNoCallOfASuccessorMeetsOneOfItsPredecessor",
		},
		"successor-removes-the-living": {
			"member.ClientID == p.options.Place", `member.ClientID != ""`, "TestWorkersOfOtherPlacesAreNeverTakenForDead",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overlay, err := m.overlay(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-ldflags=-s -w",
				"-overlay", overlay, "-run", "^"+m.test+"$", ".").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: "+m.test) {
				t.Errorf("%s: survived, or did not run: %v\n%s", m.test, err, out)
			}
		})
	}
}

// overlay writes the changed file, and what puts it in the place of the original.
func (m mutant) overlay(dir string) (string, error) {
	const file = "predecessor.go"
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("the text to change stands %d times in %s: %q", n, file, m.old)
	}
	path, err := filepath.Abs(file)
	changed, overlay := filepath.Join(dir, file), filepath.Join(dir, "overlay.json")
	text, wrong := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	return overlay, errors.Join(err, wrong, os.WriteFile(overlay, text, 0o600),
		os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
}
