package dispatch_test

import (
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

func failure() retry.Verdict { return retry.Verdict{Kind: retry.Again, Cause: "Timeout"} }

// LeadHit may have accepted the call that timed out, so an older letter for the order must not be sent any more.
func TestADismissedReplayThatWasCalledOvertakesOlderLetters(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.letter(1)
	h.follow(ledger.LetterReplay, 1, 1)
	h.take(1, "a")
	h.answer(orders(0), 1, failure())
	h.follow(ledger.LetterDismissed, 1, 1)
	h.pass(time.Second)
	h.wantInFlight("dismissed")
	h.appended(true, ledger.LetterOvertaken, 0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.appended(true, ledger.LetterSuperseded, 0)
}

func TestADismissedReplayThatWasNeverCalledOvertakesNothing(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.letter(1)
	h.read(orders(0), eventOf(2, "a"))
	h.follow(ledger.LetterReplay, 1, 1)
	h.take(1, "a")
	h.follow(ledger.LetterDismissed, 1, 1)
	h.answer(orders(0), 2, refusal())
	h.store()
	h.settle()
	if h.append != nil {
		t.Errorf("got %+v, want nothing", h.append.Entries)
	}
}

func TestAnOrderThatIsGivenUpOvertakesOlderLetters(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Replays, c.Worker, c.Retry.MaxElapsed = true, "worker", time.Second
	h := started(t, c, orders(0))
	h.d.CaughtUp()
	h.letter(0)
	h.read(orders(0), eventOf(1, "a"))
	for offset := int64(2); h.append == nil && offset < 9; offset += 2 { // two other orders succeed for each failure
		h.read(orders(0), eventOf(offset, "b"), eventOf(offset+1, "c"))
		h.accept(orders(0), offset)
		h.accept(orders(0), offset+1)
		h.answer(orders(0), 1, failure())
		for range 10 { // commits renew the lease
			h.settle()
			h.pass(700 * time.Millisecond)
		}
	}
	if len(h.stores) != 0 {
		t.Fatal("the letter is stored before the mark")
	}
	h.appended(true, ledger.LetterOvertaken, 0)
	if s := h.store(); s.Verdict.Cause != "RetriesExhausted" {
		t.Errorf("got %+v, want a letter of an order that was given up", s)
	}
}

// A worker that was frozen may have lost the partition, in which case the new owner sends the letter.
func TestAReplayIsNotEndedWithoutTheLease(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.now = h.now.Add(time.Minute)
	h.take(0, "a", event.Item{Action: event.Ignore})
	if h.append != nil {
		t.Fatalf("got %+v after the end of the lease, want nothing", h.append.Entries)
	}
	h.settle()
	h.take(0, "a", event.Item{Action: event.Ignore})
	h.appended(true, ledger.LetterResolved, 0)
}

func TestReplaysSayWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	want := func(why string) {
		t.Helper()
		all := h.d.WaitingReplays(10)
		if len(all) != 1 || all[0] != (dispatch.WaitingReplay{Letter: idAt(0), N: 1, Run: "r1", For: why}) {
			t.Fatalf("got %+v, want one that waits for %s", all, why)
		}
	}
	h.read(orders(0), eventOf(1, "a"))
	h.follow(ledger.LetterReplay, 0, 1)
	want("letter")
	h.take(0, "a")
	want("lane")
	h.answer(orders(0), 1, refusal())
	h.store()
	h.settle()
	want("call")
	h.answer(orders(0), 0, failure())
	want("retry")
	h.pass(time.Second)
	h.accept(orders(0), 0)
	want("outcome")
	h.appended(true, ledger.LetterResolved, 0)
	if all := h.d.WaitingReplays(10); len(all) != 0 {
		t.Errorf("got %+v, want none", all)
	}
	if all := inherited(t).d.WaitingReplays(10); len(all) != 0 {
		t.Errorf("got %+v before the ledger is read, want none", all)
	}
	other := inherited(t)
	other.d.CaughtUp()
	if all := other.d.WaitingReplays(10); len(all) != 1 || all[0].For != "backlog" {
		t.Errorf("got %+v, want one that waits for the backlog", all)
	}
}

// The letter's newest record comes from another mapping, which found another order in the event. So events of the order
// that the current mapping finds did not mark the letter.
func TestAReplayIsJudgedByTheNewestRecordOfItsLetter(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "b", Offset: 900})
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.wantInFlight("the letter is about another order")
	h.appended(true, ledger.LetterFailed, 0)
}

func TestAReplayInItsLaneIsJudgedByTheNewestRecordOfItsLetter(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.read(orders(0), eventOf(1, "a"))
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "b", Offset: 900})
	h.accept(orders(0), 1)
	h.settle()
	h.wantInFlight("no mark reached the letter")
	h.appended(true, ledger.LetterFailed, 0)
}

// reassigned returns a harness whose worker has just been assigned a partition, with two letters for one order. The
// function entries adds the ledger's entries about these letters.
func reassigned(t *testing.T, entries func(h *harness)) *harness {
	t.Helper()
	c := settings()
	c.Replays, c.Worker = true, "worker"
	h := unstarted(t, c)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Offset: 500})
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(1), Order: "a", Offset: 501})
	entries(h)
	h.assign(true, orders(0))
	h.ack()
	h.d.CaughtUp()
	h.ask()
	return h
}

// again requests a replay of a letter, dismisses the letter before that replay has an outcome, reopens it, calls
// meanwhile, and requests a second replay.
func (h *harness) again(offset int64, meanwhile func()) {
	h.follow(ledger.LetterReplay, offset, 1)
	h.follow(ledger.LetterDismissed, offset, 1)
	h.follow(ledger.LetterReopened, offset, 1)
	meanwhile()
	h.follow(ledger.LetterReplay, offset, 2)
}

