package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// style is how a terminal shows a text: the parameters of an ANSI SGR sequence.
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

// span is text of one style. All texts here are of characters one column wide.
type span struct {
	style style
	text  string
}

type line []span

// ink shows a text in a style.
type ink func(style, string) string

// ansi is the ink of terminals, colourless that of files and of people who want none.
func ansi(s style, text string) string {
	if s == normal || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func colourless(_ style, text string) string { return text }

// render cuts the line to width columns and writes it out.
func (l line) render(width int, show ink) string {
	var out strings.Builder
	for _, s := range l {
		text := cut(s.text, width)
		width -= utf8.RuneCountInString(text)
		out.WriteString(show(s.style, text))
	}
	return strings.TrimRight(out.String(), " ")
}

// cut shortens a text to width columns; the last of them says so.
func cut(text string, width int) string {
	runes := []rune(text)
	switch {
	case len(runes) <= width:
		return text
	case width <= 0:
		return ""
	}
	return string(runes[:width-1]) + "…"
}

// printable takes out what a terminal would obey. Order ids and statuses are the shop's, messages LeadHit's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// wrap breaks a text at its blanks into lines of width columns; a word that is longer is cut.
func wrap(text string, width int) []string {
	var lines []string
	now := ""
	for word := range strings.FieldsSeq(text) {
		word = cut(word, width)
		switch {
		case now == "":
			now = word
		case utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) <= width:
			now += " " + word
		default:
			lines = append(lines, now)
			now = word
		}
	}
	return append(lines, now)
}

// spark draws values as bars of eight heights, the last ones if there are more than columns. The lowest bar is 0.
func spark(values []float64, columns int) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	values = values[max(0, len(values)-max(columns, 0)):]
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	var out strings.Builder
	for _, v := range values {
		height := 0
		if v > 0 {
			// From 1 up: a little is not nothing.
			height = 1 + min(int(v/most*float64(len(bars)-1)), len(bars)-2)
		}
		out.WriteRune(bars[height])
	}
	return out.String()
}

// clock is a time since the start, 1:05.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// seconds is a short time, 3.1 s.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", max(d, 0).Seconds()) }
