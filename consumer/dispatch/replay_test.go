package dispatch_test

import (
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

func refusal() retry.Verdict {
	return retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Code: -32000, Answered: true}
}

// replaying returns a harness whose worker follows the letters and the ledger, and has read both.
func replaying(t *testing.T) *harness {
	t.Helper()
	c := settings()
	c.Replays, c.Worker = true, "worker"
	h := started(t, c, orders(0))
	h.d.CaughtUp()
	h.ask()
	return h
}

func idAt(offset int64) ledger.ID {
	return ledger.ID{Topic: "orders", Offset: offset, Item: ledger.NoItem}
}

// follow passes to the dispatcher an operator's entry about an event's letter.
func (h *harness) follow(what ledger.Event, offset int64, n int) {
	h.tb.Helper()
	h.d.Followed(h.now, ledger.Entry{Event: what, ID: idAt(offset).String(), N: n, Letter: 500 + offset, By: "alice", At: h.now, Run: "r1"})
	h.ask()
}

// letter reads an event about order a, refuses its call, and stores the letter.
func (h *harness) letter(offset int64) {
	h.tb.Helper()
	h.read(orders(0), eventOf(offset, "a"))
	h.answer(orders(0), offset, refusal())
	h.store()
	h.settle()
}

// store acknowledges the letter in flight, and returns it.
func (h *harness) store() turn.Store {
	h.tb.Helper()
	if len(h.stores) != 1 {
		h.tb.Fatalf("got %d stores in flight, want 1: %+v", len(h.stores), h.stores)
	}
	s := h.stores[0]
	h.stores = nil
	h.d.Stored(h.now, s.ID, true)
	h.ask()
	return s
}

// take delivers the letter for the replay that is taken up, with the items from the current mapping.
func (h *harness) take(offset int64, order string, items ...event.Item) {
	h.tb.Helper()
	if len(h.takes) == 0 {
		h.tb.Fatal("no replay is taken up")
	}
	t := h.takes[0]
	h.takes = h.takes[1:]
	if t.Letter != idAt(offset) || t.Offset != 500+offset {
		h.tb.Fatalf("got %+v, want the letter of %d", t, offset)
	}
	if len(items) == 0 {
		items = eventOf(offset, order).Items
	}
	h.d.Taken(h.now, t.ID, turn.Taken{Letter: fold.Letter{ID: idAt(offset), Order: order}, Items: items})
	h.ask()
}

// appended ends the append in flight, and checks its entries. The parameter want has two elements for each entry: its
// kind, and the offset of its letter's event.
func (h *harness) appended(ok bool, want ...any) {
	h.tb.Helper()
	if h.append == nil {
		h.tb.Fatalf("nothing is being appended to the ledger, want %v", want)
	}
	a := h.append
	h.append = nil
	if len(a.Entries) != len(want)/2 {
		h.tb.Fatalf("got %+v, want %v", a.Entries, want)
	}
	for i, e := range a.Entries {
		if e.Event != want[2*i] || e.ID != idAt(int64(want[2*i+1].(int))).String() {
			h.tb.Fatalf("got entry %d %+v, want %v", i, e, want)
		}
		if _, _, err := e.Record(); err != nil {
			h.tb.Fatal(err)
		}
	}
	h.d.Appended(h.now, a.ID, ok)
	h.ask()
}

func TestAReplayRunsInItsLaneUntilItsOutcomeIsStored(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.read(orders(0), eventOf(1, "a"))
	h.wantInFlight("the replay came first", 0)
	if c := h.calls[0]; c.Replay != 1 || c.Attempt != 1 {
		t.Errorf("got %+v, want the first replay", c)
	}
	h.accept(orders(0), 0)
	h.wantInFlight("the outcome has not been stored yet")
	h.appended(false, ledger.LetterResolved, 0)
	h.wantInFlight("the write failed")
	h.pass(time.Second)
	h.appended(true, ledger.LetterResolved, 0)
	h.wantInFlight("the replay is over", 1)
	h.accept(orders(0), 1) // marks the letter, which may be reopened
	h.appended(true, ledger.LetterOvertaken, 0)
	h.settle()
	if s := h.d.Snapshot(); s.Partitions[0].Committed != 2 {
		t.Errorf("got a commit of %d, want 2", s.Partitions[0].Committed)
	}
}

