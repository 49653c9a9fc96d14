package audit

import (
	"fmt"
	"slices"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// askedFor returns the number of replays that count, by the call id of their event.
func (a *auditor) askedFor() map[string]int {
	asked := make(map[string]int)
	if a.Ledger == nil {
		return asked
	}
	for id, l := range a.Ledger.letters {
		if event := a.lettered[id]; event != nil {
			asked[event.CallID()] = l.replays
		}
	}
	return asked
}

// replays compares the states of replayed letters with the call log. The event of a superseded letter may have been
// accepted nevertheless: the worker that made the call may have been killed before it saw the response, and the next
// worker may have found that a newer event had been accepted.
func (a *auditor) replays() {
	if a.Ledger == nil {
		return
	}
	for id, l := range a.Ledger.letters {
		event := a.lettered[id]
		switch {
		case event == nil:
			a.strange("ledger: %s is not an event of this run", id)
		case l.requeued():
			a.report.Unended = append(a.report.Unended, fmt.Sprintf("letter %s: replay %d has no outcome", id, l.replays))
		case l.resolved && !event.accepted:
			a.report.Unended = append(a.report.Unended, fmt.Sprintf("letter %s: resolved, but never accepted", id))
		}
	}
	slices.Sort(a.report.Unended)
}

// unawaited reports whether a process made a call too early: before the ledger recorded that the lane's previous call,
// a replay, was accepted. A process that may have lost its partition between the two calls does not count. A call that
// arrived before a replay was requested is not a replay, even if the event has a letter. A process that was frozen may
// have stored the letter later.
func (a *auditor) unawaited(before, next sandbox.Call) bool {
	event := a.events[before.ID]
	if a.Ledger == nil || event == nil || before.ID == next.ID || !before.Executed || a.doubtful(before) ||
		processOf(before) != processOf(next) {
		return false
	}
	letter := a.Ledger.letters[event.LetterID()]
	replay := letter != nil && slices.ContainsFunc(letter.asked, func(stored time.Time) bool {
		return !stored.After(before.Arrived)
	})
	if !replay || letter.byHand || slices.ContainsFunc(a.Losses, func(l Loss) bool {
		return l.Process == processOf(next) && !l.To.Before(before.Arrived) && !l.From.After(next.Arrived)
	}) {
		return false
	}
	return !slices.ContainsFunc(letter.accepted, func(stored time.Time) bool { return !stored.After(next.Arrived) })
}
