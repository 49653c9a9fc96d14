package spec

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// yamlProblem returns where a file is not YAML and what is wrong, in words for people who rarely write YAML. The
// library has no typed errors, so its message is parsed. A message that is not known here is passed on.
func yamlProblem(file string, lines []string, err error) Problem {
	p := Problem{Place: Place{File: file, Line: 1, Column: 1}, Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if n, scanErr := fmt.Sscanf(p.Text, "line %d: ", &p.Line); n == 1 && scanErr == nil {
		_, p.Text, _ = strings.Cut(p.Text, ": ")
	} else {
		p.Line = 0
	}
	if strings.HasPrefix(p.Text, "did not find expected") {
		p.Line++ // the parser counts these lines from 0
	}
	// The parser notices some mistakes only at the end of the file, and names a line after the last text. An editor can
	// show the last line that has text.
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	p.Line = min(max(p.Line, 1), len(lines))
	// A tab in the indentation gives several misleading messages, depending on what follows it.
	if line, column := find(lines, `^[ -]*\t`); line > 0 && p.Text != controlCharacter {
		p.Line, p.Column, p.Text = line, column, "a tab; YAML requires spaces"
		return p
	}
	if line, column := find(lines, `[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`); line > 0 && p.Text == controlCharacter {
		p.Line, p.Column = line, column
	}
	if advice := yamlAdvice(p.Text); advice != "" {
		p.Text += ": " + advice
	}
	p.Text = "not YAML: " + p.Text
	return p
}

const controlCharacter = "control characters are not allowed"

// find returns the line and the column where the first match of an expression ends. Both count from 1, and are 0 if
// there is no match.
func find(lines []string, expression string) (line, column int) {
	re := regexp.MustCompile(expression)
	for i, text := range lines {
		if span := re.FindStringIndex(text); span != nil {
			return i + 1, utf8.RuneCountInString(text[:span[1]])
		}
	}
	return 0, 0
}

// yamlAdvice returns the usual cause of a message from the parser, or advice on what to change, or "" if it knows
// neither.
func yamlAdvice(message string) string {
	const rule = `; put a rule in single quotes, with double quotes inside`
	switch {
	case message == "did not find expected ',' or '}'", message == "did not find expected ',' or ']'":
		return "a bracket is not closed, or text in it needs quotes" + rule
	case strings.HasPrefix(message, "did not find expected"):
		return "the indentation or a quote is wrong, here or below" + rule
	case message == "mapping values are not allowed in this context":
		return "text with a colon and a space in it needs quotes"
	case message == "found character that cannot start any token":
		return "text that begins with @, ` or % needs quotes"
	case message == "found unknown escape character":
		return `in double quotes \ begins an escape; use single quotes`
	case message == "found unexpected end of stream":
		return "a quote is not closed"
	case strings.HasPrefix(message, "unknown anchor"):
		return "text that begins with * needs quotes"
	}
	return ""
}
