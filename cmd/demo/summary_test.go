package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

func Example_summarise() {
	e := replayedEvidence()
	_ = summarise(os.Stdout, e, judge(e), 80, colourless)
	// Output:
	//   shop      7 events of 5 orders in 12.0 s (seed 7)
	//   LeadHit   10 calls: 5 refused, 4 accepted, 1 lost after execution
	//   worker    1 retry; 1 repeated a call that LeadHit had executed, because its
	//             response was lost or wrong
	//   letters   5 calls of 4 events refused; replayed 3: 1 resolved · 1 superseded
	//             · 1 refused again
	//   Kafka     committed = log end in 3 of 3 partitions
	//
	//   ✓ lost 0 · out of order 0 · letters 4 = refused 4
}

// goodEvidence returns evidence about two orders. A is submitted, then paid, and the first response to paid was lost. B
// is cancelled, then paid.
func goodEvidence() evidence {
	var seq int
	call := func(id, order, status string, answer sandbox.Answer) sandbox.Call {
		seq++
		return callAt(seq, id, order, status, answer)
	}
	return evidence{
		seed: 7, length: 12 * time.Second, orders: 2, retries: 1,
		book: []entry{
			{0, 0, "A", "submitted", hash("a0")},
			{1, 0, "B", "cancelled", hash("b0")},
			{0, 1, "A", "paid", hash("a1")},
			{1, 1, "B", "paid", hash("b1")},
		},
		calls: []sandbox.Call{
			call("orders-0-0", "A", "submitted", sandbox.Accepted),
			call("orders-1-0", "B", "cancelled", sandbox.Refused),
			call("orders-0-1", "A", "paid", sandbox.Lost),
			call("orders-1-1", "B", "paid", sandbox.Accepted),
			call("orders-0-1", "A", "paid", sandbox.Accepted),
		},
		letters: []deadletter.Letter{{
			Record: event.Record{Place: event.Place{Topic: topic, Partition: 1}, Key: []byte("B"), Value: []byte("b0")},
			Item:   deadletter.NoItem, OrderID: "B", Status: "cancelled", Cause: "ValidationError",
		}},
		committed: map[int]int64{0: 2, 1: 2}, ends: map[int]int64{0: 2, 1: 2},
	}
}

func hash(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// callAt returns a call that arrives at the given second of the demo.
func callAt(second int, id, order, status string, answer sandbox.Answer) sandbox.Call {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC).Add(time.Duration(second) * time.Second)
	return sandbox.Call{
		Seq: second, Arrived: at, Ended: at.Add(time.Millisecond), ID: id, OrderID: order, Status: status,
		Answer: answer, Executed: answer.Executed(),
	}
}

// replayedEvidence adds three cancelled orders to goodEvidence. The replay of C is accepted, the replay of D is refused
// again, and the replay of E is superseded.
func replayedEvidence() evidence {
	e := goodEvidence()
	for i, order := range []string{"C", "D", "E"} {
		e.book = append(e.book, entry{2, int64(i), order, "cancelled", hash(order)})
		e.calls = append(e.calls, callAt(6+i, fmt.Sprintf("orders-2-%d", i), order, "cancelled", sandbox.Refused))
		e.letters = append(e.letters, deadletter.Letter{
			Record: event.Record{
				Place: event.Place{Topic: topic, Partition: 2, Offset: int64(i)}, Key: []byte(order), Value: []byte(order),
			},
			Item: deadletter.NoItem, OrderID: order, Status: "cancelled", Cause: "ValidationError",
		})
	}
	e.calls = append(e.calls, callAt(9, "orders-2-0", "C", "cancelled", sandbox.Accepted),
		callAt(10, "orders-2-1", "D", "cancelled", sandbox.Refused))
	again := e.letters[2]
	again.ReplayCount = 1
	e.letters = append(e.letters, again)
	e.committed[2], e.ends[2] = 3, 3
	e.ledger = ledgerOf(e.letters, "replay orders/2/0", "replay orders/2/1", "replay orders/2/2",
		"resolved orders/2/0", "superseded orders/2/2")
	e.run = replay.Summary{Resolved: 1, Refused: 1, Superseded: 1}
	return e
}

// ledgerOf returns a ledger with the given letters and entries. Each entry is about the first replay of a letter.
func ledgerOf(letters []deadletter.Letter, entries ...string) audit.Ledger {
	var l audit.Ledger
	for _, letter := range letters {
		l.Letter(letter.ID(), letter.ReplayCount)
	}
	for _, text := range entries {
		kind, id, _ := strings.Cut(text, " ")
		if err := l.Entry(fmt.Appendf(nil, `{"ev":%q,"id":%q,"n":1}`, kind, id), time.Time{}); err != nil {
			panic(err)
		}
	}
	return l
}

