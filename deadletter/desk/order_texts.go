package desk

import (
	"fmt"
	"html/template"
	"strings"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// told is a step in words.
type told struct {
	Step

	Title any    // "Replay 1, requested by alice"
	Quote string // what a person or LeadHit wrote
	Facts []any
	Tone  string // good, bad, busy or quiet
}

// tell puts a step into words.
func (t *texts) tell(s Step) told {
	is := told{Step: s, Quote: s.Reason, Tone: "quiet"}
	newer := t.place(s.Newer)
	switch ledger.Event(s.Event) {
	case "letter":
		is.Tone, is.Quote, is.Title = "bad", s.Message, t.t("step.letter", s.Cause)
		if s.N > 0 {
			is.Title = t.t("step.letter.again", s.Cause, s.N)
		}
	case ledger.LetterReplay:
		is.Tone, is.Title = "busy", t.t("step.replay", s.N, s.By)
	case ledger.LetterResolved:
		is.Tone, is.Title = "good", t.resolvedBy(s)
	case ledger.LetterSuperseded:
		is.Title = t.t("step.superseded", newer)
	case ledger.LetterOvertaken:
		is.Title = t.t("step.overtaken", newer)
	case ledger.LetterFailed:
		is.Tone, is.Title = "bad", t.t("step.failed", s.N, t.word("step.cause", s.Cause))
	case ledger.LetterDismissed:
		is.Title = t.t("step.dismissed", s.By)
	case ledger.LetterReopened:
		is.Tone, is.Title = "bad", t.t("step.reopened", s.By)
	case ledger.LetterRevealed:
		is.Title = t.t("step.revealed", s.By)
	default:
		is.Title = t.t("step.other", s.Event, s.By)
	}
	is.Facts = t.facts(s)
	if !s.Counted {
		is.Tone = "quiet"
	}
	return is
}

// resolvedBy describes what resolved the letter: a replay, which has a number, or an event, which has none.
func (t *texts) resolvedBy(s Step) any {
	switch {
	case s.Note != "":
		return t.t("step.resolved.note", t.word("step.note", s.Note))
	case s.N == 0:
		return t.t("step.resolved.event")
	}
	return t.t("step.resolved")
}

// facts returns those details of a step that few people need.
func (t *texts) facts(s Step) (all []any) {
	add := func(given bool, key string, arg any) {
		if given {
			all = append(all, t.t(key, arg))
		}
	}
	add(!s.Counted, "step.void", nil)
	add(s.Force, "step.force", nil)
	add(s.Run != "", "step.run", link(runURL(s.Run), s.Run))
	add(s.Stage != "", "step.stage", t.word("stage", s.Stage))
	add(s.Tries > 0, "step.tries", s.Tries)
	add(s.Version != "", "step.version", s.Version)
	add(s.Record != "", "step.record", s.Record)
	return all
}

// place returns the id of an event, or words for an unknown newer event if the id is empty.
func (t *texts) place(id string) any {
	if id == "" {
		return t.t("step.newer")
	}
	return id
}

// working is what a worker does with an event or a replay, in words.
type working struct {
	OrderWork

	Title any
	Facts []any
	Said  string // the last outcome
}

// working puts a worker's work into words. The title names the event that must be finished first, or the time of the
// next attempt, if either is known.
func (t *texts) working(w OrderWork) working {
	is := working{OrderWork: w, Title: t.word("doing", w.Doing), Said: outcome(w.Cause, w.Message)}
	switch {
	case w.Doing == "blocked" && w.Behind != "":
		is.Title = t.t("doing.behind", w.Behind)
	case w.Doing == "waiting" && !w.Next.IsZero():
		is.Title = t.t("doing.due", t.when(w.Next))
	}
	if w.Replay > 0 {
		is.Title = t.t("work.replay", w.Replay, is.Title)
	}
	if w.Tries > 0 {
		is.Facts = append(is.Facts, t.t("step.tries", w.Tries))
	}
	if w.Paused != "" {
		is.Facts = append(is.Facts, t.t("work.paused", t.word("pause", w.Paused)))
	}
	return is
}

// outcome joins a cause and a message. Messages of HTTP errors begin with the cause, which is not repeated.
func outcome(cause, message string) string {
	message = strings.TrimSpace(message)
	switch {
	case message == "":
		return cause
	case cause == "" || strings.HasPrefix(strings.ToLower(message), strings.ToLower(cause)):
		return message
	}
	return cause + ": " + message
}

// asks describes what the current mapping makes of an event: "Call: paid", "Refuse: UnknownStatus".
func (t *texts) asks(e OrderEvent) any {
	switch e.Action {
	case event.Call.String():
		return t.t("asks.call", e.Status)
	case event.Ignore.String():
		return t.t("asks.ignore")
	case event.Refuse.String():
		return t.t("asks.refuse", e.Cause)
	case "":
		return t.t("asks.unread")
	}
	return e.Action
}

// explain lists what is known about an event besides its steps, such as the mapping's message and how far the group has
// committed.
func (t *texts) explain(e OrderEvent) (all []any) {
	if e.Message != "" {
		all = append(all, e.Message)
	}
	if e.DecidedBy != "" && e.Action != event.Call.String() {
		all = append(all, t.t("event.decided", e.DecidedBy))
	}
	if e.ByKey {
		all = append(all, t.t("event.by-key"))
	}
	if e.Repeats != "" && (e.State == eventFinished || e.State == eventCommitted) {
		all = append(all, t.t("event.repeats", e.Repeats))
	}
	key := reachedKey(e)
	switch {
	case key == "":
	case e.Before >= 0 && (e.State == eventUnreached || e.State == eventUncommitted):
		all = append(all, fmt.Sprint(t.t(key), " ", t.t("event.before", e.Before)))
	default:
		all = append(all, t.t(key))
	}
	return all
}

// reachedKey returns the key of the text that explains a state, such as "not reached"; "" if the state needs no
// explanation.
func reachedKey(e OrderEvent) string {
	switch {
	case e.State == eventUnreached:
		return "event.unreached"
	case e.State == eventUncommitted && e.Before < 0:
		return "event.uncommitted.none"
	case e.State == eventUncommitted:
		return "event.uncommitted"
	case e.State == eventNothingLeft:
		return "event.nothing-left"
	case e.State == eventFetched:
		return "event.fetched"
	case e.State == eventFinished && e.Action == event.Refuse.String():
		return "event.refused-finished"
	case e.Letter != nil && !e.Letter.Known:
		return "event.expired"
	case e.Letter != nil && e.Letter.State == fold.Requeued && e.Work == nil:
		return "event.requeued"
	}
	return ""
}

// note returns a note in the page's language, or in English if the catalogue has no text for the note.
func (t *texts) note(n Note) any {
	if t.word("note", n.Name) == n.Name {
		return template.HTML(`<span lang="en">` + template.HTMLEscapeString(n.Text) + `</span>`) //nolint:gosec // escaped
	}
	key := "note." + n.Name
	return t.t(key, n.Facts...)
}

// link returns a link to a page of the desk. The address is made of escaped parts.
func link(to, text string) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(to) + `">` + //nolint:gosec // both are escaped
		template.HTMLEscapeString(text) + `</a>`)
}