// The previous owner dropped the dismissed replay, and may then have sent the newer letter.
func TestALetterIsReplayedAfterThoseThatWereAskedForBeforeItsLastReplay(t *testing.T) {
	t.Parallel()
	h := reassigned(t, func(h *harness) {
		h.again(0, func() { h.follow(ledger.LetterReplay, 1, 1) })
	})
	h.take(1, "a")
	h.take(0, "a")
	h.wantInFlight("requested first", 1)
	h.accept(orders(0), 1)
	h.appended(true, ledger.LetterOvertaken, 0)
	h.appended(true, ledger.LetterResolved, 1)
	h.appended(true, ledger.LetterSuperseded, 0)
}

// The previous owner may have sent the dismissed replay, and LeadHit may have accepted it.
func TestAFormerReplayWithoutAnOutcomeOvertakesOlderLetters(t *testing.T) {
	t.Parallel()
	h := reassigned(t, func(h *harness) {
		h.again(1, func() { h.follow(ledger.LetterReplay, 0, 1) })
	})
	h.appended(true, ledger.LetterOvertaken, 0, ledger.LetterSuperseded, 0)
	h.take(1, "a")
	h.wantInFlight("its second replay", 1)
}

// The previous owner may have sent the letter under a mapping that found order "a" in it.
func TestAReplayThatIsRefusedUnderAnotherOrderOvertakesLettersWithItsKey(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Replays, c.Worker = true, "worker"
	h := unstarted(t, c)
	key := fold.KeyHash([]byte("a"))
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Key: key, Offset: 500})
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(1), Key: key, Offset: 501})
	h.follow(ledger.LetterReplay, 1, 1)
	h.assign(true, orders(0))
	h.ack()
	h.d.CaughtUp()
	h.ask()
	h.take(1, "", event.Item{Action: event.Refuse, OrderID: "b", Cause: "BadStatus"})
	h.appended(true, ledger.LetterOvertaken, 0)
}

// The previous owner may have sent the letter, and only the event shows for which order. Older letters for that order
// may have other keys.
func TestADismissedReplayWithoutAnOrderIsFetchedForIt(t *testing.T) {
	t.Parallel()
	for name, dismiss := range map[string]func(h *harness){
		"before the assignment": func(h *harness) {
			h.follow(ledger.LetterDismissed, 1, 1)
			h.takeOver()
		},
		"before it is fetched": func(h *harness) {
			h.assign(true, orders(0))
			h.d.CaughtUp()
			h.follow(ledger.LetterDismissed, 1, 1)
			h.ack()
			h.ask()
		},
		"while it is fetched": func(h *harness) {
			h.takeOver()
			h.follow(ledger.LetterDismissed, 1, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := settings()
			c.Replays, c.Worker = true, "worker"
			h := unstarted(t, c)
			h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Key: 1, Offset: 500})
			h.d.LetterRead(h.now, fold.Letter{ID: idAt(1), Key: 2, Offset: 501})
			h.follow(ledger.LetterReplay, 1, 1)
			dismiss(h)
			h.take(1, "", event.Item{Action: event.Call, OrderID: "a", Status: "paid"})
			h.wantInFlight("dismissed")
			h.appended(true, ledger.LetterOvertaken, 0)
		})
	}
}

// takeOver assigns the partition, and reports that the letters and the ledger have been read to their ends.
func (h *harness) takeOver() {
	h.tb.Helper()
	h.assign(true, orders(0))
	h.ack()
	h.d.CaughtUp()
	h.ask()
}

// The previous owner may have sent the dismissed replay, and only the event shows for which order. The older letter for
// that order was requeued in between, so it would be sent first if the event were not fetched before then.
func TestAFormerReplayWithoutAnOrderIsFetchedForItFirst(t *testing.T) {
	t.Parallel()
	named := event.Item{Action: event.Call, OrderID: "a", Status: "paid"}
	several := idAt(1)
	several.Item = 1
	for name, test := range map[string]struct {
		letter         ledger.ID
		items          []event.Item
		force, dismiss bool
	}{
		"requested again": {letter: idAt(1), items: []event.Item{named}},
		"dismissed again": {letter: idAt(1), items: []event.Item{named}, dismiss: true},
		"was forced, about one of several orders": {
			letter: several, items: []event.Item{{Action: event.Call, OrderID: "b"}, named}, force: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := settings()
			c.Replays, c.Worker = true, "worker"
			h := unstarted(t, c)
			h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Key: 1, Offset: 500})
			h.d.LetterRead(h.now, fold.Letter{ID: test.letter, Key: 2, Offset: 501})
			says := func(what ledger.Event, n int, force bool) {
				h.d.Followed(h.now, ledger.Entry{Event: what, ID: test.letter.String(), N: n, Letter: 501, Force: force, At: h.now})
			}
			says(ledger.LetterReplay, 1, test.force)
			says(ledger.LetterDismissed, 1, false)
			says(ledger.LetterReopened, 1, false)
			h.follow(ledger.LetterReplay, 0, 1)
			says(ledger.LetterReplay, 2, false)
			if test.dismiss {
				says(ledger.LetterDismissed, 2, false)
			}
			h.takeOver()
			first := h.takes[0]
			if h.takes = h.takes[1:]; first.Letter != test.letter {
				t.Fatalf("got %+v first, want the letter without an order", first)
			}
			h.d.Taken(h.now, first.ID, turn.Taken{Letter: fold.Letter{ID: test.letter, Key: 2}, Items: test.items})
			h.take(0, "a")
			h.wantInFlight("it is older")
			h.appended(true, ledger.LetterOvertaken, 0, ledger.LetterSuperseded, 0)
		})
	}
}
