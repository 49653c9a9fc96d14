package dispatch_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// counts checks how many letters are open and requeued, and what the replays wait for.
func (h *harness) counts(open, requeued int, waiting ...string) snapshot.LetterCounts {
	h.tb.Helper()
	got := h.d.LetterCounts(time.Time{})
	want := map[string]int{}
	for _, what := range waiting {
		want[what]++
	}
	if got.Open != open || got.Requeued != requeued || !maps.Equal(got.Waiting, want) {
		h.tb.Errorf("got %d open, %d requeued, waiting for %v; want %d, %d and %v", got.Open, got.Requeued, got.Waiting, open, requeued, want)
	}
	return got
}

// readBack passes a stored letter to the dispatcher, as if it had been read from the letters' topic.
func (h *harness) readBack(offset int64, order string, count int) {
	h.tb.Helper()
	h.d.LetterRead(h.now, fold.Letter{
		ID: idAt(offset), Order: order, Count: count, Offset: 500 + offset + int64(100*count), Stored: h.now,
	})
	h.ask()
}

func TestLettersAreCountedByStateAndReplaysByOutcome(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	var stored []time.Time
	for offset := range int64(3) {
		h.letter(offset)
		h.counts(int(offset), 0) // the letter counts only once it is read back
		stored = append(stored, h.now)
		h.readBack(offset, "a", 0)
		h.pass(time.Second)
	}
	if got := h.counts(3, 0); !got.Oldest.Equal(stored[0]) {
		t.Errorf("got %v as the oldest, want %v", got.Oldest, stored[0])
	}
	if got := h.d.LetterCounts(stored[1]); got.Open != 2 || !got.Oldest.Equal(stored[1]) {
		t.Errorf("got %+v within the retention, want 2 letters", got)
	}

	h.follow(ledger.LetterReplay, 1, 1)
	h.counts(1, 1, "letter")
	h.take(1, "a")
	h.counts(1, 1, "call")
	h.answer(orders(0), 1, refusal())
	h.store()
	h.readBack(1, "a", 1)
	if got := h.counts(2, 0).Outcomes; got["refused"] != 1 {
		t.Errorf("got %v, want one replay refused", got)
	}

	h.follow(ledger.LetterReplay, 2, 1)
	h.take(2, "a")
	h.accept(orders(0), 2)
	h.counts(1, 1, "outcome")
	h.appended(true, ledger.LetterOvertaken, 1, ledger.LetterOvertaken, 0)
	h.appended(true, ledger.LetterResolved, 2)
	h.follow(ledger.LetterResolved, 2, 1)
	h.follow(ledger.LetterReplay, 0, 1)
	h.appended(true, ledger.LetterSuperseded, 0)
	h.follow(ledger.LetterSuperseded, 0, 1)
	h.follow(ledger.LetterReplay, 1, 2)
	h.appended(true, ledger.LetterSuperseded, 1)
	want := map[string]uint64{"refused": 1, "resolved": 1, "superseded": 2}
	if got := h.counts(0, 1).Outcomes; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReplaysThatAreNotTakenUpAreCountedByWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	const letters = 40
	for offset := range int64(letters) {
		h.d.LetterRead(h.now, fold.Letter{ID: idAt(offset), Order: "a", Offset: 500 + offset})
		h.follow(ledger.LetterReplay, offset, 1)
	}
	got := h.d.LetterCounts(time.Time{})
	want := map[string]int{}
	for _, r := range h.d.WaitingReplays(letters) {
		want[r.For]++
	}
	if got.Requeued != letters || len(want) != 2 || !maps.Equal(got.Waiting, want) {
		t.Errorf("got %d requeued, waiting for %v; want %d, and %v", got.Requeued, got.Waiting, letters, want)
	}
	for what := range got.Waiting {
		if !slices.Contains(dispatch.ReplayWaits(), what) {
			t.Errorf("%q is not listed by ReplayWaits", what)
		}
	}
}
