package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// at returns the time that is ms milliseconds after the start of the run.
func at(ms int) time.Time {
	return time.Unix(1_795_000_000, 0).Add(time.Duration(ms) * time.Millisecond)
}

// event returns a record of order "a" in orders/0 with the status "s<offset>".
func event(offset int64, want audit.Want) audit.Event {
	return audit.Event{
		Topic: "orders", Offset: offset, Key: []byte("a"), Value: []byte("{}"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{0xff}}},
		Want: want, Order: "a", Status: fmt.Sprint("s", offset), Cause: "ValidationError",
	}
}

// call returns a call for the event at the given offset. The call arrives at from and ends at to, in milliseconds after
// the start of the run.
func call(offset int64, outcome sandbox.Answer, from, to int) sandbox.Call {
	e := event(offset, audit.Called)
	return sandbox.Call{ID: e.CallID(), OrderID: e.Order, Status: e.Status, Answer: outcome, Executed: outcome.Executed(), Arrived: at(from), Ended: at(to)}
}

// letter returns an unaltered letter of the event at the given offset.
func letter(offset int64) audit.Letter {
	e := event(offset, audit.Refused)
	return audit.Letter{
		ID: e.LetterID(), Cause: e.Cause, Key: e.Key, Value: e.Value,
		Headers: append([]kgo.RecordHeader{e.Headers[0]}, kgo.RecordHeader{Key: "dlq.id", Value: []byte(e.LetterID())}),
	}
}

func altered(change func(*audit.Letter)) audit.Letter {
	l := letter(0)
	change(&l)
	return l
}

