package main

import "testing"

func TestALineIsCutAcrossItsSpans(t *testing.T) {
	t.Parallel()
	l := line{{dim, "calls"}, {normal, " "}, {bold, "12345"}}
	for _, c := range []struct {
		width int
		ink   ink
		want  string
	}{
		{20, colourless, "calls 12345"},
		{8, colourless, "calls 1…"},
		{5, colourless, "calls"},
		{6, ansi, "\x1b[2mcalls\x1b[0m"}, // no escape sequence for an empty text
		{20, ansi, "\x1b[2mcalls\x1b[0m \x1b[1m12345\x1b[0m"},
	} {
		if got := l.render(c.width, c.ink); got != c.want {
			t.Errorf("width %d: got %q, want %q", c.width, got, c.want)
		}
	}
}
