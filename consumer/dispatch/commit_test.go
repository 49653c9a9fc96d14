package dispatch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

func TestWhatIsFinishedAboveAStuckEventTravelsInTheMetadata(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "stuck"), eventOf(1, "a"), eventOf(5, "b"), eventOf(6, "c"))
	h.accept(orders(0), 1)
	h.accept(orders(0), 6)
	h.pass(250 * time.Millisecond)
	o := h.commit.Offsets[0]
	frontier, unfinished, ok := dispatch.ParseMetadata(o.Metadata)
	if !ok || o.Next != 0 || frontier != 7 || !slices.Equal(unfinished, []int64{0, 5}) {
		t.Fatalf("got %d %q (frontier %d, unfinished %v), want 0, frontier 7, unfinished 0 and 5", o.Next, o.Metadata,
			frontier, unfinished)
	}

	other := unstarted(t, settings())
	other.d.Assigned(other.now, []turn.Position{{Partition: orders(0), Next: o.Next, Metadata: o.Metadata}}, true)
	other.ask()
	other.ack()
	other.read(orders(0), eventOf(0, "stuck"), eventOf(1, "a"), eventOf(5, "b"), eventOf(6, "c"), eventOf(7, "d"))
	other.wantInFlight("the next owner passes over what is finished", 0, 5, 7)
}

func TestMetadataOfAnotherLogIsIgnored(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "stuck"), eventOf(1, "a"))
	h.accept(orders(0), 1)
	h.pass(250 * time.Millisecond)
	text := h.commit.Offsets[0].Metadata
	newer := eventOf(0, "new")
	newer.Time = newer.Time.Add(time.Millisecond)
	for name, c := range map[string]struct {
		next     int64
		metadata string
		first    turn.Event
	}{
		"another offset": {next: 0, metadata: strings.Replace(text, "0000,", "0001,", 1), first: eventOf(0, "stuck")},
		"another record": {next: 0, metadata: text, first: newer},
		"garbage":        {next: 0, metadata: "1,2,3", first: eventOf(0, "stuck")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := unstarted(t, settings())
			h.d.Assigned(h.now, []turn.Position{{Partition: orders(0), Next: c.next, Metadata: c.metadata}}, true)
			h.ask()
			h.read(orders(0), c.first, eventOf(1, "a"))
			h.ack()
			h.wantInFlight("all events", 0, 1)
		})
	}
}

func TestTooLargeMetadataIsShortened(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "c"), eventOf(3, "d"))
	h.accept(orders(0), 3)
	h.pass(250 * time.Millisecond)
	long := len(h.commit.Offsets[0].Metadata)
	h.answerCommit(turn.CommitAnswer{TooLarge: []event.Partition{orders(0)}})
	h.pass(250 * time.Millisecond)
	o := h.commit.Offsets[0]
	if o.Next != 0 || len(o.Metadata) >= long {
		t.Fatalf("got %d with %d bytes, want 0 with fewer than %d", o.Next, len(o.Metadata), long)
	}
}

func TestAnUnansweredCommitEndsAllCallsUntilTheWorkerIsANewMember(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "a"), eventOf(2, "b"))
	h.accept(orders(0), 0)
	h.pass(20 * time.Millisecond)
	h.answerCommit(turn.CommitAnswer{Outcome: turn.Ambiguous})
	h.pass(time.Second)
	h.ack()
	h.wantInFlight("a later acknowledgement opens nothing", 2)
	h.accept(orders(0), 2)
	h.pass(time.Second)
	h.ack()
	if got := h.last.Ended; got != turn.Drained {
		t.Fatalf("ended: got %v, want Drained", got)
	}
	h.d.Lost()
	if !h.d.NeedsNewMember() {
		t.Fatal("got no need for a new member id, want one")
	}
	h.assign(false, orders(0))
	h.ack()
	if got := h.last.Ended; got != turn.Drained {
		t.Fatalf("the same member id: got end %v, want Drained", got)
	}
	h.d.Lost()
	h.assign(true, orders(0))
	h.ack()
	h.read(orders(0), eventOf(0, "a"))
	h.wantInFlight("a new member", 0)
}