func TestTheEvidenceIsCompared(t *testing.T) {
	t.Parallel()
	place := audit.Place{Topic: "orders"}
	ends := func(n int64) map[audit.Place]int64 { return map[audit.Place]int64{place: n} }
	called := []audit.Event{event(0, audit.Called), event(1, audit.Called)}
	refused := []audit.Event{event(0, audit.Refused)}
	deny := []sandbox.Call{call(0, sandbox.Refused, 0, 1)}
	for _, test := range []struct {
		name     string
		evidence audit.Evidence
		want     string // the parts of Report.String that are not zero
		says     string
	}{
		{"all is well", audit.Evidence{
			Events: []audit.Event{event(0, audit.Called), event(1, audit.Refused), event(2, audit.Unmappable), event(3, audit.Untouched)},
			Calls: []sandbox.Call{
				call(0, sandbox.Failed, 0, 1), call(0, sandbox.Accepted, 2, 3), call(1, sandbox.Refused, 4, 5),
			},
			Letters: []audit.Letter{letter(1), letter(2)}, Committed: ends(4), End: ends(4),
		}, "", ""},
		{"events may come in any order", audit.Evidence{
			Events: []audit.Event{event(1, audit.Called), event(0, audit.Called)},
			Calls:  []sandbox.Call{call(0, sandbox.Accepted, 0, 1), call(1, sandbox.Accepted, 2, 3)},
		}, "", ""},
		{"an event was never sent", audit.Evidence{
			Events: called, Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 1)},
		}, "lost 1", "orders/0/1 of order \"a\": it was not accepted (calls: 0)"},
		{"a failed call is not enough", audit.Evidence{
			Events: called[:1], Calls: []sandbox.Call{call(0, sandbox.Failed, 0, 1)},
		}, "lost 1", "it was not accepted (calls: 1)"},
		{"a refused event has no letter", audit.Evidence{Events: refused, Calls: deny}, "lost 1", "it has no letter"},
		{"a refused event has a letter, but no call", audit.Evidence{
			Events: refused, Letters: []audit.Letter{letter(0)},
		}, "lost 1", "LeadHit did not refuse it"},
		{"an unmappable event has no letter", audit.Evidence{Events: []audit.Event{event(0, audit.Unmappable)}}, "lost 1", "no letter"},
		{"a hopeless order may stay unfinished, and blocks its partition", audit.Evidence{
			Events: called, Calls: []sandbox.Call{call(0, sandbox.Failed, 0, 1)}, Hopeless: map[string]bool{"a": true}, End: ends(2),
		}, "", ""},
		{"two events of an order at once", audit.Evidence{
			Events: called, Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 5), call(1, sandbox.Accepted, 4, 6)},
		}, "out of order 1", "orders-0-0 was still in flight"},
		{"a call that was given up before LeadHit saw it", audit.Evidence{
			Events: called[:1], Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 200), call(0, sandbox.Abandoned, 1, 1)},
		}, "repeated calls 1", ""},
		{"a call that was given up during another one", audit.Evidence{
			Events: called[:1], Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 200), call(0, sandbox.Abandoned, 1, 100)},
		}, "out of order 1 repeated calls 1", "orders-0-0 was still in flight"},
		{"a response that came after the caller's timeout", audit.Evidence{
			Events: called, Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 600), call(1, sandbox.Accepted, 590, 610)}, Patience: time.Second,
		}, "", ""},
		{"the next event before the last was settled", audit.Evidence{
			Events: called,
			Calls:  []sandbox.Call{call(0, sandbox.Failed, 0, 1), call(1, sandbox.Accepted, 2, 3), call(0, sandbox.Accepted, 4, 5)},
		}, "out of order 2", "the event before it, offset 0, was not settled"},
		{"an older status after a newer one", audit.Evidence{
			Events: called,
			Calls:  []sandbox.Call{call(0, sandbox.Accepted, 0, 1), call(1, sandbox.Accepted, 2, 3), call(0, sandbox.Accepted, 4, 5)},
		}, "out of order 1 repeated calls 1", "offset 1 had been accepted before"},
		{"an older status twice", audit.Evidence{
			Events: called,
			Calls: []sandbox.Call{
				call(0, sandbox.Accepted, 0, 1), call(1, sandbox.Accepted, 2, 3), call(0, sandbox.Accepted, 4, 5), call(0, sandbox.Accepted, 6, 7),
			},
		}, "out of order 2 repeated calls 2", ""},
		{"an order's last call may repeat", audit.Evidence{
			Events: called,
			Calls:  []sandbox.Call{call(0, sandbox.Accepted, 0, 1), call(1, sandbox.Accepted, 2, 3), call(1, sandbox.Accepted, 4, 5)},
		}, "repeated calls 1", ""},
		{"a call for no event of this run", audit.Evidence{Calls: []sandbox.Call{call(7, sandbox.Accepted, 0, 1)}}, "strange 1", "no event of this run"},
		{"a call for an aborted record", audit.Evidence{
			Events: []audit.Event{event(0, audit.Untouched)}, Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 1)},
		}, "strange 1", "its event needs no call"},
		{"a call with another status", audit.Evidence{
			Events: called[:1],
			Calls:  []sandbox.Call{{ID: "orders-0-0", OrderID: "a", Status: "paid", Answer: sandbox.Accepted, Executed: true}},
		}, "strange 1", `got order "a" and status "paid", want "a" and "s0"`},
		{"a letter for an accepted event", audit.Evidence{
			Events: called[:1], Calls: []sandbox.Call{call(0, sandbox.Accepted, 0, 1)}, Letters: []audit.Letter{letter(0)},
		}, "strange 1", "letter orders/0/0 (ValidationError): no event of this run needs it"},
		{"two letters of one event", audit.Evidence{
			Events: refused, Calls: deny, Letters: []audit.Letter{letter(0), letter(0)},
		}, "letters twice 1", ""},
		{"a letter of another cause", audit.Evidence{
			Events: refused, Calls: deny, Letters: []audit.Letter{altered(func(l *audit.Letter) { l.Cause = "HTTP 403" })},
		}, "altered 1", `its cause is "HTTP 403", want "ValidationError"`},
		{"a letter whose null key became empty", audit.Evidence{
			Events: []audit.Event{{Topic: "orders", Want: audit.Unmappable}}, Letters: []audit.Letter{{ID: "orders/0/0", Key: []byte{}}},
		}, "altered 1", "its key"},
		{"a letter with another value", audit.Evidence{
			Events: refused, Calls: deny, Letters: []audit.Letter{altered(func(l *audit.Letter) { l.Value = []byte("{ }") })},
		}, "altered 1", "its value"},
		{"a letter too large may omit its value", audit.Evidence{
			Events: refused, Calls: deny, Letters: []audit.Letter{altered(func(l *audit.Letter) { l.Value, l.Omitted = nil, true })},
		}, "", ""},
		{"a letter with another header", audit.Evidence{
			Events: refused, Calls: deny,
			Letters: []audit.Letter{altered(func(l *audit.Letter) { l.Headers = l.Headers[1:] })},
		}, "altered 1", "its header h"},
		{"a letter without headers", audit.Evidence{
			Events: refused, Calls: deny, Letters: []audit.Letter{altered(func(l *audit.Letter) { l.Headers = nil })},
		}, "altered 1", "its header h"},
		{"a commit behind the end", audit.Evidence{Committed: ends(3), End: ends(4)}, "uncommitted 1", "orders/0: committed 3, the log ends at 4"},
		{"a commit beyond the end", audit.Evidence{Committed: ends(5), End: ends(4)}, "uncommitted 1", "committed 5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := audit.Compare(test.evidence)
			if got := findings(report); got != test.want {
				t.Errorf("got %q, want %q (%v)", got, test.want, report.Err())
			}
			demandText(t, report, test.says)
		})
	}
}

