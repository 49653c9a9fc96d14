package main

import (
	"errors"
	"strings"
	"testing"
)

var errFull = errors.New("no space left")

// full is a writer that fails as if the disk were full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWrittenExitsWithOne(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"version", "mapping presets", "mapping presets -o json", "mapping show shopify", "mapping schema",
		"mapping check shopify",
		"mapping explain shopify --null", "mapping explain shopify --null -o json",
	} {
		var errs strings.Builder
		if code := execute(t.Context(), strings.Fields(line),
			streams{in: strings.NewReader(""), out: full{}, err: &errs}); code != exitError ||
			!strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: got exit code %d and %q, want 1 and the reason", line, code, errs.String())
		}
	}
}

func TestCountAddsAnSExceptForOne(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 events", 1: "1 event", 2: "2 events"} {
		if got := count(n, "event"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
