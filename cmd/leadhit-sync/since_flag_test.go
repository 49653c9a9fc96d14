package main

import (
	"strings"
	"testing"
)

// All commands accept the same forms of times, and refuse any other text with the same message.
func TestEverySinceIsReadByOneParser(t *testing.T) {
	for _, line := range []string{"preview", "letters list"} {
		for _, since := range []string{"yesterday", "-1h", "0"} {
			got := command(t, "", append(strings.Fields(line), "--since", since)...)
			if got.code != exitUsage || !strings.Contains(got.err, "want a duration above 0, such as 24h or 7d") ||
				!strings.Contains(got.err, `"`+since+`" for "--since"`) {
				t.Errorf("%s --since %s: got %+v, want exit code 2 and what is wanted", line, since, got)
			}
		}
		// Without settings, no command contacts Kafka. The flag is accepted, and the error is about the missing
		// settings.
		for _, since := range []string{"7d", "24h", "2026-03-11T07:00:00Z"} {
			got := command(t, "", append(strings.Fields(line), "--since", since)...)
			if got.code != exitUsage || !strings.Contains(got.err, "KAFKA_BROKERS") || strings.Contains(got.err, "--since") {
				t.Errorf("%s --since %s: got %+v, want an error about the missing settings", line, since, got)
			}
		}
	}
}
