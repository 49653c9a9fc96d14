// Package audit judges a run from the outside. Its [Evidence] comes from Kafka and LeadHit: the events that Kafka
// acknowledged, LeadHit's call log, the stored letters, and the group's committed offsets. [Compare] returns a [Report]
// of lost, misordered, repeated and altered events.
//
//	report := audit.Compare(audit.Evidence{Events: events, Calls: node.Calls(), Letters: letters})
//	err := report.Err() // nil: each event was accepted or became a letter, in order
//
// The package is pure: no Kafka, no requests, no clock. The id of a call or a letter is the place of its event, so
// neither has to be matched by content.
package audit

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// Compare audits a run. It relies on Kafka's order within a partition, so all events of an order must be in one
// partition.
//
// Calls must be in order of arrival, because each is judged against the calls before it. Compare reads the letters
// after all calls. A refused event is finished when its letter is stored, and commits are compared with that time.
func Compare(evidence Evidence) Report {
	a := auditor{
		Evidence: evidence,
		events:   make(map[string]*entry),
		lettered: make(map[string]*entry),
		letters:  make(map[string]int),
		late:     make(map[Loss]int),
	}
	a.open()
	for _, call := range evidence.Calls {
		a.call(call)
	}
	for _, letter := range evidence.Letters {
		a.letter(letter)
	}
	for _, event := range a.byOffset() {
		a.close(event)
	}
	a.commits()
	a.replays()
	a.samples()
	a.report.Repeats = Repeats(evidence.Calls, time.Time{}, time.Time{}, nil)
	a.repeats()
	return a.report
}

// Repeats counts the calls that arrived in [from, to) although an earlier call for the same event was executed or
// denied. A zero time sets no bound. Repeats ignores calls for the orders in without.
func Repeats(calls []sandbox.Call, from, to time.Time, without map[string]bool) int {
	settled := make(map[string]bool)
	repeats := 0
	for _, call := range calls {
		inTime := !call.Arrived.Before(from) && (to.IsZero() || call.Arrived.Before(to))
		if settled[call.ID] && inTime && !without[call.OrderID] {
			repeats++
		}
		if settles(call) {
			settled[call.ID] = true
		}
	}
	return repeats
}

// entry is an event with its findings so far.
type entry struct {
	Event

	lane     *lane
	previous *entry // the event of the same lane that must be settled first; nil: none
	calls    int
	accepted bool
	denied   bool
	skipped  bool      // finished without a call, as a repeat
	ended    time.Time // when the call that settled it ended, or the earliest time at which it could have been skipped
	done     time.Time // when the worker learned that it was settled, or when its letter was stored; zero: never
}

func (e *entry) settled() bool { return e.accepted || e.denied || e.skipped }

// lane is the state of one order in one partition after the calls that were read so far.
type lane struct {
	last   *entry  // the newest event so far; used only while events are assigned to lanes
	newest int64   // the highest offset in taken; -1: none
	taken  []int64 // the offsets that LeadHit accepted and has not refused since
	busy   time.Time
	busyID string
	before sandbox.Call // the last call
	known  []known
}

type auditor struct {
	Evidence

	events   map[string]*entry // by call id
	lettered map[string]*entry // the same by letter id
	letters  map[string]int    // by letter id: the number of stored letters
	asked    map[string]int    // by call id: replays that have not explained a repeat yet
	late     map[Loss]int      // number of calls that arrived when a frozen process resumed
	report   Report
}

// open indexes the events and assigns them to lanes. It does so in log order, whatever the order of the evidence.
func (a *auditor) open() {
	for _, event := range a.Events {
		found := &entry{Event: event}
		a.events[event.CallID()], a.lettered[event.LetterID()] = found, found
	}
	type laneKey struct {
		place Place
		order string
	}
	lanes := make(map[laneKey]*lane)
	for _, event := range a.byOffset() {
		if event.Want != Called && event.Want != Refused && event.Want != Judged {
			continue
		}
		key := laneKey{place: Place{event.Topic, event.Partition}, order: event.Order}
		if lanes[key] == nil {
			lanes[key] = &lane{newest: -1}
		}
		event.lane = lanes[key]
		event.previous, event.lane.last = event.lane.last, event
	}
}

func (a *auditor) byOffset() []*entry {
	entries := make([]*entry, 0, len(a.events))
	for _, event := range a.Events {
		entries = append(entries, a.events[event.CallID()])
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return int(a.Offset - b.Offset) })
	return entries
}

// call judges one call against the calls that arrived before it, and records it.
func (a *auditor) call(call sandbox.Call) {
	event := a.events[call.ID]
	switch {
	case event == nil:
		a.strange("call %s: no event of this run", call.ID)
		return
	case event.Want == Unmappable || event.Want == Untouched:
		a.strange("call %s: its event needs no call", call.ID)
		return
	case call.OrderID != event.Order || call.Status != event.Status:
		a.strange("call %s: got order %.40q and status %q, want %.40q and %q",
			call.ID, call.OrderID, call.Status, event.Order, event.Status)
	}
	if why := event.tooEarly(call); why != "" {
		a.outOfOrder(call, fmt.Sprintf("call %s of order %.40q: %s", call.ID, event.Order, why))
	}
	if a.unawaited(event.lane.before, call) {
		a.report.Unended = append(a.report.Unended, fmt.Sprintf(
			"call %s of order %.40q: the ledger did not yet have the outcome of %s",
			call.ID, event.Order, event.lane.before.ID))
	}
	event.lane.before = call
	event.calls++
	event.accepted = event.accepted || call.Executed
	event.denied = event.denied || denied(call)
	event.lane.learn(event.Offset, call)
	a.knows(event, call)
	if unanswered(call) { // it is not known when the caller gave up
		return
	}
	if settles(call) && (event.Want == Called || event.Want == Judged && call.Executed) && event.done.IsZero() {
		event.done = call.Ended
	}
	if call.Ended.After(event.lane.busy) && !a.doubtful(call) {
		event.lane.busy, event.lane.busyID = call.Ended, call.ID
	}
}

