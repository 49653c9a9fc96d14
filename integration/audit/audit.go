// Package audit compares, after a run, the books of all who took part: what the producer wrote, what LeadHit was called
// with, which letters there are and what the group committed. It finds what was lost, out of order, repeated or
// altered.
//
// It is pure: no Kafka, no requests, no clock. An event is identified by its topic, partition and offset, which its
// call and its letter carry as their ids; so nothing has to be guessed.
package audit

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Compare reads all books. It assumes what Kafka grants: an order's events stand in one partition each, in log order.
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
	a.samples()
	a.report.Repeats = Repeats(evidence.Calls, time.Time{}, time.Time{}, nil)
	a.repeats()
	return a.report
}

// Repeats counts the calls that arrived from one time on and before another (zero: no bound) although an earlier one
// for the same event had been carried out or denied. Calls for the orders in without are left out.
func Repeats(calls []Call, from, to time.Time, without map[string]bool) int {
	settled := make(map[string]bool)
	repeats := 0
	for _, call := range calls {
		inTime := !call.Arrived.Before(from) && (to.IsZero() || call.Arrived.Before(to))
		if settled[call.ID] && inTime && !without[call.Order] {
			repeats++
		}
		if call.Outcome != Failed {
			settled[call.ID] = true
		}
	}
	return repeats
}

// entry is an event with what was found about it.
type entry struct {
	Event

	lane     *lane
	previous *entry // the event of the same lane whose call had to be settled first; nil: none
	calls    int
	accepted bool
	denied   bool
	done     time.Time // when its caller could know that it was settled, or when its letter was stored; zero: never
}

func (e *entry) settled() bool { return e.accepted || e.denied }

// lane is one order in one partition, as far as its calls have been read.
type lane struct {
	last   *entry // the newest event, while the lanes are laid out
	newest int64  // the highest offset that was accepted; -1: none
	busy   time.Time
	busyID string
}

type auditor struct {
	Evidence

	events   map[string]*entry // by call id
	lettered map[string]*entry // the same by letter id
	letters  map[string]int    // by letter id: how many there are
	late     map[Loss]int      // calls that arrived when a frozen process went on
	report   Report
}

// open enters the events and lays out the lanes.
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
		if event.Want != Called && event.Want != Refused {
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

// call enters one call; what it must not have done is judged by what had happened when it arrived.
func (a *auditor) call(call Call) {
	event := a.events[call.ID]
	switch {
	case event == nil:
		a.report.Strange = append(a.report.Strange, fmt.Sprintf("call %s: no event of ours", call.ID))
		return
	case event.Want == Unmappable || event.Want == Untouched:
		a.report.Strange = append(a.report.Strange, fmt.Sprintf("call %s: its event asks for none", call.ID))
		return
	case call.Order != event.Order || call.Status != event.Status:
		a.report.Strange = append(a.report.Strange, fmt.Sprintf("call %s: it says %.40q %q, its event %.40q %q",
			call.ID, call.Order, call.Status, event.Order, event.Status))
	}
	if why := event.tooEarly(call); why != "" {
		a.outOfOrder(call, fmt.Sprintf("call %s of order %.40q: %s", call.ID, event.Order, why))
	}
	event.calls++
	event.accepted = event.accepted || call.Outcome == Accepted
	event.denied = event.denied || call.Outcome == Denied
	if call.Outcome == Accepted {
		event.lane.newest = max(event.lane.newest, event.Offset)
	}
	if call.Unanswered { // when the caller gave it up is not known
		return
	}
	if call.Outcome != Failed && event.Want == Called && event.done.IsZero() {
		event.done = call.Left
	}
	if call.Left.After(event.lane.busy) && !a.doubtful(call) {
		event.lane.busy, event.lane.busyID = call.Left, call.ID
	}
}

// outOfOrder enters a call that came before its time, or after it: apart, if a process that had been frozen made it as
// it went on.
func (a *auditor) outOfOrder(call Call, line string) {
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

// tooEarly says why the call should not have been made when it was; empty if it was in order.
func (e *entry) tooEarly(call Call) string {
	switch {
	case e.Offset < e.lane.newest:
		return fmt.Sprintf("offset %d had been accepted before", e.lane.newest)
	case e.previous != nil && !e.previous.settled():
		return fmt.Sprintf("offset %d before it was not settled", e.previous.Offset)
	case call.Arrived.Before(e.lane.busy):
		return e.lane.busyID + " was still in the air"
	}
	return ""
}

// letter enters one letter and compares it with its event.
func (a *auditor) letter(letter Letter) {
	if a.letters[letter.ID]++; a.letters[letter.ID] > 1 {
		a.report.Twice++
	}
	event := a.lettered[letter.ID]
	if event != nil && event.Want != Called && (event.done.IsZero() || letter.Stored.Before(event.done)) {
		event.done = letter.Stored
	}
	if event == nil || event.Want == Called || event.Want == Untouched {
		a.report.Strange = append(a.report.Strange, fmt.Sprintf("letter %s (%s): its event asks for none", letter.ID, letter.Cause))
		return
	}
	altered := func(what string, got, want any) {
		a.report.Altered = append(a.report.Altered, fmt.Sprintf("letter %s: its %s is %.60q, want %.60q", letter.ID, what, got, want))
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

// same compares as Kafka does: null is not the empty string.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// close says what an event lacks at the end.
func (a *auditor) close(event *entry) {
	if a.Hopeless[event.Order] {
		return
	}
	var lacks string
	switch {
	case event.Want == Called && !event.accepted:
		lacks = "it was not accepted"
	case event.Want == Refused && !event.denied:
		lacks = "LeadHit was not asked"
	case (event.Want == Refused || event.Want == Unmappable) && a.letters[event.LetterID()] == 0:
		lacks = "it has no letter"
	default:
		return
	}
	a.report.Lost = append(a.report.Lost, fmt.Sprintf("event %s of order %.40q: %s (%d calls)",
		event.LetterID(), event.Order, lacks, event.calls))
}

func (a *auditor) commits() {
	held := make(map[Place]bool)
	for _, event := range a.Events {
		if a.Hopeless[event.Order] {
			held[Place{event.Topic, event.Partition}] = true
		}
	}
	for place, end := range a.End {
		if committed := a.Committed[place]; committed != end && !held[place] {
			a.report.Uncommitted = append(a.report.Uncommitted, fmt.Sprintf("%s/%d: committed %d, the log ends at %d",
				place.Topic, place.Partition, committed, end))
		}
	}
	slices.Sort(a.report.Uncommitted)
}
