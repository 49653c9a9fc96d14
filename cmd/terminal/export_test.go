package terminal

import "io"

// ProgressOn returns a bar as on a terminal.
func ProgressOn(w io.Writer) *Progress { return &Progress{out: w} }

// Silence is how long a notice waits.
const Silence = silence
