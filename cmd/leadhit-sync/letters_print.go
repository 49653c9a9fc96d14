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
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// lettersPage returns a page with a line for each letter. If more letters match, it says how many. The ids of letters
// and orders are never cut, so that they can be copied. States are left out if every letter is open and none is
// overtaken.
func lettersPage(found foundLetters) *terminal.Page {
	const minute = "01-02 15:04" // letters expire after a month, so the year is not needed
	var p terminal.Page
	open := func(l view.Letter) bool { return stateText(l) == string(fold.Open) }
	columns := []terminal.Shrink{
		terminal.Whole, terminal.Whole, terminal.Text, terminal.Short, terminal.Short, terminal.Short, terminal.Text,
	}
	title := []string{"ID", "ORDER", "STATUS", "STATE", "CAUSE", "FAILED (UTC)", "MESSAGE"}
	const state = 3
	without := !slices.ContainsFunc(found.Letters, func(l view.Letter) bool { return !open(l) })
	row := func(cells []string) {
		if without {
			cells = slices.Delete(cells, state, state+1)
		}
		p.Row(cells...)
	}
	if len(found.Letters) == 0 {
		p.Line("%s", noLetters(found))
	} else {
		if without {
			columns = slices.Delete(columns, state, state+1)
		}
		p.Columns(columns...)
		row(title)
	}
	for _, l := range found.Letters {
		row([]string{l.ID(), l.OrderID, l.Status, stateText(l), l.Cause, l.FailedAt.UTC().Format(minute), l.Message})
	}
	if found.Total > len(found.Letters) {
		which := cmp.Or(found.Which, "the newest")
		p.Line("%d of %d letters, %s; --limit shows more.", len(found.Letters), found.Total, which)
	}
	if found.Broken > 0 {
		p.Line("%d of %d records are not letters or cannot be read.", found.Broken, found.Read)
	}
	return &p
}

// stateText returns a letter's state. It marks an open or requeued letter as overtaken if a newer event of its order
// was accepted.
func stateText(l view.Letter) string {
	text := string(cmp.Or(l.Ledger.State, fold.Open))
	if l.Ledger.Overtaken && (l.Ledger.State == fold.Open || l.Ledger.State == fold.Requeued) {
		text += ", overtaken"
	}
	return text
}

// noLetters describes what the topic contains if no letter matches. It lists causes and topics, since the usual reason
// for an empty result is a misspelt filter.
func noLetters(found foundLetters) string {
	switch {
	case len(found.Causes) == 0:
		return "no letters"
	case len(found.Hidden) > 0:
		return "no open letters match"
	}
	return "no letters match; causes: " + countedNames(found.Causes) + "; topics: " + countedNames(found.Topics) +
		"; the newest failed at " + found.Newest.UTC().Format(time.RFC3339)
}

// countedNames lists names with their counts, the most frequent first. Ten names are enough to reveal a misspelling,
// and fit on a few lines of a terminal.
func countedNames(counts map[string]int) string {
	const most = 10
	names := mostFrequent(counts)
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

// mostFrequent returns the names, the most frequent first.
func mostFrequent(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// print writes everything about one letter. The event's value may contain personal data, so it is left out unless
// reveal is set. Each line is a named field. The order is that of a person's questions: which event, why, when, by
// which worker, and what happened to the letter.
func (l shownLetter) print(w io.Writer, reveal bool) error {
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
	p.Row("stage", deadletter.StageName(l.Stage))
	p.Row("fingerprint", l.Fingerprint())
	p.Row("failed", l.FailedAt.UTC().Format(time.RFC3339))
	p.Row("event time", eventTime(l.Letter.Letter.Letter))
	p.Row("attempts", strconv.Itoa(l.Attempts))
	p.Row("replays", strings.TrimSpace(strconv.Itoa(l.ReplayCount)+" "+l.ReplayRun))
	p.Row("group", l.Group)
	p.Row("version", l.Version)
	l.printState(&p)
	p.Row("key", bytesText(l.Event.Key))
	for _, h := range l.Event.Headers {
		p.Row("header", terminal.Quote(h.Key)+": "+cmp.Or(terminal.Quote(bytesText(h.Value)), `""`))
	}
	p.Row("value", valueText(l.Letter.Letter.Letter))
	if l.history != nil {
		l.printHistory(&p)
	}
	if err := p.Print(w); err != nil || !reveal || l.Event.Value == nil {
		return err
	}
	// The value keeps its line breaks, so that JSON of several lines stays readable. Everything else is escaped,
	// because a value may contain sequences that a terminal interprets.
	lines := strings.Split(string(l.Event.Value), "\n")
	for i := range lines {
		lines[i] = terminal.Escape(lines[i])
	}
	_, err := io.WriteString(w, "\n"+strings.Join(lines, "\n")+"\n")
	return err
}

// printState prints what happened to the letter, and until when it can be replayed.
func (l shownLetter) printState(p *terminal.Page) {
	p.Row("state", stateText(l.Letter.Letter))
	if l.Ledger.Newer != "" {
		p.Row("overtaken by", l.Ledger.Newer)
	}
	if replay := l.Ledger.Replay; replay != nil && l.Ledger.State == fold.Requeued {
		p.Row("replayed", fmt.Sprintf("by %s at %s: %s", replay.By, replay.At.UTC().Format(time.RFC3339), replay.Reason))
	}
	if is := l.Outcome; is.Event != "" {
		text := fmt.Sprintf("%s by %s at %s", is.Event, is.By, is.At.UTC().Format(time.RFC3339))
		if why := cmp.Or(is.Reason, is.Note, is.Cause); why != "" {
			text += ": " + why
		}
		p.Row("outcome", text)
	}
	if !l.Expires.IsZero() {
		p.Row("expires", l.Expires.UTC().Format(time.RFC3339))
	}
}

// printHistory prints a line for each record of the letter and for each entry about it.
func (l shownLetter) printHistory(p *terminal.Page) {
	p.Line("history:")
	for _, s := range l.history {
		p.Row("-", s.At.UTC().Format(time.RFC3339), s.Event, "by "+s.By, stepText(s))
	}
}

// eventTime formats the time of the event, even if that time is impossible, because its year shows that a producer
// counts in another unit. The text has nanoseconds, so no digit of the producer's number is lost.
func eventTime(l deadletter.Letter) string {
	if l.Time.IsZero() {
		return "none"
	}
	return l.Time.UTC().Format(time.RFC3339Nano)
}

// bytesText distinguishes null, text and other bytes. Keys and headers may be any of these.
func bytesText(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case !utf8.Valid(b):
		return fmt.Sprintf("%d bytes, not text", len(b))
	}
	return string(b)
}

// valueText describes the value without showing any of it.
func valueText(l deadletter.Letter) string {
	digest := l.Digest()
	if digest == nil {
		return "null, a tombstone"
	}
	text := fmt.Sprintf("%d bytes, sha256 %s", digest.Size, digest.SHA256)
	if l.Omitted != nil {
		text += ", too large for this topic: read it at " + l.Place.ID()
	}
	return text
}
