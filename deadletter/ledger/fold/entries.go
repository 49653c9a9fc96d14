package fold

import (
	"slices"

	"leadhit-sync/deadletter/ledger"
)

// Follow takes the ledger's next entry for the group (see [ledger.Entry.For]), and reports whether it counted. Events
// that are not about a letter's state never count.
//
// Whether an entry counts depends only on the entries before it. The conditions for an entry with the number N are:
//   - a replay: N-1 replays counted, and the letter is neither final nor dismissed;
//   - an outcome: replay N is the last that counted, and it has no outcome yet. N is 0 for a letter whose own event
//     was reread after a crash and accepted;
//   - dismissed and reopened: N replays counted. Dismissing a requeued letter ends its replay, so reopening leads to an
//     open letter. An accepted call is a fact, so its outcome counts even after the letter was dismissed;
//   - overtaken: the letter is not marked yet.
//
// An operator's entry that did not count the first time never counts, because its writer has been told so. The copy
// that a retried write leaves behind must change nothing.
func (f *Fold) Follow(e ledger.Entry) bool {
	if !changesLetter(e.Event) {
		return false
	}
	id, err := ledger.ParseID(e.ID)
	if err != nil {
		return false // Parse refuses it
	}
	s, n := f.get(id), int32(min(e.N, maxReplays))
	defer f.count(s)
	switch e.Event {
	case ledger.LetterReplay:
		return f.requeue(s, e, n)
	case ledger.LetterDismissed:
		if !s.first(e, n) || s.final() || s.dismissed {
			return false
		}
		s.dismissed, s.ended = true, true
		return true
	case ledger.LetterReopened:
		if !s.first(e, n) || !s.final() && !s.dismissed {
			return false
		}
		s.dismissed, s.ended, s.resolved, s.superseded = false, true, false, false
		return true
	case ledger.LetterOvertaken:
		return s.overtake(e)
	default:
		return s.answer(e, n)
	}
}

// changesLetter reports whether an event is about a letter's state.
func changesLetter(e ledger.Event) bool {
	switch e {
	case ledger.LetterReplay, ledger.LetterDismissed, ledger.LetterReopened,
		ledger.LetterResolved, ledger.LetterSuperseded, ledger.LetterFailed, ledger.LetterOvertaken:
		return true
	default: // about pauses and runs, or only for human readers
		return false
	}
}

func seenOf(e ledger.Entry) seen { return seen{e.Event, e.By, e.At.UnixNano()} }

// first reports whether an operator's entry is about the letter as it is now, and appears for the first time.
func (s *letter) first(e ledger.Entry, n int32) bool {
	if n != s.n || slices.Contains(s.more().seen, seenOf(e)) {
		return false
	}
	s.seen = append(s.seen, seenOf(e))
	return true
}

func (f *Fold) requeue(s *letter, e ledger.Entry, n int32) bool {
	if n != s.n+1 || s.history != nil && slices.Contains(s.seen, seenOf(e)) {
		return false
	}
	if s.final() || s.dismissed {
		h := s.more()
		h.seen = append(h.seen, seenOf(e))
		return false
	}
	f.turns++
	h := s.more()
	if s.answered {
		h.turns = nil
	}
	h.replay, h.turns, h.seen = &e, append(h.turns, f.turns), nil
	s.n, s.answered, s.ended = n, false, false
	return true
}

// answer applies an entry with the outcome of replay n.
func (s *letter) answer(e ledger.Entry, n int32) bool {
	if n < s.n {
		s.answerFormer(n)
	}
	if n != s.n || s.answered {
		return false
	}
	s.answered, s.ended = true, true
	switch e.Event {
	case ledger.LetterResolved:
		s.resolved, s.dismissed = true, false
	case ledger.LetterSuperseded:
		s.superseded = !s.dismissed // a dismissed letter stays dismissed
	default: // ledger.LetterFailed: open again
	}
	return true
}

// answerFormer applies the outcome of replay n after a later replay was requested. The letter's state does not change.
// Only the order of requeued letters does, because the replays up to n are over.
func (s *letter) answerFormer(n int32) {
	if s.history == nil {
		return
	}
	if over := int(n-s.n) + len(s.turns); over > 0 {
		s.turns = s.turns[over:]
	}
}

// overtake marks a letter as overtaken, permanently. Copies of the entry change nothing.
func (s *letter) overtake(e ledger.Entry) bool {
	if s.overtaken {
		return false
	}
	s.overtaken = true
	if e.Newer != "" {
		s.more().newer = e.Newer
	}
	return true
}

func (s *letter) more() *history {
	if s.history == nil {
		s.history = &history{}
	}
	return s.history
}

// Lost forgets what the old ledger said, because a reader of the new ledger alone does not know it. Call Lost after the
// ledger has been recreated; Follow continues with the new ledger's first entry. Overtaken letters stay marked,
// because a mark can only prevent a replay.
func (f *Fold) Lost() {
	for _, s := range f.letters {
		s.n, s.answered, s.ended, s.dismissed = 0, false, false, false
		s.resolved, s.superseded = false, false
		if s.history != nil {
			s.replay, s.turns, s.seen = nil, nil, nil
		}
		f.count(s)
	}
}