func TestAReplayThatIsRefusedAgainIsALetterWithItsCount(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.read(orders(0), eventOf(1, "a"))
	h.answer(orders(0), 0, refusal())
	h.wantInFlight("the letter has not been stored yet")
	if s := h.store(); s.Replay != 1 || s.Run != "r1" || s.Offset != 0 || s.Order != "a" {
		t.Errorf("got %+v, want a letter of the first replay", s)
	}
	h.wantInFlight("the letter is the outcome", 1)
	h.follow(ledger.LetterReplay, 0, 2)
	if len(h.takes) != 1 {
		t.Errorf("got %d replays taken up, want the second of the letter", len(h.takes))
	}
}

func TestAnAcceptedEventIsFinishedWhenOlderLettersAreMarked(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.read(orders(0), eventOf(1, "a"))
	h.accept(orders(0), 1)
	h.settle()
	if s := h.d.Snapshot(); s.Partitions[0].Committed != 1 {
		t.Errorf("got a commit of %d while the mark is in flight, want 1", s.Partitions[0].Committed)
	}
	h.follow(ledger.LetterReplay, 0, 1) // superseded, although the mark is not stored
	h.appended(true, ledger.LetterOvertaken, 0)
	h.appended(true, ledger.LetterSuperseded, 0)
	if len(h.takes) != 0 {
		t.Errorf("got %+v, want no replay taken up", h.takes)
	}
	h.settle()
	if s := h.d.Snapshot(); s.Partitions[0].Committed != 2 {
		t.Errorf("got a commit of %d, want 2", s.Partitions[0].Committed)
	}
}

func TestAReplayIsJudgedAgainWhenItsTurnComes(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.read(orders(0), eventOf(1, "a"))
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.read(orders(0), eventOf(2, "b"), eventOf(3, "a"))
	h.wantInFlight("the event came first", 1, 2)
	h.accept(orders(0), 1)
	h.appended(true, ledger.LetterOvertaken, 0)
	h.settle()
	h.wantInFlight("the replay is dropped, and the lane continues", 2, 3)
	h.appended(true, ledger.LetterSuperseded, 0)
}

func TestAReplayIsDroppedWhenItsLetterIsDismissed(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.read(orders(0), eventOf(1, "a"))
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.follow(ledger.LetterDismissed, 0, 1)
	h.answer(orders(0), 1, refusal())
	h.store()
	h.settle()
	h.wantInFlight("the letter is dismissed")
	if h.append != nil {
		t.Errorf("got %+v, want no outcome", h.append.Entries)
	}
}

func TestForceCallsAnOvertakenLetter(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterOvertaken, 0, 0)
	h.d.Followed(h.now, ledger.Entry{Event: ledger.LetterReplay, ID: idAt(0).String(), N: 1, Letter: 500, Force: true, By: "alice", At: h.now})
	h.ask()
	h.take(0, "a")
	h.wantInFlight("forced", 0)
}

// inherited returns a harness whose worker has just been assigned a partition, with a requeued letter and two unread
// events.
func inherited(t *testing.T) *harness {
	t.Helper()
	c := settings()
	c.Replays, c.Worker = true, "worker"
	h := unstarted(t, c)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Offset: 500})
	h.follow(ledger.LetterReplay, 0, 1)
	h.d.Assigned(h.now, []turn.Position{{Partition: orders(0), Next: 1, End: 3}}, true)
	h.ask()
	h.settle()
	return h
}

func (h *harness) wantTakes(why string, want int) {
	h.tb.Helper()
	if h.ask(); len(h.takes) != want {
		h.tb.Fatalf("%s: got %d replays taken up, want %d", why, len(h.takes), want)
	}
}

