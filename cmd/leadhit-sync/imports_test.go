package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What is linked in can be reached: a profile shows memory, and with it the API key; a plugin is code that nobody built.
// What the packages of ours import themselves is the linter's to watch.
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