func TestAgreeingRecordsMakeExitCode0(t *testing.T) {
	t.Parallel()
	v := judge(goodEvidence())
	if got := exitCode(v, nil); got != 0 || len(v.findings()) > 0 {
		t.Errorf("got exit code %d and %q, want 0 and none", got, v.findings())
	}
	if got, want := v.headline(), "lost 0 · out of order 0 · letters 1 = refused 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheSummaryCountsEventsThatNeededNoCall(t *testing.T) {
	t.Parallel()
	e := goodEvidence()
	e.book = append(e.book, entry{0, 2, "A", "paid", hash("a2")}, entry{0, 3, "A", "paid", hash("a3")})
	e.committed[0], e.ends[0] = 4, 4
	var out strings.Builder
	if err := summarise(&out, e, judge(e), 200, colourless); err != nil {
		t.Fatal(err)
	}
	want := "5 calls: 3 accepted, 1 refused, 1 lost after execution; 2 events needed no call: LeadHit had the status already\n"
	if !strings.Contains(out.String(), want) || !judge(e).ok() {
		t.Errorf("got\n%s\nwant %q and nothing wrong", out.String(), want)
	}
	e.book[len(e.book)-1].status = "submitted"
	if v := judge(e); v.ok() || len(v.Lost) != 1 {
		t.Errorf("got %v for an event with another status that was not sent, want it lost", v.findings())
	}
}

func TestALetterStoredTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	e := goodEvidence()
	e.letters = append(e.letters, e.letters...)
	if v := judge(e); !v.ok() || v.letters != 1 {
		t.Errorf("got %d letters and %q, want 1 and no finding", v.letters, v.findings())
	}
}

