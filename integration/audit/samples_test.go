package audit_test

import (
	"testing"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// sample returns a commit in orders/0 that was sampled at the given time.
func sample(next int64, ms int, metadata string) audit.Sample {
	return audit.Sample{Place: audit.Place{Topic: "orders"}, Taken: at(ms), Next: next, Metadata: metadata}
}

// storedAt returns an unaltered letter that was stored at the given time.
func storedAt(offset int64, ms int) audit.Letter {
	l := letter(offset)
	l.Stored = at(ms)
	return l
}

func TestACommitMustNotRunAheadOfSettledEvents(t *testing.T) {
	t.Parallel()
	events := []audit.Event{event(0, audit.Called), event(1, audit.Called), event(2, audit.Refused), event(3, audit.Untouched), event(5, audit.Called)}
	calls := []sandbox.Call{
		call(0, sandbox.Accepted, 0, 10), call(1, sandbox.Accepted, 11, 20), call(2, sandbox.Refused, 21, 30), call(5, sandbox.Accepted, 41, 50),
	}
	unheard := call(0, sandbox.Accepted, 0, 10)
	unheard.Answer = sandbox.Lost
	letters := []audit.Letter{storedAt(2, 40)}
	for _, test := range []struct {
		name    string
		calls   []sandbox.Call
		samples []audit.Sample
		want    string
		says    string
	}{
		{"a commit after the response", calls, []audit.Sample{sample(1, 10, ""), sample(2, 21, ""), sample(3, 40, ""), sample(6, 51, "")}, "", ""},
		{"a commit before the response", calls, []audit.Sample{sample(1, 9, "")}, "committed ahead 1", "orders/0/0: passed by the commit of offset 1 at "},
		{"a commit before the call", calls[1:], []audit.Sample{sample(1, 9, "")}, "lost 1 out of order 1 committed ahead 1", "never settled"},
		{"a commit whose caller never got the response", append([]sandbox.Call{unheard}, calls[1:]...), []audit.Sample{sample(1, 30, "")}, "committed ahead 1", "never settled"},
		{"a commit before the letter", calls, []audit.Sample{sample(3, 39, "")}, "committed ahead 1", "orders/0/2: passed by the commit of offset 3"},
		{"a commit before the letter of the last but one", calls, []audit.Sample{sample(4, 39, "")}, "committed ahead 1", "orders/0/2: passed by the commit of offset 4"},
		{"what needs no call may be passed", calls, []audit.Sample{sample(4, 40, ""), sample(5, 40, "")}, "", ""},
		{"each event is reported once", calls, []audit.Sample{sample(2, 9, ""), sample(2, 10, ""), sample(6, 11, "")}, "committed ahead 4", ""},
		{"metadata after the response", calls, []audit.Sample{sample(0, 20, "1,0000000000000,---------,2")}, "", ""},
		{"metadata before the response", calls, []audit.Sample{sample(0, 19, "1,0000000000000,---------,2")}, "committed ahead 1", "orders/0/1: passed by the commit of offset 0 \"1,"},
		{"metadata with gaps at the unfinished events", calls, []audit.Sample{sample(0, 5, "1,0000000000000,---------,6,1,1,3")}, "", ""},
		{"metadata with a gap at something else", calls, []audit.Sample{sample(0, 20, "1,0000000000000,---------,3,1")}, "committed ahead 1", "orders/0/2"},
		{"metadata of another offset is ignored", calls, []audit.Sample{sample(0, 5, "1,0000000000001,---------,3")}, "", ""},
		{"garbage is ignored", calls, []audit.Sample{sample(0, 5, "1,x,y"), sample(0, 5, "1,0,0,!"), sample(0, 5, "by hand")}, "", ""},
		{"a commit may go back, and is counted", calls, []audit.Sample{sample(2, 21, ""), sample(1, 22, ""), sample(2, 23, "")}, "commits back 1", ""},
		{"another topic's commits are ignored", calls, []audit.Sample{{Place: audit.Place{Topic: "returns"}, Next: 7}}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := audit.Compare(audit.Evidence{Events: events, Calls: test.calls, Letters: letters, Samples: test.samples})
			if got := findings(report); got != test.want {
				t.Errorf("got %q, want %q (%v)", got, test.want, report.Err())
			}
			demandText(t, report, test.says)
		})
	}
}
