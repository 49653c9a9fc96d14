package main

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
)

// maxStray is how many bytes of a line are kept. A library may quote a whole response in one line, and a log collector
// may cut or refuse long lines.
const maxStray = 256

// takeStrayLines makes log receive what libraries write to the process's standard logger. net/http, for example,
// reports an unsolicited response on an idle connection there. Without takeStrayLines, such lines would go to stderr in
// another format. The change affects the whole process. Only the run command makes it, because the stderr of other
// commands is for human readers.
func takeStrayLines(log *slog.Logger) {
	slog.SetDefault(slog.New(stray{log.Handler()})) // this also redirects the standard logger of package log
}

// stray turns a line of the standard logger into a line of our log.
type stray struct{ slog.Handler }

// Handle writes the line's text as an attribute, but removes quoted text. Quoted text was sent by a server, and may
// repeat the API key.
func (s stray) Handle(ctx context.Context, record slog.Record) error {
	text := quoted.ReplaceAllString(record.Message, `"…"`)
	// Control and format characters could forge a line or colour the terminal of a person who reads the log.
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

// quoted also matches an unclosed quote and the rest of the line, because the rest of a truncated quotation must not be
// shown.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
