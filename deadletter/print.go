package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printer shows letters to an operator, in lines that cannot harm a terminal. The zero value is fit for a terminal of
// 100 columns and keeps values to itself.
type Printer struct {
	Width  int  // columns of a table; 0: 100, at least 80
	Reveal bool // print the value too, not only its size and hash
}

const (
	defaultWidth = 100
	leastWidth   = 80
	minute       = "01-02 15:04" // letters expire after a month: the year would only take room
)

// List writes one line for each letter: id, order, status, cause, when it failed (month, day and minute, UTC) and why. Ids are whole, to be
// copied; the rest is cut to fit the width. A last line tells of records that could not be read.
func (p Printer) List(w io.Writer, found Listing) error {
	rows := [][]string{{"ID", "ORDER", "STATUS", "CAUSE", "FAILED (UTC)", "MESSAGE"}}
	for _, l := range found.Letters {
		rows = append(rows, []string{
			safe(l.ID()), narrow(l.OrderID, 16), narrow(l.Status, 10), narrow(l.Cause, 18),
			l.FailedAt.UTC().Format(minute), safe(l.Message),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		// An id longer than the line is still shown whole: it is what the other commands ask for.
		room := max(p.width(), widths[0]+2)
		out.WriteString(narrow(strings.TrimRight(line.String(), " "), room) + "\n")
	}
	if found.Broken > 0 {
		fmt.Fprintf(&out, "%d of %d records are no letters or cannot be read.\n", found.Broken, found.Read)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (p Printer) width() int {
	if p.Width == 0 {
		return defaultWidth
	}
	return max(p.Width, leastWidth)
}

// Show writes all of one letter: what is known of the failure, the event's headers, and its value's size and hash.
func (p Printer) Show(w io.Writer, l Letter) error {
	var out strings.Builder
	row := func(name, text string) {
		fmt.Fprintf(&out, "%-12s %s\n", name, safe(text))
	}
	row("id", l.ID())
	row("order", l.OrderID)
	row("status", l.Status)
	row("cause", l.Cause)
	row("message", l.Message)
	row("code", strconv.Itoa(l.Code))
	row("stage", l.Stage.word())
	row("fingerprint", l.Fingerprint())
	row("failed", l.FailedAt.UTC().Format(time.RFC3339))
	row("event time", eventTime(l))
	row("attempts", strconv.Itoa(l.Attempts))
	row("replays", strings.TrimSpace(strconv.Itoa(l.ReplayCount)+" "+l.ReplayRun))
	row("group", l.Group)
	row("version", l.Version)
	row("key", bytesInWords(l.Key))
	for _, h := range l.Headers {
		row("header", h.Key+": "+bytesInWords(h.Value))
	}
	row("value", valueInWords(l))
	if p.Reveal && l.Value != nil {
		out.WriteString("\n" + safeLines(string(l.Value)) + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func eventTime(l Letter) string {
	if l.Time.IsZero() {
		return "none"
	}
	return l.Time.UTC().Format(time.RFC3339Nano)
}

func bytesInWords(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case !utf8.Valid(b):
		return fmt.Sprintf("%d bytes, not text", len(b))
	}
	return string(b)
}

func valueInWords(l Letter) string {
	v := describe(l)
	switch {
	case v == nil:
		return "null, a tombstone"
	case v.Omitted:
		return fmt.Sprintf("%d bytes, sha256 %s, too large for this topic: read it at %s", v.Size, v.SHA256, l.ID())
	}
	return fmt.Sprintf("%d bytes, sha256 %s", v.Size, v.SHA256)
}

// A valueView is what may be known of a value without seeing it.
type valueView struct {
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
	Omitted bool   `json:"omitted,omitempty"`
	Text    string `json:"text,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

func describe(l Letter) *valueView {
	switch {
	case l.value != nil:
		return l.value
	case l.Omitted != nil:
		return &valueView{Size: l.Omitted.Size, SHA256: l.Omitted.SHA256, Omitted: true}
	case l.Value == nil:
		return nil
	}
	sum := sha256.Sum256(l.Value)
	return &valueView{Size: len(l.Value), SHA256: hex.EncodeToString(sum[:])}
}

// safe makes a text harmless: what a terminal would obey or not show is written as its escape.
func safe(text string) string {
	return escape(text, false)
}

func safeLines(text string) string {
	return escape(text, true)
}

func escape(text string, lines bool) string {
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case unicode.IsPrint(r), lines && r == '\n':
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return out.String()
}

// narrow returns the text, made safe, in at most that many columns.
func narrow(text string, columns int) string {
	runes := []rune(safe(text))
	if len(runes) <= columns {
		return string(runes)
	}
	return string(runes[:columns-1]) + "…"
}
