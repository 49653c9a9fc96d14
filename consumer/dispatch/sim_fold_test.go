package dispatch_test

import (
	"leadhit-sync/deadletter/ledger"
)

// simFold derives the states of letters from the ledger and the letters' topic, independently of the fold that the
// workers use.
type simFold map[string]*simState

type simState struct {
	letter                          *simLetter
	n, count                        int
	answered, ended                 bool
	resolved, superseded, dismissed bool
	overtaken, force                bool
	refused                         map[string]bool // operators' entries that must not count a second time
}

func (s *simState) final() bool { return s.resolved || s.superseded }

func (s *simState) requeued() bool {
	return s.n > 0 && !s.final() && !s.dismissed && !s.ended && s.count < s.n
}

func (f simFold) at(id string) *simState {
	if f[id] == nil {
		f[id] = &simState{count: -1}
	}
	return f[id]
}

func (f simFold) read(l *simLetter) {
	s := f.at(l.letter.ID.String())
	if l.letter.Count >= s.count {
		s.letter, s.count = l, l.letter.Count
	}
}

// follow applies an entry, and reports whether the entry counts.
func (f simFold) follow(e ledger.Entry) bool {
	if e.ID == "" {
		return false
	}
	s := f.at(e.ID)
	switch e.Event {
	case ledger.LetterOvertaken:
		was := s.overtaken
		s.overtaken = true
		return !was
	case ledger.LetterReplay, ledger.LetterDismissed, ledger.LetterReopened:
		return s.operate(e)
	default:
		return s.answer(e)
	}
}

// operate applies an operator's entry, and reports whether the entry counts.
func (s *simState) operate(e ledger.Entry) bool {
	name := string(e.Event) + e.By + e.At.String()
	n, closed := s.n, s.final() || s.dismissed
	if e.Event == ledger.LetterReplay {
		n++
	}
	if e.N != n || s.refused[name] {
		return false
	}
	if s.refused == nil {
		s.refused = map[string]bool{}
	}
	s.refused[name] = true
	switch {
	case e.Event == ledger.LetterReplay && !closed:
		s.n, s.answered, s.ended, s.force = n, false, false, e.Force
	case e.Event == ledger.LetterDismissed && !closed:
		s.dismissed, s.ended = true, true
	case e.Event == ledger.LetterReopened && closed:
		s.dismissed, s.resolved, s.superseded, s.ended = false, false, false, true
	default:
		return false
	}
	return true
}

// answer applies the outcome of a replay, and reports whether the outcome counts.
func (s *simState) answer(e ledger.Entry) bool {
	if e.N != s.n || s.answered {
		return false
	}
	s.answered, s.ended = true, true
	if e.Event == ledger.LetterResolved {
		s.resolved, s.dismissed = true, false
	}
	if e.Event == ledger.LetterSuperseded {
		s.superseded = !s.dismissed
	}
	return true
}