func TestAGenerationLostWithACommitInFlightNeedsANewMember(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	if h.d.NeedsNewMember() {
		t.Fatal("got the need for a new member id, although all commits got a response")
	}
	h.pass(2 * time.Second)
	h.d.Lost()
	if !h.d.NeedsNewMember() {
		t.Fatal("got no need for a new member id, although the commit in flight may be applied late")
	}
}

func TestADrainWaitsForCallsLettersAndTheLastCommit(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "b"))
	h.d.Revoked()
	h.ask()
	h.accept(orders(0), 0)
	h.answer(orders(0), 1, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError"})
	if h.last.Ended != turn.NotEnded {
		t.Fatal("ended before the letter is stored")
	}
	h.d.Stored(h.now, h.stores[0].ID, true)
	h.ask()
	if h.commit == nil || !h.commit.Final || h.commit.Offsets[0].Next != 2 {
		t.Fatalf("got commit %+v, want the final one of 2", h.commit)
	}
	if h.last.Ended != turn.NotEnded {
		t.Fatal("ended before the last commit is acknowledged")
	}
	h.ack()
	if h.last.Ended != turn.Drained {
		t.Fatalf("got %v, want Drained", h.last.Ended)
	}
	h.wantInFlight("nothing new in a drain")
}

func TestADrainWaitsForCallsOfAnEarlierGeneration(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"))
	h.d.Lost()
	h.assign(true, orders(0))
	h.ack()
	h.d.Revoked()
	h.ask()
	if h.last.Ended != turn.NotEnded {
		t.Fatalf("got end %d while a call is in flight, want none", h.last.Ended)
	}
	h.accept(orders(0), 0)
	h.settle()
	if h.last.Ended != turn.Drained {
		t.Errorf("got end %d, want Drained", h.last.Ended)
	}
}

func TestAGenerationEndsAsFencedOrExpired(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"))
	h.accept(orders(0), 0)
	h.d.Revoked()
	h.ask()
	h.answerCommit(turn.CommitAnswer{Outcome: turn.NotSent})
	for h.last.Ended == turn.NotEnded {
		h.pass(200 * time.Millisecond)
		if h.commit != nil {
			h.answerCommit(turn.CommitAnswer{Outcome: turn.NotSent})
		}
	}
	if h.last.Ended != turn.Expired {
		t.Fatalf("got %v, want Expired", h.last.Ended)
	}

	h = started(t, settings(), orders(0))
	h.pass(2 * time.Second)
	h.answerCommit(turn.CommitAnswer{Outcome: turn.Refused})
	if h.last.Ended != turn.Fenced {
		t.Fatalf("got %v, want Fenced", h.last.Ended)
	}
}

func TestNoCallStartsAfterTheLease(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"))
	if got, want := h.calls[0].Until.Sub(h.now), 12*time.Second-3*time.Second-1200*time.Millisecond; got != want {
		t.Errorf("until: got %v after the commit, want %v", got, want)
	}
	h.pass(8 * time.Second) // a commit stays in flight
	h.read(orders(0), eventOf(1, "b"))
	h.wantInFlight("the lease has ended", 0)
	h.ack()
	h.wantInFlight("the lease began when the commit was sent, 6 s ago", 0, 1)
}

func TestAnUnknownPartitionIsStoppedUntilItIsTrusted(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0), orders(1))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "a"))
	h.accept(orders(0), 0)
	h.pass(20 * time.Millisecond)
	h.answerCommit(turn.CommitAnswer{Unknown: []event.Partition{orders(0)}})
	if got := h.last.Suspects; !slices.Equal(got, []event.Partition{orders(0)}) {
		t.Fatalf("suspects: got %v, want %v", got, orders(0))
	}
	h.pass(3 * time.Second)
	if slices.ContainsFunc(h.commit.Offsets, func(o turn.Offset) bool { return o.Partition == orders(0) }) {
		t.Fatal("got a commit for the partition that the broker does not know, want none")
	}
	h.ack()
	h.wantInFlight("no calls meanwhile")
	h.d.Trusted(h.now, orders(0), 2)
	h.ask()
	h.pass(20 * time.Millisecond)
	h.ack()
	h.wantInFlight("trusted and committed", 1)
}

