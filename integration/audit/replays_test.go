package audit_test

import (
	"fmt"
	"slices"
	"testing"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// ledgerOf returns a ledger with the letter for offset 0, and with entries for that letter. An entry such as "replay 1
// 500" gives the event, the number, and the time at which the entry was stored (3000 by default).
func ledgerOf(t *testing.T, entries ...string) *audit.Ledger {
	t.Helper()
	l := new(audit.Ledger)
	l.Letter("orders/0/0", 0)
	for _, text := range entries {
		var event string
		var n int
		stored := 3000
		if read, err := fmt.Sscan(text, &event, &n, &stored); read < 2 {
			t.Fatal(err)
		}
		if event == "letter" {
			l.Letter("orders/0/0", n)
			continue
		}
		if err := l.Entry(fmt.Appendf(nil, `{"v":1,"ev":%q,"id":"orders/0/0","n":%d}`, event, n), at(stored)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestReplaysAreJudged(t *testing.T) {
	t.Parallel()
	refused, accepted := call(0, sandbox.Refused, 0, 1), call(0, sandbox.Accepted, 2000, 2001)
	again := call(0, sandbox.Refused, 1000, 1001)
	soon, late := call(1, sandbox.Accepted, 2500, 2501), call(1, sandbox.Accepted, 3500, 3501)
	newer := call(1, sandbox.Accepted, 1500, 1501)
	unheard, takenBack := call(1, sandbox.Lost, 500, 501), call(1, sandbox.Refused, 1100, 1101)
	for _, test := range []struct {
		name  string
		calls []sandbox.Call
		says  []string // the entries in the ledger
		want  string   // the parts of Report.String that are not zero
	}{
		{"accepted", []sandbox.Call{refused, accepted}, []string{"replay 1", "resolved 1"}, "repeated calls 1"},
		{"refused again, then accepted", []sandbox.Call{refused, again, accepted}, []string{"replay 1", "letter 1", "replay 2", "resolved 2"}, "repeated calls 2"},
		{"nobody asked", []sandbox.Call{refused, accepted}, nil, "repeated too often 1 repeated calls 1"},
		{"sent more often than asked", []sandbox.Call{refused, again, accepted}, []string{"replay 1", "resolved 1"}, "repeated too often 1 repeated calls 2"},
		{"without an outcome", []sandbox.Call{refused, accepted}, []string{"replay 1"}, "replays without an outcome 1 repeated calls 1"},
		{"the outcome of another replay", []sandbox.Call{refused, again}, []string{"replay 1", "letter 1", "replay 2", "resolved 1"}, "replays without an outcome 1 repeated calls 1"},
		{"resolved without a call", []sandbox.Call{refused}, []string{"replay 1", "resolved 1"}, "replays without an outcome 1"},
		{"superseded", []sandbox.Call{refused, newer}, []string{"overtaken 0", "replay 1", "superseded 1"}, ""},
		{"replayed after a newer event", []sandbox.Call{refused, newer, accepted}, []string{"replay 1", "resolved 1"}, "out of order 1 repeated calls 1"},
		{"replayed after LeadHit took a newer acceptance back", []sandbox.Call{refused, unheard, takenBack, accepted}, []string{"replay 1", "resolved 1"}, "repeated calls 2"},
		{"replayed after LeadHit took back another one", []sandbox.Call{refused, unheard, again, accepted}, []string{"replay 1", "letter 1", "replay 2", "resolved 2"}, "out of order 2 repeated calls 2"},
		{"the outcome was awaited", []sandbox.Call{refused, accepted, late}, []string{"replay 1 500", "resolved 1"}, "repeated calls 1"},
		{"the outcome was not awaited", []sandbox.Call{refused, accepted, soon}, []string{"replay 1 500", "resolved 1"}, "replays without an outcome 1 repeated calls 1"},
		{"accepted before anybody asked", []sandbox.Call{refused, accepted, soon}, []string{"replay 1 2100", "resolved 1"}, "repeated calls 1"},
		{"dismissed", []sandbox.Call{refused}, []string{"replay 1", "dismissed 1"}, ""},
		{"a dismissed letter is not replayed", []sandbox.Call{refused, accepted}, []string{"dismissed 0", "replay 1", "resolved 1"}, "repeated too often 1 repeated calls 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			events := []audit.Event{event(0, audit.Judged)}
			if slices.ContainsFunc(test.calls, func(c sandbox.Call) bool { return c.ID == newer.ID }) {
				events = append(events, event(1, audit.Called))
			}
			report := audit.Compare(audit.Evidence{
				Events: events, Calls: test.calls, Letters: []audit.Letter{letter(0)}, Ledger: ledgerOf(t, test.says...), InFlight: 1,
			})
			if got := findings(report); got != test.want {
				t.Errorf("got %q: %v, want %q", got, report.Err(), test.want)
			}
		})
	}
}

func TestWishReturnsTheEntryThatAnOperatorMayWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		says []string
		want string
		n    int
	}{
		{nil, "replay", 1},
		{[]string{"replay 1"}, "", 0},
		{[]string{"replay 1", "letter 1"}, "replay", 2},
		{[]string{"replay 1", "failed 1"}, "replay", 2},
		{[]string{"replay 1", "resolved 1"}, "", 0},
		{[]string{"dismissed 0"}, "reopened", 0},
		{[]string{"dismissed 0", "reopened 0"}, "replay", 1},
	} {
		l := ledgerOf(t, test.says...)
		if event, n := l.Wish("orders/0/0"); event != test.want || n != test.n {
			t.Errorf("%v: got %q %d, want %q %d", test.says, event, n, test.want, test.n)
		}
	}
}