func TestReplaysWaitForTheLogEnd(t *testing.T) {
	t.Parallel()
	h := inherited(t)
	h.d.CaughtUp()
	h.read(orders(0), eventOf(1, "b"))
	h.wantTakes("an event is not fetched", 0)
	h.read(orders(0), eventOf(2, "a"))
	h.wantTakes("the log's end", 1)
}

func TestReplaysWaitForTheLedger(t *testing.T) {
	t.Parallel()
	h := inherited(t)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(7), Order: "c", Offset: 507})
	h.follow(ledger.LetterReplay, 7, 1)
	h.read(orders(0), eventOf(1, "b"), eventOf(2, "b"))
	h.wantTakes("marks of the previous owner may be unread", 0)
	h.d.CaughtUp()
	h.wantTakes("all is read", 2)
}

func TestAForcedReplayBeyondTheHorizonRunsOnceAtMost(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Replays, c.Worker = true, "worker"
	h := unstarted(t, c)
	forced := ledger.Entry{Event: ledger.LetterReplay, ID: idAt(0).String(), N: 1, Letter: 500, Force: true, By: "alice", At: h.now}
	h.d.Followed(h.now, forced)
	h.assign(true, orders(0))
	h.ack()
	h.d.CaughtUp()
	h.wantTakes("the previous owner may have got its outcome", 0)
	h.appended(true, ledger.LetterFailed, 0)
	forced.ID, forced.Letter = idAt(1).String(), 501
	h.d.Followed(h.now, forced)
	h.wantTakes("requested now", 1)
}

func TestAReplayThatCannotBeJudgedFails(t *testing.T) {
	t.Parallel()
	call := func(order string) event.Item { return event.Item{Action: event.Call, OrderID: order, Status: "paid"} }
	for name, c := range map[string]struct {
		items []event.Item
		want  ledger.Event
	}{
		"another order":           {[]event.Item{call("b")}, ledger.LetterFailed},
		"several orders":          {[]event.Item{call("a"), call("b")}, ledger.LetterFailed},
		"ignored now":             {[]event.Item{{Action: event.Ignore}}, ledger.LetterResolved},
		"ignored, with its order": {[]event.Item{{Action: event.Ignore, OrderID: "a"}}, ledger.LetterResolved},
	} {
		h := replaying(t)
		h.letter(0)
		h.follow(ledger.LetterReplay, 0, 1)
		h.take(0, "a", c.items...)
		if h.append == nil || h.append.Entries[0].Event != c.want {
			t.Errorf("%s: got %+v, want %s", name, h.append, c.want)
		}
		h.wantInFlight(name)
	}
}

func TestALetterWithoutOrderAndKeyNeedsForce(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(7), Offset: 507}) // not late: its event is not fetched yet
	h.follow(ledger.LetterReplay, 7, 1)
	if len(h.takes) != 0 {
		t.Errorf("got %+v, want no replay taken up", h.takes)
	}
	h.appended(true, ledger.LetterFailed, 7)
}

func TestALateLetterOfTheLastOwnerIsMarked(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Offset: 500})
	if h.ask(); h.append != nil {
		t.Fatalf("got %+v for an event that is not finished", h.append.Entries)
	}
	h.accept(orders(0), 1)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(1), Order: "b", Offset: 501})
	h.ask()
	h.appended(true, ledger.LetterOvertaken, 1)
}

func TestAnEventThatComesAgainResolvesItsLetter(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.d.LetterRead(h.now, fold.Letter{ID: idAt(0), Order: "a", Offset: 500})
	h.read(orders(0), eventOf(0, "a"))
	h.accept(orders(0), 0)
	h.settle()
	if s := h.d.Snapshot(); s.Partitions[0].Committed != 0 {
		t.Errorf("got a commit of %d before the outcome is stored, want 0", s.Partitions[0].Committed)
	}
	h.appended(true, ledger.LetterResolved, 0)
	h.settle()
	if s := h.d.Snapshot(); s.Partitions[0].Committed != 1 {
		t.Errorf("got a commit of %d, want 1", s.Partitions[0].Committed)
	}
}

