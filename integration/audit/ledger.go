package audit

import (
	"encoding/json"
	"slices"
	"time"
)

// Ledger is the state of all letters according to the ledger and the dead-letter topic. It is a second implementation
// of the rules in deadletter/README.md. The zero value is ready for use. The records of each topic must be passed in
// log order.
type Ledger struct {
	IDs    []string       // of all letters, oldest first
	Counts map[string]int // the number of entries that count, by kind, such as "replay"

	letters map[string]*letterState
}

// letterState is the state of one letter.
type letterState struct {
	stored     bool // its record was read
	count      int  // the number of the replay that led to the newest record; 0: the event itself
	replays    int  // how many replays count
	answered   bool // the last replay has an outcome in the ledger
	ended      bool // the last replay no longer needs an outcome
	resolved   bool
	superseded bool
	dismissed  bool
	overtaken  bool
	asked      []time.Time // when each replay that counts was stored
	accepted   []time.Time // when each "resolved" entry was stored
	byHand     bool        // it was dismissed once, so the ledger need not record that its event is accepted after a crash
}

func (l *letterState) closed() bool { return l.resolved || l.superseded || l.dismissed }

func (l *letterState) requeued() bool {
	return !l.closed() && l.replays > 0 && !l.ended && l.count < l.replays
}

// Letter applies the next record of the dead-letter topic, given its headers dlq.id and dlq.replay.count.
func (l *Ledger) Letter(id string, count int) {
	s := l.of(id)
	s.count = max(s.count, count)
	if !s.stored {
		s.stored = true
		l.IDs = append(l.IDs, id)
	}
}

// Entry applies the next record of the ledger, given the time at which the broker stored it.
func (l *Ledger) Entry(value []byte, stored time.Time) error {
	var e struct {
		Event string `json:"ev"`
		ID    string `json:"id"`
		N     int    `json:"n"`
	}
	if err := json.Unmarshal(value, &e); err != nil || e.ID == "" {
		return err
	}
	s := l.of(e.ID)
	if e.Event == "resolved" {
		s.accepted = append(s.accepted, stored)
	}
	if s.take(e.Event, e.N) {
		if e.Event == "replay" {
			s.asked = append(s.asked, stored)
		}
		l.Counts[e.Event]++
	}
	return nil
}

func (l *Ledger) of(id string) *letterState {
	if l.letters == nil {
		l.letters, l.Counts = make(map[string]*letterState), make(map[string]int)
	}
	if l.letters[id] == nil {
		l.letters[id] = &letterState{}
	}
	return l.letters[id]
}

// take applies an entry, and reports whether the entry counts.
func (l *letterState) take(event string, n int) bool {
	switch event {
	case "replay":
		if n != l.replays+1 || l.closed() {
			return false
		}
		l.replays, l.answered, l.ended = n, false, false
		return true
	case "dismissed":
		if n != l.replays || l.closed() {
			return false
		}
		l.dismissed, l.ended, l.byHand = true, true, true
		return true
	case "reopened":
		if n != l.replays || !l.closed() {
			return false
		}
		l.resolved, l.superseded, l.dismissed, l.ended = false, false, false, true
		return true
	case "overtaken":
		fresh := !l.overtaken
		l.overtaken = true
		return fresh
	}
	if n != l.replays || l.answered || !slices.Contains([]string{"resolved", "superseded", "failed"}, event) {
		return false
	}
	l.answered, l.ended = true, true
	switch event {
	case "resolved":
		l.resolved, l.dismissed = true, false
	case "superseded":
		l.superseded = !l.dismissed
	}
	return true
}

// Wish returns the entry that an operator may write for a letter: "replay" if the letter is open, "reopened" if it is
// dismissed. The event is empty if no entry is allowed.
func (l *Ledger) Wish(id string) (event string, n int) {
	switch s := l.of(id); {
	case s.dismissed:
		return "reopened", s.replays
	case !s.closed() && !s.requeued():
		return "replay", s.replays + 1
	}
	return "", 0
}

// Requeued returns the number of letters whose replay has no outcome.
func (l *Ledger) Requeued() int {
	n := 0
	for _, s := range l.letters {
		if s.requeued() {
			n++
		}
	}
	return n
}
