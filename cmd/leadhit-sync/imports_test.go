package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A profiler would expose memory, including the API key. A plugin could load untrusted code. The linter checks only the
// direct imports of our packages.
func TestTheBinaryHoldsNoProfilerAndNoPlugins(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(output))
	if !slices.Contains(linked, "leadhit-sync/leadhit") {
		t.Fatalf("got %d packages without the client, want the binary's", len(linked))
	}
	for _, unwanted := range []string{"net/http/pprof", "plugin", "os/exec", "testing"} {
		if slices.Contains(linked, unwanted) {
			t.Errorf("got %s linked in, want none", unwanted)
		}
	}
}