func TestADrainWaitsForTheLedger(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.d.Revoked()
	h.accept(orders(0), 0)
	if h.last.Ended != turn.NotEnded {
		t.Fatal("the generation ends before the outcome is stored")
	}
	h.appended(true, ledger.LetterResolved, 0)
	h.settle()
	if h.last.Ended != turn.Drained {
		t.Errorf("got end %v, want drained", h.last.Ended)
	}
}

func TestReplaysCountNothingForTheFloodGuard(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Replays, c.FloodGuard, c.Worker = true, true, "worker"
	h := started(t, c, orders(0))
	h.d.CaughtUp()
	for i := range 110 {
		o := int64(i)
		h.d.LetterRead(h.now, fold.Letter{ID: idAt(o), Order: string(rune('a' + i)), Offset: 500 + o})
		h.follow(ledger.LetterReplay, o, 1)
		h.take(o, string(rune('a'+i)))
		h.answer(orders(0), o, refusal())
		h.store()
	}
	if p := h.d.Pause(); p.Kind != "" {
		t.Errorf("got %+v after 110 replays that were refused again, want no pause", p)
	}
}

func TestReplaysOfARecreatedPartitionBeginAgain(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.wantInFlight("taken up", 0)
	h.d.Restarted(h.now, orders(0), 0, 0)
	h.ask()
	h.settle() // commits the choice of where to start
	if len(h.takes) != 1 {
		t.Fatalf("got %d replays taken up, want the letter again", len(h.takes))
	}
	old := h.call(orders(0), 0)
	h.take(0, "a")
	h.wantInFlight("the old call is in flight")
	h.d.Answered(h.now, old.ID, retry.Verdict{Kind: retry.Done, Answered: true})
	h.ask()
	h.wantInFlight("the old call has ended", 0)
}

func TestReplaysOfOnePartitionKeepTheLedgersOrder(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(0)
	h.letter(1)
	h.follow(ledger.LetterReplay, 1, 1)
	h.follow(ledger.LetterReplay, 0, 1)
	first, second := h.takes[0], h.takes[1]
	h.takes = []turn.Take{second, first}
	h.take(0, "a")
	h.wantInFlight("the letter that was requested first has not been read yet")
	h.take(1, "a")
	h.wantInFlight("the order of the ledger", 1)
}

func TestCallsWaitUntilTheLettersAreRead(t *testing.T) {
	t.Parallel()
	h := inherited(t)
	h.read(orders(0), eventOf(1, "a"), eventOf(2, "b"))
	h.wantInFlight("letters of the previous owner may be unread")
	h.d.CaughtUp()
	h.ask()
	h.wantInFlight("all is read", 1, 2)
}

// No mark can have reached the letter before its order was known (seed 4145).
func TestALetterWithoutOrderAndKeyNeedsForceAfterARefusedReplayToo(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.read(orders(0), turn.Event{
		Offset: 0, Time: h.now, Bytes: 100, Items: []event.Item{{Action: event.Refuse, Cause: "NotJSON"}},
	})
	h.store()
	h.read(orders(0), eventOf(1, "a"))
	h.accept(orders(0), 1)
	h.settle()
	h.d.Followed(h.now, ledger.Entry{
		Event: ledger.LetterReplay, ID: idAt(0).String(), N: 1, Letter: 500, By: "alice", At: h.now, Force: true,
	})
	h.ask()
	h.take(0, "", eventOf(0, "a").Items...)
	h.answer(orders(0), 0, refusal())
	if s := h.store(); s.Order != "" {
		t.Errorf("the letter names order %q, which no mark knew", s.Order)
	}
	h.follow(ledger.LetterReplay, 0, 2)
	h.wantInFlight("the newer event was accepted")
	h.appended(true, ledger.LetterFailed, 0)
}
