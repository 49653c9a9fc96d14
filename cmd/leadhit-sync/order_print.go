package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator/life"
)

// shownOrder is an order as a person reads it.
type shownOrder struct{ *life.Order }

// shownEvent is one event of an order.
type shownEvent struct{ *life.Event }

// orderMoment has no year, because topics keep their events only for weeks.
const orderMoment = "01-02 15:04:05"

// print prints a line for each event, and below it what is known about the event. On a terminal all lines fit the
// width.
func (l shownOrder) print(w io.Writer) error {
	width, _ := terminal.Size(w)
	return l.page(width).Print(w)
}

// page lays out the order. It explains "finished" once below the table, because the word promises more than it means.
// Kafka has no record of LeadHit's response.
func (l shownOrder) page(width int) *terminal.Page {
	var p terminal.Page
	p.Line("order %s: %s; %s, read in %s", terminal.Quote(l.Order.Order), count(len(l.Events), "event"), l.extent(),
		readIn(l.Seconds))
	if !l.Complete {
		p.Line("interrupted: there may be more events, and the outcomes may be incomplete")
	}
	if len(l.Events) > 0 {
		p.Line("")
		p.Columns(terminal.Place, terminal.Short, terminal.Text, terminal.Text)
		p.Row("EVENT", "TIME (UTC)", "MAPPING", "NOW")
	}
	for _, e := range l.Events {
		shownEvent{e}.print(&p, width)
	}
	if slices.ContainsFunc(l.Events, func(e *life.Event) bool { return e.State == life.Finished && e.Action == "call" }) {
		p.Line("")
		p.Line("finished: committed, and without a letter. LeadHit accepted the call, unless the mapping ignored the event " +
			"at that time, the letter expired, or the group began after the event.")
	}
	l.printNotes(&p)
	return &p
}

// print prints a line for the event, and indented lines below it.
func (e shownEvent) print(p *terminal.Page, width int) {
	at := "-"
	if e.Time != nil {
		at = e.Time.Format(orderMoment)
	}
	p.Row(e.ID, at, e.asks(), e.now())
	for _, text := range e.details() {
		for _, line := range terminal.Hang("  ", terminal.Quote(text), width) {
			p.Note(line)
		}
	}
}

// printNotes prints what is not known.
func (l shownOrder) printNotes(p *terminal.Page) {
	notes := texts(l.Notes)
	for _, w := range l.Workers {
		if w.Error != "" {
			notes = append(notes, w.URL+": "+w.Error)
		}
	}
	for i, note := range notes {
		if i == 0 {
			p.Line("")
		}
		p.Line("%s", terminal.Quote(note))
	}
}

