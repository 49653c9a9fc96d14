package terminal

import "io"

// Wrap breaks text into lines.
func Wrap(text string, width int) []string { return wrap(text, width) }

// ProgressOn returns a Progress that draws as on a terminal.
func ProgressOn(w io.Writer) *Progress { return &Progress{out: w} }

// Silence is how long a notice waits.
const Silence = silence
