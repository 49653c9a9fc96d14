package audit_test

import (
	"testing"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// said returns an event of order "a" with the given status.
func said(offset int64, status string) audit.Event {
	e := event(offset, audit.Called)
	e.Status = status
	return e
}

// says returns a call for the event of order "a" at the given offset, with the given status.
func says(offset int64, status string, outcome sandbox.Answer, from, to int) sandbox.Call {
	c := call(offset, outcome, from, to)
	c.Status = status
	return c
}

// stored returns e as if its producer had received the acknowledgement at the given time.
func stored(e audit.Event, ms int) audit.Event {
	e.Stored = at(ms)
	return e
}

func TestARepeatNeedsNoCall(t *testing.T) {
	t.Parallel()
	const a, b = "submitted", "paid"
	accepted, failed := sandbox.Accepted, sandbox.Failed
	refused := event(1, audit.Refused)
	at2 := audit.Sample{Place: audit.Place{Topic: "orders"}, Taken: at(2), Next: 2}
	early, at4002 := at2, at2
	at4002.Taken = at(4002)
	early.Taken = at(0)
	for _, test := range []struct {
		name     string
		evidence audit.Evidence
		want     string
	}{
		{"the status that LeadHit has", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a), said(2, a), said(3, b), said(4, b)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(3, b, accepted, 2, 3)},
		}, "skipped 3"},
		{"another status", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, b)}, Calls: []sandbox.Call{says(0, a, accepted, 0, 1)},
		}, "lost 1"},
		{"another status, with a call after it", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, b), said(2, a)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(2, a, accepted, 2, 3)},
		}, "lost 1 out of order 1"},
		{"before LeadHit had accepted the first", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)}, Calls: []sandbox.Call{says(0, a, failed, 0, 1)},
		}, "lost 2"},
		{"before it was sent", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a), said(2, b)},
			Calls:  []sandbox.Call{says(0, a, failed, 0, 1), says(2, b, accepted, 2, 3), says(0, a, accepted, 4, 5)},
		}, "out of order 2 skipped 1"},
		{"the status of the call before the last", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, b), said(2, a)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(1, b, accepted, 2, 3)},
		}, "lost 1"},
		{"after a refusal", audit.Evidence{
			Events:  []audit.Event{said(0, a), refused, said(2, a)},
			Calls:   []sandbox.Call{says(0, a, accepted, 0, 1), call(1, sandbox.Refused, 2, 3)},
			Letters: []audit.Letter{letter(1)},
		}, "lost 1"},
		{"after a refusal, with a call after it", audit.Evidence{
			Events: []audit.Event{said(0, a), refused, said(2, a), said(3, b)},
			Calls: []sandbox.Call{
				says(0, a, accepted, 0, 1), call(1, sandbox.Refused, 2, 3), says(3, b, accepted, 4, 5),
			},
			Letters: []audit.Letter{letter(1)},
		}, "lost 1 out of order 1"},
		{"a status that LeadHit had only before the event", audit.Evidence{
			Events: []audit.Event{said(0, a), stored(said(2, a), 5000), said(3, b)},
			Calls: []sandbox.Call{
				says(0, a, accepted, 0, 1), says(0, b, accepted, 3000, 3001), says(3, b, accepted, 6000, 6001),
			},
		}, "lost 1 out of order 1 strange 1 repeated calls 1"},
		{"a call that failed", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(1, a, failed, 2, 3)},
		}, "lost 1"},
		{"sent again after a newer one", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a), said(2, b)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(2, b, accepted, 2, 3), says(1, a, accepted, 4, 5)},
		}, "out of order 1 skipped 1"},
		{"sent anyway", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(1, a, accepted, 2, 3)},
		}, ""},
		{"beside a call that was given up", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 200), says(0, a, sandbox.Abandoned, 1, 1)},
		}, "repeated calls 1 skipped 1"},
		{"beside a call of a worker that was frozen", audit.Evidence{
			Events: []audit.Event{said(0, a), stored(said(1, a), 8000)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), by("w1", says(0, a, failed, 4000, 4001))},
			Losses: []audit.Loss{{Process: "w1", Cause: audit.Freeze, From: at(-9000), To: at(4000)}},
		}, "repeated calls 1 skipped 1"},
		{"of a worker that has its lane again after it was frozen", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a), said(2, b), said(3, b)},
			Calls:  []sandbox.Call{by("w1", says(0, a, accepted, 4100, 4101)), by("w1", says(2, b, accepted, 4200, 4201))},
			Losses: []audit.Loss{{Process: "w1", Cause: audit.Freeze, From: at(-9000), To: at(4000)}},
		}, "skipped 2"},
		{"sent again by the next owner", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a), stored(said(2, a), 8000)},
			Calls:  []sandbox.Call{says(0, a, accepted, 0, 1), says(0, a, accepted, 4000, 4001)},
		}, "repeated calls 1 skipped 2"},
		{"committed when its order's call had ended", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)}, Calls: []sandbox.Call{says(0, a, accepted, 0, 1)},
			Samples: []audit.Sample{at2},
		}, "skipped 1"},
		{"committed while a lost call of the previous owner was open", audit.Evidence{
			Events:  []audit.Event{said(0, a), said(1, a)},
			Calls:   []sandbox.Call{says(0, a, sandbox.Lost, 0, 9000), says(0, a, accepted, 4000, 4001)},
			Samples: []audit.Sample{at4002},
		}, "repeated calls 1 skipped 1"},
		{"committed before the next owner repeated the call", audit.Evidence{
			Events:  []audit.Event{said(0, a), said(1, a)},
			Calls:   []sandbox.Call{says(0, a, accepted, 0, 1), says(0, a, accepted, 4000, 4001)},
			Samples: []audit.Sample{at2},
		}, "repeated calls 1 skipped 1"},
		{"after a call whose response was lost", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)}, Calls: []sandbox.Call{says(0, a, sandbox.Lost, 0, 1)},
		}, "lost 1"},
		{"committed before", audit.Evidence{
			Events: []audit.Event{said(0, a), said(1, a)}, Calls: []sandbox.Call{says(0, a, accepted, 0, 1)},
			Samples: []audit.Sample{early},
		}, "committed ahead 2 skipped 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := audit.Compare(test.evidence)
			if got := findings(report); got != test.want {
				t.Errorf("got %q, want %q (%v)", got, test.want, report.Err())
			}
		})
	}
}

// An audit that took quadratic time would not finish before the tests' timeout.
func TestALongRunOfRepeatsIsJudgedInTime(t *testing.T) {
	t.Parallel()
	const many = 200_000
	var evidence audit.Evidence
	for offset := range int64(many) {
		evidence.Events = append(evidence.Events, said(offset, "paid"))
	}
	evidence.Calls = []sandbox.Call{says(0, "paid", sandbox.Accepted, 0, 1)}
	if got := audit.Compare(evidence).Skipped; got != many-1 {
		t.Errorf("got %d skipped events, want %d", got, many-1)
	}
}