// asks returns what the current mapping makes of the event.
func (e shownEvent) asks() string {
	words := []string{cmp.Or(e.Action, "not read"), e.Cause, e.Status}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// now returns the event's state in a few words.
func (e shownEvent) now() string {
	if e.State != life.HasLetter {
		return string(e.State)
	}
	text := "letter " + string(e.Letter.State)
	if e.Letter.Overtaken {
		text += ", overtaken"
	}
	return text
}

// details explains what the mapping decided, lists what happened to the letter, and says what the event waits for.
func (e shownEvent) details() []string {
	var all []string
	if e.Message != "" && !strings.HasPrefix(e.By, e.Message) {
		all = append(all, e.Message)
	}
	if e.By != "" && e.Action != event.Call.String() {
		all = append(all, "decided by "+e.By)
	}
	if e.ByKey {
		all = append(all, "the mapping finds no order id; the record's key is the order's id")
	}
	if e.Repeats != "" && (e.State == life.Finished || e.State == life.Committed) {
		all = append(all, "the status of "+e.Repeats+", so no call was needed; "+
			"after a restart or a rebalance, a worker makes the call anyway")
	}
	for _, s := range e.History {
		all = append(all, s.At.UTC().Format(orderMoment)+"  "+orderStepText(s))
	}
	if e.Work != nil {
		all = append(all, workText(e.Work))
	}
	if text := e.place(); text != "" {
		all = append(all, text)
	}
	return all
}

// place explains a state that depends on how far the group has read.
func (e shownEvent) place() string {
	n := ""
	if e.Before != nil {
		n = "at most " + count(int(*e.Before), "event") + " before it"
	}
	switch {
	case e.State == life.NotReached:
		return "the worker has not fetched it; " + n
	case e.State == life.NotCommitted && n == "":
		return "the group has committed nothing of the partition"
	case e.State == life.NotCommitted:
		return "the group's commit does not cover it; " + n
	case e.State == life.NothingLeft:
		return "the worker has fetched it and lists nothing to do for the order; its commit does not cover it yet"
	case e.State == life.Fetched:
		return "the worker has fetched it, and does not say what it does with it"
	case e.State == life.Finished && e.Action == event.Refuse.String():
		return "committed, but there is no letter: it expired, or the mapping of that time did not refuse the event"
	case e.Letter != nil && e.Letter.Expired:
		return "the letter has expired; the ledger still mentions it"
	case e.Letter != nil && e.Letter.State == fold.Requeued && e.Work == nil:
		return "its replay waits; no worker says for what"
	}
	return ""
}

// workText describes what a worker is doing with the event.
func workText(w *life.Work) string {
	words := map[string]string{
		"ready": "its call starts as soon as a slot is free", "in flight": "its call is in flight",
		"waiting": "waits for its next attempt", "storing": "its letter is being stored",
		"marking": "accepted; the ledger is being written", "commit": "finished; the commit follows",
		"backlog": "waits until the events before it are fetched", "partition": "the broker does not know its partition",
		"place": "waits for other replays", "letter": "its letter is being fetched", "outcome": "its outcome is being stored",
	}
	text := cmp.Or(words[w.Doing], w.Doing)
	if w.Repeat {
		text = "needed no call: its status was the last one that LeadHit had accepted; " + text
	}
	if w.Doing == "blocked" {
		text = "waits for " + cmp.Or(w.Behind, "a call of an earlier generation")
	}
	if w.Replay > 0 {
		text = "replay " + strconv.Itoa(w.Replay) + ": " + text
	}
	if w.Next != nil {
		text += ", due at " + w.Next.UTC().Format(time.TimeOnly)
	}
	if w.Tries > 0 {
		text += "; " + count(w.Tries, "attempt")
	}
	if w.Cause != "" {
		text += ", last outcome " + causeText(w.Cause, w.Message)
	}
	if w.Paused != "" {
		text += "; calls are paused: " + w.Paused
	}
	return text
}

// causeText joins a cause and a message. A message about an HTTP error already begins with the cause, so the cause is
// not repeated.
func causeText(cause, message string) string {
	switch message = strings.TrimSpace(message); {
	case message == "":
		return cause
	case strings.HasPrefix(strings.ToLower(message), strings.ToLower(cause)):
		return message
	}
	return cause + ": " + message
}

// orderStepText describes a letter or a ledger entry.
func orderStepText(s life.Step) string {
	var text string
	switch ledger.Event(s.What) {
	case "letter":
		text = fmt.Sprintf("letter %s: %s", s.Record, causeText(s.Cause, s.Message))
		if s.Replay > 0 {
			text = strings.TrimRight(fmt.Sprintf("%s; refused again by replay %d %s", text, s.Replay, s.Run), " ")
		}
		text += "; " + s.Stage
		if s.Tries > 0 {
			text += ", " + count(s.Tries, "attempt")
		}
		return text + ", worker " + s.Version
	case ledger.LetterReplay:
		text = fmt.Sprintf("replay %d by %s", s.Replay, s.By)
		if s.Force {
			text += ", with force"
		}
		if s.Run != "" {
			text += ", run " + s.Run
		}
	case ledger.LetterResolved:
		text = "resolved: LeadHit accepted it"
		if s.Note != "" {
			text = "resolved without a call: " + s.Note
		}
	case ledger.LetterSuperseded:
		text = "superseded: LeadHit accepted " + cmp.Or(s.Newer, "a newer event")
	case ledger.LetterOvertaken:
		text = "overtaken: LeadHit accepted " + cmp.Or(s.Newer, "a newer event") + ", so a replay needs force"
	case ledger.LetterFailed:
		text = "replay " + strconv.Itoa(s.Replay) + " ended without a call: " + s.Cause
	default:
		text = s.What + " by " + s.By
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	if !s.Counted {
		text += " (changed nothing)"
	}
	return text
}