// learn records which events of the lane LeadHit has accepted. A refusal cancels an earlier acceptance, because LeadHit
// has since forgotten the status, and a worker that was killed in between never learned of the acceptance.
func (l *lane) learn(offset int64, call sandbox.Call) {
	if !settles(call) {
		return
	}
	l.taken = slices.DeleteFunc(l.taken, func(o int64) bool { return o == offset })
	if call.Executed {
		l.taken = append(l.taken, offset)
	}
	l.newest = -1
	if len(l.taken) > 0 {
		l.newest = slices.Max(l.taken)
	}
}

// strange records a call or a letter that no event explains.
func (a *auditor) strange(format string, about ...any) {
	a.report.Strange = append(a.report.Strange, fmt.Sprintf(format, about...))
}

// outOfOrder records a call that arrived too early or too late. Calls from a process that was frozen are recorded as
// late, up to InFlight per freeze, because they were in flight when SIGSTOP arrived and no code could have taken them
// back.
func (a *auditor) outOfOrder(call sandbox.Call, line string) {
	if i := slices.IndexFunc(a.Losses, func(l Loss) bool { return l.thaws(call) }); i >= 0 {
		freeze := a.Losses[i]
		if a.late[freeze]++; a.late[freeze] <= a.InFlight {
			a.report.Late = append(a.report.Late, line)
			return
		}
		line += ", one of too many after a freeze"
	}
	a.report.OutOfOrder = append(a.report.OutOfOrder, line)
}

// tooEarly returns why the call should not have been made at that time, or "" if it was in order.
func (e *entry) tooEarly(call sandbox.Call) string {
	switch {
	case e.Offset < e.lane.newest:
		return fmt.Sprintf("offset %d had been accepted before", e.lane.newest)
	case e.previous != nil && !e.previous.settled() && !skips(e.previous):
		return fmt.Sprintf("the event before it, offset %d, was not settled", e.previous.Offset)
	case call.Arrived.Before(e.lane.busy) && !givenUp(call):
		return e.lane.busyID + " was still in flight"
	}
	return ""
}

// letter compares one letter with its event, and records it.
func (a *auditor) letter(letter Letter) {
	if a.letters[letter.ID]++; a.letters[letter.ID] > 1 {
		a.report.Twice++
	}
	event := a.lettered[letter.ID]
	if event != nil && event.Want != Called && (event.done.IsZero() || letter.Stored.Before(event.done)) {
		event.done = letter.Stored
	}
	if event == nil || event.Want == Called || event.Want == Untouched {
		a.strange("letter %s (%s): no event of this run needs it", letter.ID, letter.Cause)
		return
	}
	altered := func(what string, got, want any) {
		a.report.Altered = append(a.report.Altered,
			fmt.Sprintf("letter %s: its %s is %.60q, want %.60q", letter.ID, what, got, want))
	}
	if event.Cause != "" && letter.Cause != event.Cause {
		altered("cause", letter.Cause, event.Cause)
	}
	if !same(letter.Key, event.Key) {
		altered("key", letter.Key, event.Key)
	}
	if !letter.Omitted && !same(letter.Value, event.Value) {
		altered("value", letter.Value, event.Value)
	}
	for i, want := range event.Headers {
		switch {
		case i >= len(letter.Headers):
			altered("header "+want.Key, "", want.Value)
		case letter.Headers[i].Key != want.Key || !same(letter.Headers[i].Value, want.Value):
			altered("header "+want.Key, letter.Headers[i].Value, want.Value)
		}
	}
}

// same reports whether a and b are the same to Kafka, where null differs from the empty string.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// close reports an event that was not finished as expected.
func (a *auditor) close(event *entry) {
	if a.Hopeless[event.Order] {
		return
	}
	if event.skipped || !event.settled() && skips(event) {
		a.report.Skipped++
		return
	}
	var lacks string
	switch {
	case event.Want == Called && !event.accepted:
		lacks = "it was not accepted"
	case event.Want == Refused && !event.denied:
		lacks = "LeadHit did not refuse it"
	case event.Want == Judged && !event.accepted && a.letters[event.LetterID()] == 0:
		lacks = "it was not accepted, and has no letter"
	case (event.Want == Refused || event.Want == Unmappable) && a.letters[event.LetterID()] == 0:
		lacks = "it has no letter"
	default:
		return
	}
	a.report.Lost = append(a.report.Lost, fmt.Sprintf("event %s of order %.40q: %s (calls: %d)",
		event.LetterID(), event.Order, lacks, event.calls))
}

func (a *auditor) commits() {
	blocked := make(map[Place]bool) // by an order that LeadHit never accepts
	for _, event := range a.Events {
		if a.Hopeless[event.Order] {
			blocked[Place{event.Topic, event.Partition}] = true
		}
	}
	for place, end := range a.End {
		if committed := a.Committed[place]; committed != end && !blocked[place] {
			a.report.Uncommitted = append(a.report.Uncommitted, fmt.Sprintf("%s/%d: committed %d, the log ends at %d",
				place.Topic, place.Partition, committed, end))
		}
	}
	slices.Sort(a.report.Uncommitted)
}
