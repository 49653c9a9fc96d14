package terminal_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leadhit-sync/cmd/terminal"
)

func TestQuoteQuotesOnlyWhatATerminalWouldObeyOrHide(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "",
		"4711":            "4711",
		"ИМ-2026/№ 395":   "ИМ-2026/№ 395",
		"#1001":           "#1001",
		`a "b"`:           `a "b"`,
		" a":              `" a"`,
		"a\n":             `"a\n"`,
		"a\tb":            `"a\tb"`,
		"\x1b[2J":         `"\x1b[2J"`,
		"a\u202eb":        `"a\u202eb"`,
		"a\xffb":          `"a\xffb"`,
		"a\u0000b":        `"a\x00b"`,
		"a\u00a0b":        `"a\u00a0b"`,
		"zero\u200bwidth": `"zero\u200bwidth"`,
	} {
		if got := terminal.Quote(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestEscapeLeavesNothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	if got, want := terminal.Escape("paid\x1b[2J\r\n\u009b31m\xff "), `paid\x1b[2J\r\n\u009b31m\xff `; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWidthCountsColumns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "order": 5, "заказ": 5, "注文": 4, "e\u0301": 1} {
		if got := terminal.Width(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if got := terminal.Pad("注文", 6); got != "注文  " {
		t.Errorf("got %q, want two spaces after two wide characters", got)
	}
}

func TestCutKeepsTheWidth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"order", 5, "order"},
		{"orders", 5, "orde…"},
		{"заказ №1", 6, "заказ…"},
		{"注文番号", 6, "注文…"},
		{"order", 1, "…"},
		{"order", 0, ""},
		{"order", -1, ""},
		{"", 0, ""},
	} {
		if got := terminal.Cut(c.text, c.width); got != c.want {
			t.Errorf("Cut(%q, %d): got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestWrapBreaksAtSpaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two three", 13, []string{"one two three"}},
		{"one two three", 12, []string{"one two", "three"}},
		{"  one   two ", 3, []string{"one", "two"}},
		{"warn  two spaces", 12, []string{"warn  two", "spaces"}},
		{"an incomprehensible word", 6, []string{"an", "incomprehensible", "word"}},
	} {
		if got := terminal.Wrap(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("Wrap(%q, %d): got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestWrapLosesNoWordAndFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.StringMatching(`[a-zа-я注 ]{0,12}`)).Draw(t, "words"), " ")
		width := rapid.IntRange(1, 40).Draw(t, "width")
		lines := terminal.Wrap(text, width)
		if got, want := strings.Fields(strings.Join(lines, " ")), strings.Fields(text); !slices.Equal(got, want) {
			t.Fatalf("got the words %q, want %q", got, want)
		}
		for _, line := range lines {
			if terminal.Width(line) > width && strings.Contains(line, " ") {
				t.Fatalf("got %q, wider than %d", line, width)
			}
		}
	})
}

func TestHangIndentsFurtherLines(t *testing.T) {
	t.Parallel()
	const text = "calls pause and no letter is written"
	for _, c := range []struct {
		width int
		want  []string
	}{
		{0, []string{"state  " + text}},
		{80, []string{"state  " + text}},
		{30, []string{"state  calls pause and no", "       letter is written"}},
		{20, []string{"state", "  calls pause and no", "  letter is written"}}, // too narrow beside the label
	} {
		if got := terminal.Hang("state  ", text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("width %d: got %q, want %q", c.width, got, c.want)
		}
	}
}

func TestHangBreaksNoWordThatFitsOnALineOfItsOwn(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("w", 70)
	for name, c := range map[string]struct {
		label, text string
		want        []string
	}{
		"a word that fits below the label": {
			"REFUSED  12  ", "because of " + word,
			[]string{"REFUSED  12", "  because of", "  " + word},
		},
		"a label that fills the line": {
			strings.Repeat("l", 70) + "  ", "because it is so",
			[]string{strings.Repeat("l", 70), "  because it is so"},
		},
		"a word that fits nowhere": {"label  ", word + word, []string{"label  " + word + word}},
		"a label of spaces":        {"            ", word, []string{"  " + word}},
		"no label":                 {"", "because of " + word + " and more", []string{"because of", word + " and more"}},
	} {
		if got := terminal.Hang(c.label, c.text, 80); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