func TestEveryDifferenceMakesExitCode1(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil    func(*evidence)
		headline string
		finding  string
	}{
		"an event that was never sent": {
			func(e *evidence) { e.calls = slices.Delete(e.calls, 3, 4) },
			"lost 1 · out of order 0 · letters 1 = refused 1", `lost: event orders/1/1 of order "B": it was not accepted`,
		},
		"an event that only got errors": {
			func(e *evidence) { e.calls[3].Answer, e.calls[3].Executed = sandbox.Failed, false },
			"lost 1 · out of order 0 · letters 1 = refused 1", `lost: event orders/1/1 of order "B": it was not accepted`,
		},
		"submitted after paid": {
			func(e *evidence) {
				again := e.calls[0]
				again.Arrived = again.Arrived.Add(time.Minute)
				again.Ended = again.Arrived.Add(time.Millisecond)
				e.calls = append(e.calls, again)
			},
			"lost 0 · out of order 1 · letters 1 = refused 1",
			`out of order: call orders-0-0 of order "A": offset 1 had been accepted before`,
		},
		"two events of an order at once": {
			func(e *evidence) {
				e.calls[2].Arrived = e.calls[0].Arrived.Add(200 * time.Millisecond)
				e.calls[0].Ended = e.calls[0].Arrived.Add(300 * time.Millisecond)
			},
			"lost 0 · out of order 1 · letters 1 = refused 1",
			`out of order: call orders-0-1 of order "A": orders-0-0 was still in flight`,
		},
		"a call that nobody asked for": {
			func(e *evidence) { e.calls[0].Status = "paid" },
			"lost 0 · out of order 0 · letters 1 = refused 1", "unexpected: call orders-0-0: ",
		},
		"a refused event without a letter": {
			func(e *evidence) { e.letters = nil },
			"lost 1 · out of order 0 · letters 0 ≠ refused 1", `lost: event orders/1/0 of order "B": it has no letter`,
		},
		"as many letters as refused events, but a wrong one": {
			func(e *evidence) { e.letters[0].Offset = 1 },
			"lost 1 · out of order 0 · letters 1 = refused 1",
			"unexpected: letter orders/1/1 (ValidationError): no event of this run needs it",
		},
		"a letter of an unknown event": {
			func(e *evidence) {
				e.letters = append(e.letters, deadletter.Letter{Record: event.Record{Place: event.Place{Topic: "t"}}, Item: -1})
			},
			"lost 0 · out of order 0 · letters 2 ≠ refused 1", "unexpected: letter t/0/0 (): no event of this run needs it",
		},
		"a letter that is altered": {
			func(e *evidence) { e.letters[0].Value = []byte("b0 ") },
			"lost 0 · out of order 0 · letters 1 = refused 1", "altered: letter orders/1/0: its value is ",
		},
		"a record that is not a letter": {
			func(e *evidence) { e.broken = 1 },
			"lost 0 · out of order 0 · letters 1 = refused 1", "unknown: 1 records are neither letters nor entries of the ledger",
		},
		"a commit below the log end": {
			func(e *evidence) { e.committed[1] = 1 },
			"lost 0 · out of order 0 · letters 1 = refused 1", "not committed: orders/1: committed 1, the log ends at 2",
		},
		"no commit at all": {
			func(e *evidence) { e.committed = nil },
			"lost 0 · out of order 0 · letters 1 = refused 1", "not committed: orders/0: committed 0, the log ends at 2",
		},
		"an event that the shop does not know": {
			func(e *evidence) { e.ends[0], e.committed[0] = 3, 3 },
			"lost 0 · out of order 0 · letters 1 = refused 1", "unknown: partition 0: the log ends at 3, but 2 were written",
		},
		"a replay without an outcome": {
			func(e *evidence) {
				*e = replayedEvidence()
				e.ledger = ledgerOf(e.letters, "replay orders/2/0")
			},
			"lost 0 · out of order 0 · letters 4 = refused 4", "not ended: letter orders/2/0: replay 1 has no outcome",
		},
		"a resolved letter that LeadHit did not accept": {
			func(e *evidence) {
				*e = replayedEvidence()
				e.calls = slices.Delete(e.calls, 8, 9)
			},
			"lost 0 · out of order 0 · letters 4 = refused 4", "not ended: letter orders/2/0: resolved, but never accepted",
		},
		"a replay after a newer status": {
			func(e *evidence) {
				e.calls = append(e.calls, callAt(60, "orders-1-0", "B", "cancelled", sandbox.Accepted))
				e.ledger = ledgerOf(e.letters, "replay orders/1/0", "resolved orders/1/0")
			},
			"lost 0 · out of order 1 · letters 1 = refused 1",
			`out of order: call orders-1-0 of order "B": offset 1 had been accepted before`,
		},
		"outcomes that the ledger does not have": {
			func(e *evidence) {
				*e = replayedEvidence()
				e.run.Superseded++
			},
			"lost 0 · out of order 0 · letters 4 = refused 4",
			"unknown: the replay reported 2 letters as superseded, the ledger has 1",
		},
		"no evidence": {
			func(e *evidence) { *e = evidence{} },
			"lost 0 · out of order 0 · letters 0 = refused 0", "no event was written, so this proves nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := goodEvidence()
			c.spoil(&e)
			v := judge(e)
			if got := exitCode(v, nil); got != exitError {
				t.Errorf("got exit code %d, want %d", got, exitError)
			}
			if got := v.headline(); got != c.headline {
				t.Errorf("got %q, want %q", got, c.headline)
			}
			if !slices.ContainsFunc(v.findings(), func(f string) bool { return strings.HasPrefix(f, c.finding) }) {
				t.Errorf("got %q, want one that begins with %q", v.findings(), c.finding)
			}
			var out strings.Builder
			if err := summarise(&out, e, v, 80, colourless); err != nil || !strings.Contains(out.String(), "✗ "+c.headline) ||
				!strings.Contains(out.String(), c.finding) {
				t.Errorf("got %v and\n%s\nwant the headline with ✗ and the finding", err, out.String())
			}
		})
	}
}

func TestManyFindingsAreCounted(t *testing.T) {
	t.Parallel()
	e := goodEvidence()
	for i := range int64(20) {
		e.book = append(e.book, entry{partition: 2, offset: i, order: "C", status: "paid"})
	}
	var out strings.Builder
	if err := summarise(&out, e, judge(e), 80, colourless); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(out.String(), "lost: "), shownFindings; got != want ||
		!strings.Contains(out.String(), "and 8 more") {
		t.Errorf("got %d findings, want %d and 8 more:\n%s", got, want, out.String())
	}
}

func TestExitCodesOfErrors(t *testing.T) {
	t.Parallel()
	good := judge(goodEvidence())
	for _, c := range []struct {
		v    verdict
		err  error
		want int
	}{
		{verdict{}, nil, exitError}, // an empty verdict is not a success
		{good, errors.New("disk full"), exitError},
		{verdict{}, errNotBegun, exitInterrupted},
	} {
		if got := exitCode(c.v, c.err); got != c.want {
			t.Errorf("error %v: got %d, want %d", c.err, got, c.want)
		}
	}
}
