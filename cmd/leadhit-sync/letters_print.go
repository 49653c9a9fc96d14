package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter"
)

// lettersPage has a line for each letter, and says what it leaves out. The ids of letter and order stay whole, to be
// copied.
func lettersPage(found deadletter.Listing) *terminal.Page {
	const minute = "01-02 15:04" // letters expire after a month, so the year says nothing
	var p terminal.Page
	if len(found.Letters) == 0 {
		p.Line("%s", noLetters(found))
	} else {
		p.Columns(terminal.Whole, terminal.Whole, terminal.Text, terminal.Short, terminal.Short, terminal.Text)
		p.Row("ID", "ORDER", "STATUS", "CAUSE", "FAILED (UTC)", "MESSAGE")
	}
	for _, l := range found.Letters {
		p.Row(l.ID(), l.OrderID, l.Status, l.Cause, l.FailedAt.UTC().Format(minute), l.Message)
	}
	if found.Total > len(found.Letters) {
		p.Line("%d of %d letters, the newest; --limit shows more.", len(found.Letters), found.Total)
	}
	if found.Broken > 0 {
		p.Line("%d of %d records are not letters or cannot be read.", found.Broken, found.Read)
	}
	return &p
}

// noLetters says what the topic holds if no letter matches. It lists causes and topics, since an empty result mostly
// has a misspelt filter.
func noLetters(found deadletter.Listing) string {
	if len(found.Causes) == 0 {
		return "no letters"
	}
	return "no letters match; causes: " + countedNames(found.Causes) + "; topics: " + countedNames(found.Topics) +
		"; the newest failed at " + found.Newest.UTC().Format(time.RFC3339)
}

// countedNames lists names with their counts, the most frequent first. Ten are enough to find a misspelt one, and fit a
// few lines of a terminal.
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
		parts = append(parts, fmt.Sprintf("%s (%d)", terminal.Quote(name), counts[name]))
	}
	return strings.Join(parts, ", ")
}

// printLetter writes everything about one letter. The event's value may contain personal data, so it is left out unless
// reveal is set. Each line is a field with a name, in the order in which a person asks: which event, why, when, by
// which worker.
func printLetter(w io.Writer, l deadletter.Letter, reveal bool) error {
	var p terminal.Page
	p.Row("id", l.ID())
	p.Row("order", l.OrderID)
	p.Row("status", l.Status)
	p.Row("cause", l.Cause)
	p.Row("message", l.Message)
	if l.DecidedBy != "" {
		p.Row("decided by", l.DecidedBy)
	}
	p.Row("code", strconv.Itoa(l.Code))
	p.Row("stage", stageWord(l.Stage))
	p.Row("fingerprint", l.Fingerprint())
	p.Row("failed", l.FailedAt.UTC().Format(time.RFC3339))
	p.Row("event time", eventTime(l))
	p.Row("attempts", strconv.Itoa(l.Attempts))
	p.Row("replays", strings.TrimSpace(strconv.Itoa(l.ReplayCount)+" "+l.ReplayRun))
	p.Row("group", l.Group)
	p.Row("version", l.Version)
	p.Row("key", bytesText(l.Key))
	for _, h := range l.Headers {
		p.Row("header", terminal.Quote(h.Key)+": "+cmp.Or(terminal.Quote(bytesText(h.Value)), `""`))
	}
	p.Row("value", valueText(l))
	if err := p.Print(w); err != nil || !reveal || l.Value == nil {
		return err
	}
	// The value keeps its own lines, so that JSON of several lines stays readable. Each line is escaped on its own,
	// because a value may hold sequences that a terminal obeys.
	lines := strings.Split(string(l.Value), "\n")
	for i := range lines {
		lines[i] = terminal.Escape(lines[i])
	}
	_, err := io.WriteString(w, "\n"+strings.Join(lines, "\n")+"\n")
	return err
}

// stageWord is the name of a stage in the metrics.
func stageWord(s string) string {
	switch s {
	case deadletter.StageMapping:
		return "mapping"
	case deadletter.StageCall:
		return "call"
	}
	return s
}

// eventTime is printed even if it cannot be true: the year shows that a producer counts in another unit. It has
// nanoseconds, so no digit of the producer's number is lost.
func eventTime(l deadletter.Letter) string {
	if l.Time.IsZero() {
		return "none"
	}
	return l.Time.UTC().Format(time.RFC3339Nano)
}

// bytesText tells null, text and other bytes apart. Keys and headers may be any of these.
func bytesText(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case !utf8.Valid(b):
		return fmt.Sprintf("%d bytes, not text", len(b))
	}
	return string(b)
}

func valueText(l deadletter.Letter) string {
	digest := l.Digest()
	if digest == nil {
		return "null, a tombstone"
	}
	text := fmt.Sprintf("%d bytes, sha256 %s", digest.Size, digest.SHA256)
	if l.Omitted != nil {
		text += ", too large for this topic: read it at " + l.ID()
	}
	return text
}
