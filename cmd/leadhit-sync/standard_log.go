package main

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
)

// maxStray is how much of a stray line is kept.
const maxStray = 256

// takeStrayLines sends to log, in its format, what libraries write to the process's standard logger and so to stderr:
// net/http reports there what its callers never see, such as a response on an idle connection. It holds for the process.
func takeStrayLines(log *slog.Logger) {
	slog.SetDefault(slog.New(stray{log.Handler()})) // the only way to the standard logger's output
}

// stray makes a line of the log from a line of the standard logger.
type stray struct{ slog.Handler }

// Handle writes the line's text as an attribute. It leaves out what stands in quotes: these are bytes that somebody sent, in
// which a server may repeat the API key.
func (s stray) Handle(ctx context.Context, record slog.Record) error {
	text := quoted.ReplaceAllString(record.Message, `"…"`)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxStray {
		text = strings.ToValidUTF8(text[:maxStray], "") + "…"
	}
	line := slog.NewRecord(record.Time, slog.LevelWarn, "a library wrote to the standard log", 0)
	line.AddAttrs(slog.String("text", text))
	return s.Handler.Handle(ctx, line)
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
