package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

const ellipsis = "…"

func cells() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// Width returns the number of columns that text takes.
func Width(text string) int { return cells().StringWidth(text) }

// Cut shortens text that is wider than width, and ends it with an ellipsis. A width below 1 leaves nothing.
func Cut(text string, width int) string {
	if width < 1 {
		return ""
	}
	return cells().Truncate(text, width, ellipsis)
}

// cutStart is like [Cut], but shortens text at its beginning.
func cutStart(text string, width int) string {
	if excess := Width(text) - width; excess > 0 {
		return cells().TruncateLeft(text, excess+1, ellipsis)
	}
	return text
}

// Pad appends spaces up to a width.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-Width(text), 0))
}

// wrap breaks text at its spaces into lines of the given width. A longer word gets a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, rest := "", strings.TrimSpace(text)
	for rest != "" {
		word, after, _ := strings.Cut(rest, " ")
		rest = strings.TrimLeft(after, " ")
		if line != "" && Width(line)+Width(word) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += word + " " + after[:len(after)-len(rest)]
	}
	return append(lines, strings.TrimRight(line, " "))
}

const (
	// leastHang is the width of the narrowest column into which Hang wraps text.
	leastHang = 20
	// nextLine is the indentation of text that starts below its label.
	nextLine = 2
)

// Hang puts text after a label and wraps it to a width; continuation lines begin below its first word. If fewer than
// leastHang columns are left beside the label, or too few for the longest word, the text begins on the next line, so
// that no terminal breaks a word.
func Hang(label, text string, width int) []string {
	indent := Width(label)
	if width == 0 || indent+Width(text) <= width {
		return []string{strings.TrimRight(label+text, " ")}
	}
	space, longest := width-indent, longestWord(text)
	if indent > nextLine && (space < leastHang || longest > space && longest <= width-nextLine) {
		below := Hang(strings.Repeat(" ", nextLine), text, width)
		if label = strings.TrimRight(label, " "); label == "" {
			return below
		}
		return append([]string{label}, below...)
	}
	lines := wrap(text, width-indent)
	for i := range lines {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		lines[i] = label + lines[i]
	}
	return lines
}

func longestWord(text string) int {
	most := 0
	for word := range strings.FieldsSeq(text) {
		most = max(most, Width(word))
	}
	return most
}

// Escape replaces each character that a terminal would interpret, or would not display, with its Go escape sequence,
// such as \n.
func Escape(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return out.String()
}

// Quote returns text as it is if a terminal shows all of it, and in quotes otherwise. Spaces at its ends need quotes
// too.
func Quote(text string) string {
	if strings.TrimSpace(text) == text && Escape(text) == text {
		return text
	}
	return strconv.Quote(text)
}