// demandText fails the test unless the report contains the given text. If the text is empty, any report passes.
func demandText(t *testing.T, report audit.Report, says string) {
	t.Helper()
	if err := report.Err(); says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
		t.Errorf("got %v, want it to say %q", err, says)
	}
}

// findings returns the parts of the report that are not zero.
func findings(report audit.Report) string {
	var found []string
	for part := range strings.SplitSeq(report.String(), " · ") {
		if !strings.HasSuffix(part, " 0") {
			found = append(found, part)
		}
	}
	return strings.Join(found, " ")
}

func TestRepeatsAreCountedForEachKill(t *testing.T) {
	t.Parallel()
	calls := []sandbox.Call{
		call(0, sandbox.Accepted, 0, 1), call(1, sandbox.Failed, 2, 3), call(1, sandbox.Accepted, 4, 5),
		call(0, sandbox.Accepted, 10, 11), call(1, sandbox.Accepted, 20, 21), call(1, sandbox.Accepted, 22, 23),
	}
	for _, test := range []struct {
		name     string
		from, to time.Time
		without  map[string]bool
		want     int
	}{
		{"of the whole run", time.Time{}, time.Time{}, nil, 3},
		{"of the first kill", at(5), at(20), nil, 1},
		{"of the second kill", at(20), time.Time{}, nil, 2},
		{"a retry is not a repeat", time.Time{}, at(10), nil, 0},
		{"except those of a stuck order", time.Time{}, time.Time{}, map[string]bool{"a": true}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := audit.Repeats(calls, test.from, test.to, test.without); got != test.want {
				t.Errorf("got %d repeated calls, want %d", got, test.want)
			}
		})
	}
}

func TestALongReportShowsTheFirstLines(t *testing.T) {
	t.Parallel()
	var evidence audit.Evidence
	for offset := range int64(1000) {
		evidence.Events = append(evidence.Events, event(offset, audit.Called))
	}
	text := audit.Compare(evidence).Err().Error()
	if !strings.Contains(text, "1000 lost:") || strings.Count(text, "\n") != 9 {
		t.Errorf("got %s, want the count and eight lines", text)
	}
}

func ExampleCompare() {
	evidence := audit.Evidence{
		Events: []audit.Event{
			{Topic: "orders", Partition: 3, Offset: 7, Order: "1001", Status: "submitted"},
			{Topic: "orders", Partition: 3, Offset: 8, Order: "1001", Status: "paid"},
		},
		Calls: []sandbox.Call{
			{ID: "orders-3-7", OrderID: "1001", Status: "submitted", Answer: sandbox.Accepted, Executed: true, Arrived: at(0), Ended: at(20)},
			{ID: "orders-3-8", OrderID: "1001", Status: "paid", Answer: sandbox.Failed, Arrived: at(30), Ended: at(50)},
		},
		Committed: map[audit.Place]int64{{Topic: "orders", Partition: 3}: 8},
		End:       map[audit.Place]int64{{Topic: "orders", Partition: 3}: 9},
	}
	fmt.Println(audit.Compare(evidence).Err())
	// Output:
	// the promise was broken:
	// 1 lost:
	//   event orders/3/8 of order "1001": it was not accepted (calls: 1)
	// 1 uncommitted:
	//   orders/3: committed 8, the log ends at 9
}
