package main

import (
	"strings"

	"leadhit-sync/cmd/terminal"
)

// style is how a terminal shows text: the parameters of an ANSI SGR sequence.
type style string

const (
	normal style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// span is text in one style.
type span struct {
	style style
	text  string
}

type line []span

// ink adds a style to text.
type ink func(style, string) string

// ansi is the ink for terminals. colourless is the ink for files, and for terminals with NO_COLOR.
func ansi(s style, text string) string {
	if s == normal || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// colourless leaves the text unchanged, so both inks give lines of the same width.
func colourless(_ style, text string) string { return text }

// render cuts the line to a width in columns and adds the styles. It cuts first, because escape sequences take no
// columns.
func (l line) render(width int, show ink) string {
	var out strings.Builder
	for _, s := range l {
		text := terminal.Cut(s.text, width)
		width -= terminal.Width(text)
		out.WriteString(show(s.style, text))
	}
	return strings.TrimRight(out.String(), " ")
}
