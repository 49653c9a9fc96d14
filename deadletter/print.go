package deadletter

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Printer shows letters to an operator, in lines that cannot harm a terminal. The zero value writes to a file or a pipe: it
// cuts nothing, and keeps values to itself.
type Printer struct {
	Width  int  // columns of the terminal that a table must fit, at least 80; 0: no terminal, nothing is cut
	Reveal bool // print the value too, not only its size and hash
}

const (
	leastWidth = 80
	ellipsis   = "…"
	minute     = "01-02 15:04" // letters expire after a month: the year would only take room
)

// List writes one line for each letter: id, order, status, cause, when it failed (month, day and minute, UTC) and why. The
// ids of letter and order are whole, to be copied; on a terminal the rest is cut to fit the width. Further lines say how
// many letters there are beyond those shown, what there is where none matches, and how many records could not be read.
func (p Printer) List(w io.Writer, found Listing) error {
	var out strings.Builder
	if len(found.Letters) == 0 {
		out.WriteString(nothing(found) + "\n")
	} else {
		p.table(&out, found.Letters)
	}
	if found.Total > len(found.Letters) {
		fmt.Fprintf(&out, "%d of %d letters, the newest; --limit shows more.\n", len(found.Letters), found.Total)
	}
	if found.Broken > 0 {
		fmt.Fprintf(&out, "%d of %d records are not letters or cannot be read.\n", found.Broken, found.Read)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// table lines the letters up in columns.
func (p Printer) table(out *strings.Builder, letters []Letter) {
	const statusWidth, causeWidth = 10, 18
	rows := [][]string{{"ID", "ORDER", "STATUS", "CAUSE", "FAILED (UTC)", "MESSAGE"}}
	for _, l := range letters {
		rows = append(rows, []string{
			safe(l.ID()), safe(l.OrderID), p.narrow(l.Status, statusWidth), p.narrow(l.Cause, causeWidth),
			l.FailedAt.UTC().Format(minute), safe(l.Message),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	// Ids that are longer than the line are still shown whole: they are what the other commands ask for.
	room := max(p.Width, leastWidth, widths[0]+2+widths[1]+len("  ")+columns(ellipsis))
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		out.WriteString(p.narrow(strings.TrimRight(line.String(), " "), room) + "\n")
	}
}

// nothing says what there is where no letter matches.
func nothing(found Listing) string {
	if len(found.Causes) == 0 {
		return "no letters"
	}
	return "no letters match; causes: " + countedNames(found.Causes) + "; topics: " + countedNames(found.Topics) +
		"; the newest failed at " + found.Newest.UTC().Format(time.RFC3339)
}

// countedNames lists names with their counts, the most frequent first.
func countedNames(counts map[string]int) string {
	const most = 10
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for i, name := range names {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", safe(name), counts[name]))
	}
	return strings.Join(parts, ", ")
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
	if l.DecidedBy != "" {
		row("decided by", l.DecidedBy)
	}
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

// columns is how many columns of a terminal a text takes: a Chinese character two, an accent that joins another none.
func columns(text string) int {
	return (&runewidth.Condition{StrictEmojiNeutral: true}).StringWidth(text)
}

// narrow returns the text, made safe, in at most that many columns; where there is no terminal, all of it.
func (p Printer) narrow(text string, most int) string {
	text = safe(text)
	if p.Width == 0 {
		return text
	}
	return (&runewidth.Condition{StrictEmojiNeutral: true}).Truncate(text, most, ellipsis)
}
