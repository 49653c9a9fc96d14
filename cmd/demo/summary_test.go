package main

import (
	"crypto/sha256"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/leadhit/sandbox"
)

func Example_summarise() {
	e := goodEvidence()
	_ = summarise(os.Stdout, e, judge(e), 80, colourless)
	// Output:
	//   shop      4 events of 2 orders in 12.0 s (seed 7)
	//   LeadHit   5 calls: 3 accepted, 1 refused, 1 lost after execution
	//   worker    1 retries; 1 repeated a call that LeadHit had executed, because its
	//             response was lost or wrong
	//   Kafka     committed = log end in 2 of 2 partitions
	//
	//   ✓ lost 0 · out of order 0 · letters 1 = refused 1
}

// goodEvidence is of two orders: A is submitted and paid, and the first answer of that was lost; B is cancelled, then
// paid.
func goodEvidence() evidence {
	begun := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	hash := func(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
	var seq int
	call := func(id, order, status string, answer sandbox.Answer) sandbox.Call {
		seq++
		at := begun.Add(time.Duration(seq) * time.Second)
		return sandbox.Call{
			Seq: seq, Arrived: at, Ended: at.Add(time.Millisecond), ID: id, OrderID: order, Status: status,
			Answer: answer, Executed: answer.Executed(),
		}
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
		"an event that was never called": {
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
		"as many letters as refused, but another's": {
			func(e *evidence) { e.letters[0].Offset = 1 },
			"lost 1 · out of order 0 · letters 1 = refused 1",
			"unexpected: letter orders/1/1 (ValidationError): its event asks for none",
		},
		"a letter of an unknown event": {
			func(e *evidence) {
				e.letters = append(e.letters, deadletter.Letter{Record: event.Record{Place: event.Place{Topic: "t"}}, Item: -1})
			},
			"lost 0 · out of order 0 · letters 2 ≠ refused 1", "unexpected: letter t/0/0 ",
		},
		"a letter that is altered": {
			func(e *evidence) { e.letters[0].Value = []byte("b0 ") },
			"lost 0 · out of order 0 · letters 1 = refused 1", "altered: letter orders/1/0: its value is ",
		},
		"a record that is no letter": {
			func(e *evidence) { e.broken = 1 },
			"lost 0 · out of order 0 · letters 1 = refused 1", "unknown: 1 records of the letters' topic are not letters",
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
			"lost 0 · out of order 0 · letters 1 = refused 1", "unknown: partition 0: the log ends at 3, written 2",
		},
		"nothing at all": {
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
		{verdict{}, nil, exitError}, // no verdict is no success
		{good, errors.New("disk full"), exitError},
		{verdict{}, errNotBegun, exitInterrupted},
	} {
		if got := exitCode(c.v, c.err); got != c.want {
			t.Errorf("error %v: got %d, want %d", c.err, got, c.want)
		}
	}
}
