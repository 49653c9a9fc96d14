package integration_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/program"
)

// testSettings: all mistakes are reported at once, one per line.
func (s *suite) testSettings(t *testing.T) {
	wrong := map[string]string{
		"KAFKA_TOPICS":    "orders,,returns",
		"CALLS_IN_FLIGHT": "many",
		"LEADHIT_TIMEOUT": "3",
		"KAFKA_START":     "yesterday",
		"LOG_LEVEL":       "loud",
	}
	settings := map[string]string{"KAFKA_BROKERS": "127.0.0.1:9092", "LEADHIT_API_KEY": s.canary}
	maps.Copy(settings, wrong)
	process, err := program.Start(s.binary, program.Options{Arguments: []string{"run"}, Settings: settings, Dir: s.emitted})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if code, err := process.Wait(ctx); err != nil || code != 2 {
		t.Errorf("got exit code %d, %v, want 2", code, err)
	}
	lines := strings.Split(strings.TrimSpace(process.Stderr()), "\n")
	if len(lines) != len(wrong) {
		t.Errorf("got %d lines, want one for each of %d mistakes:\n%s", len(lines), len(wrong), process.Stderr())
	}
	for name := range wrong {
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(line, name) && strings.Contains(line, "example")
		}
		if !found {
			t.Errorf("got no line about %s with an example:\n%s", name, process.Stderr())
		}
	}
	if out := process.Stdout(); out != "" {
		t.Errorf("got %q on stdout, want nothing", out)
	}
}
