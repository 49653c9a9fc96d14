package main

import (
	"errors"
	"strings"
	"testing"
)

func TestVisibleQuotesOnlyWhatATerminalWouldObeyOrHide(t *testing.T) {
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
		if got := visible(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestAPageLinesUpEachTableByItself(t *testing.T) {
	t.Parallel()
	var p page
	p.row("NAME", "N", "WHY")
	p.row("заказ", "1", "a long last cell moves nobody")
	p.row("b", "", "")
	p.line("")
	p.row("x", "y, long and last")
	p.row("z", "1", "2")
	p.line("%d lines", 2)
	p.row("last")
	var out strings.Builder
	if err := p.writeTo(&out); err != nil {
		t.Fatal(err)
	}
	want := "NAME   N  WHY\nзаказ  1  a long last cell moves nobody\nb\n\nx  y, long and last\nz  1  2\n2 lines\nlast\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if err := p.writeTo(full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v from a disk that is full, want it to say so", err)
	}
}

var errFull = errors.New("no space left")

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWrittenExitsWithOne(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"version", "mapping presets", "mapping presets -o json", "mapping show shopify", "mapping schema", "mapping check shopify",
		"mapping explain shopify --null", "mapping explain shopify --null -o json",
	} {
		var errs strings.Builder
		if code := execute(t.Context(), strings.Fields(line), streams{in: strings.NewReader(""), out: full{}, err: &errs}); code != exitError ||
			!strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: got exit code %d and %q, want 1 and the reason", line, code, errs.String())
		}
	}
}

func TestCountPutsAnSBehindAllButOne(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 events", 1: "1 event", 2: "2 events"} {
		if got := count(n, "event"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