func TestARestartedPartitionBeginsAnewAndCommitsFirst(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(10, "a"), eventOf(11, "b"), eventOf(12, "b"))
	h.d.Stopped(orders(0))
	h.ask()
	h.d.Restarted(h.now, orders(0), 3, 3)
	h.ask()
	if got := h.fetches[orders(0)].Offset; got != 3 {
		t.Fatalf("fetch: got %d, want 3", got)
	}
	h.read(orders(0), eventOf(3, "a"), eventOf(4, "c"))
	h.wantInFlight("only the old calls", 10, 11)
	h.pass(250 * time.Millisecond)
	if got := h.commit.Offsets[0].Next; got != 3 {
		t.Fatalf("commit: got %d, want 3", got)
	}
	h.ack()
	h.wantInFlight("the old call about order a is still in flight", 10, 11, 4)
	h.accept(orders(0), 10)
	h.wantInFlight("its old call has ended", 11, 4, 3)
}

func TestSuspectsAreReturnedWhenNoCommitIsInFlight(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.pass(2 * time.Second)
	h.d.Stopped(orders(0))
	if h.ask(); len(h.last.Suspects) > 0 {
		t.Fatal("got suspects while a commit is in flight: the commit may be for the old log")
	}
	h.ack()
	if len(h.last.Suspects) != 1 {
		t.Fatalf("got %v, want the partition", h.last.Suspects)
	}
}

func TestAPartitionThatIsNotFetchedIsNamedSixTimesPerSession(t *testing.T) {
	t.Parallel()
	c := settings()
	c.WindowEvents = 1
	h := started(t, c, orders(0), orders(1))
	h.read(orders(1), eventOf(0, "a"), eventOf(1, "a"))
	h.settle()
	h.pass(2 * time.Second)
	if h.commit == nil || !slices.ContainsFunc(h.commit.Offsets,
		func(o turn.Offset) bool { return o.Partition == orders(1) }) {
		t.Fatalf("got %+v: nothing asks the broker about %v", h.commit, orders(1))
	}
}

func TestWakeNamesWhatFallsDueNext(t *testing.T) {
	t.Parallel()
	keepAlive := 2 * time.Second
	for name, c := range map[string]struct {
		do   func(*harness)
		want func(h *harness) time.Time
	}{
		"keep-alive commit": {func(*harness) {}, func(h *harness) time.Time { return h.now.Add(keepAlive) }},
		"commit of a finished event": {
			func(h *harness) { h.read(orders(0), eventOf(0, "a")); h.settle(); h.accept(orders(0), 0) },
			func(h *harness) time.Time { return h.now.Add(250 * time.Millisecond) },
		},
		"retry": {
			func(h *harness) {
				h.read(orders(0), eventOf(0, "a"))
				h.settle()
				h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
			},
			func(h *harness) time.Time { return h.now.Add(time.Second) }, // at the latest
		},
		"commit in flight": {
			func(h *harness) { h.pass(keepAlive) },
			func(*harness) time.Time { return time.Time{} },
		},
		"retry after": {
			func(h *harness) {
				h.read(orders(0), eventOf(0, "a"))
				h.settle()
				h.answer(orders(0), 0, retry.Verdict{Cause: "HTTP 503", RetryAfter: 500 * time.Millisecond})
			},
			func(h *harness) time.Time { return h.now.Add(600 * time.Millisecond) }, // at the latest
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := started(t, settings(), orders(0))
			c.do(h)
			got, want := h.last.Wake, c.want(h)
			if exact := name[0] != 'r'; exact && !got.Equal(want) || got.After(want) || got.IsZero() != want.IsZero() {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
