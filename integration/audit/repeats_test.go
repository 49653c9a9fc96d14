package audit_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// by returns c as a call that the given process made.
func by(process string, c sandbox.Call) sandbox.Call {
	c.Path = "/" + process + "/"
	return c
}

func unanswered(c sandbox.Call) sandbox.Call {
	c.Answer = sandbox.Lost
	return c
}

func loss(process string, cause audit.Cause, from, to int) audit.Loss {
	return audit.Loss{Process: process, Cause: cause, From: at(from), To: at(to)}
}

func TestARepeatHasACause(t *testing.T) {
	t.Parallel()
	accepted := func(process string, from, to int) sandbox.Call {
		return by(process, call(0, sandbox.Accepted, from, to))
	}
	for _, test := range []struct {
		name   string
		calls  []sandbox.Call
		losses []audit.Loss
		cause  audit.Cause // of the one repeat; empty: there is none
	}{
		{"a retry is not a repeat", []sandbox.Call{by("a", call(0, sandbox.Failed, 0, 5)), accepted("a", 10, 15)}, nil, ""},
		{"nothing happened", []sandbox.Call{accepted("a", 0, 5), accepted("b", 10, 15)}, nil, "unexplained"},
		{"nothing happened to the process that knew", []sandbox.Call{accepted("a", 0, 5), accepted("b", 10, 15)}, []audit.Loss{loss("b", audit.Kill, 7, 7)}, "unexplained"},
		{"the process that knew was killed", []sandbox.Call{accepted("a", 0, 5), accepted("b", 10, 15)}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, audit.Kill},
		{"the process that knew was killed later", []sandbox.Call{accepted("a", 0, 5), accepted("b", 10, 15)}, []audit.Loss{loss("a", audit.Kill, 20, 20)}, "unexplained"},
		{"the process that knew had been killed long before", []sandbox.Call{accepted("a", 2000, 2005), accepted("b", 2010, 2015)}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, "unexplained"},
		{"a call that a killed process had put on the wire", []sandbox.Call{accepted("a", 20, 25), accepted("b", 9000, 9005)}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, audit.Kill},
		{"it was in flight at the kill", []sandbox.Call{unanswered(accepted("a", 0, 8)), accepted("b", 10, 15)}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, audit.Kill},
		{"its response had been lost before the kill", []sandbox.Call{unanswered(accepted("a", 0, 5)), accepted("b", 10, 15)}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, "no response"},
		{"its response was lost", []sandbox.Call{unanswered(accepted("a", 0, 5)), accepted("a", 10, 15)}, nil, "no response"},
		{"its response may have come too late", []sandbox.Call{accepted("a", 0, 1600), accepted("a", 2600, 2605)}, nil, "no response"},
		{"its response was in time", []sandbox.Call{accepted("a", 0, 1400), accepted("a", 1600, 1605)}, nil, "unexplained"},
		{"it may have given up before it read the response", []sandbox.Call{accepted("a", 0, 1400), accepted("a", 2100, 2105)}, nil, "gave up"},
		{"another process cannot have given it up", []sandbox.Call{accepted("a", 0, 1400), accepted("b", 2100, 2105)}, nil, "unexplained"},
		{"the process that knew was frozen", []sandbox.Call{accepted("a", 0, 5), accepted("b", 8000, 8005)}, []audit.Loss{loss("a", audit.Freeze, 7, 9000)}, audit.Freeze},
		{"the frozen process repeats it itself", []sandbox.Call{accepted("b", 8000, 8005), accepted("a", 9001, 9005)}, []audit.Loss{loss("a", audit.Freeze, 7, 9000)}, audit.Freeze},
		{"the frozen process repeats it much later", []sandbox.Call{accepted("b", 8000, 8005), accepted("a", 19001, 19005)}, []audit.Loss{loss("a", audit.Freeze, 7, 9000)}, "unexplained"},
		{"the process that knew had lost its membership", []sandbox.Call{accepted("a", 3000, 3005), accepted("b", 5000, 5005)}, []audit.Loss{loss("a", audit.Membership, 0, 8000)}, audit.Membership},
		{"the attempts of one repeat count once", []sandbox.Call{
			accepted("a", 0, 5), by("b", call(0, sandbox.Failed, 10, 15)), by("c", call(0, sandbox.Failed, 20, 25)), accepted("b", 30, 35),
		}, []audit.Loss{loss("a", audit.Kill, 7, 7)}, audit.Kill},
		{"a response lost meanwhile is not a loss of membership", []sandbox.Call{unanswered(accepted("a", 3000, 3005)), accepted("b", 5000, 5005)}, []audit.Loss{loss("a", audit.Membership, 0, 8000)}, "no response"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := audit.Compare(audit.Evidence{Events: []audit.Event{event(0, audit.Called)}, Calls: test.calls, Losses: test.losses, InFlight: 1, Patience: 2 * time.Second})
			want := map[audit.Cause]int{}
			if test.cause != "" {
				want[test.cause] = 1
			}
			if !maps.Equal(report.Causes, want) {
				t.Errorf("got %v, want %v", report.Causes, want)
			}
			if got := len(report.TooMany); (got == 1) != (test.cause == "unexplained") {
				t.Errorf("got %v, want a finding only where nothing explains the repeat", report.TooMany)
			}
		})
	}
}

func TestOnlyFewCallsWithAResponseMayBeGivenUp(t *testing.T) {
	t.Parallel()
	for repeats, want := range map[int]int{2: 0, 3: 1} {
		evidence := audit.Evidence{InFlight: 2, Patience: 2 * time.Second, Events: []audit.Event{event(0, audit.Called)}}
		for i := range repeats + 1 {
			evidence.Calls = append(evidence.Calls, by("a", call(0, sandbox.Accepted, 2000*i, 2000*i+1)))
		}
		if report := audit.Compare(evidence); len(report.TooMany) != want || report.Causes["gave up"] != repeats {
			t.Errorf("got %v, %v of %d repeats, want %d findings", report.TooMany, report.Causes, repeats, want)
		}
	}
}

func TestALossRepeatsALimitedNumberOfEvents(t *testing.T) {
	t.Parallel()
	for repeats, want := range map[int]string{6: "", 7: "repeated too often 1"} {
		var evidence audit.Evidence
		for i := range repeats {
			e := event(int64(i), audit.Called)
			e.Order = fmt.Sprint("order-", i)
			evidence.Events = append(evidence.Events, e)
			for _, process := range []string{"a", "b"} {
				c := by(process, call(int64(i), sandbox.Accepted, 0, 1))
				c.OrderID = e.Order
				if process == "b" {
					c.Arrived, c.Ended = at(100+i), at(101+i)
				}
				evidence.Calls = append(evidence.Calls, c)
			}
		}
		evidence.InFlight, evidence.Losses = 2, []audit.Loss{loss("a", audit.Kill, 50, 50)}
		report := audit.Compare(evidence)
		if got := strings.ReplaceAll(findings(report), fmt.Sprint("repeated calls ", repeats), ""); strings.TrimSpace(got) != want {
			t.Errorf("got %q of %d repeats, want %q (%v)", got, repeats, want, report.Err())
		}
	}
}

func TestCallsThatWereStartedBeforeAFreezeAreReportedSeparately(t *testing.T) {
	t.Parallel()
	events := []audit.Event{event(0, audit.Called), event(1, audit.Called)}
	freeze := []audit.Loss{loss("a", audit.Freeze, 5, 9000)}
	first, newer := by("b", call(0, sandbox.Accepted, 7000, 7001)), by("b", call(1, sandbox.Accepted, 7002, 7003))
	older := func(process string, ms int) sandbox.Call { return by(process, call(0, sandbox.Accepted, ms, ms+1)) }
	for _, test := range []struct {
		name   string
		calls  []sandbox.Call
		losses []audit.Loss
		want   string
	}{
		{"of the frozen process, after it resumes", []sandbox.Call{first, newer, older("a", 9010)}, freeze, "late calls 1 repeated calls 1"},
		{"more than it can have had in flight", []sandbox.Call{first, newer, older("a", 9010), older("a", 9020)}, freeze, "out of order 1 late calls 1 repeated calls 2"},
		{"of another process", []sandbox.Call{first, newer, older("c", 9010)}, freeze, "out of order 1 repeated too often 1 repeated calls 1"},
		{"long after it resumed", []sandbox.Call{first, newer, older("a", 10500)}, freeze, "out of order 1 repeated too often 1 repeated calls 1"},
		{"after a kill there are none", []sandbox.Call{first, newer, older("a", 9010)}, []audit.Loss{loss("b", audit.Kill, 9000, 9000)}, "out of order 1 repeated calls 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := audit.Compare(audit.Evidence{Events: events, Calls: test.calls, Losses: test.losses, InFlight: 1})
			if got := findings(report); got != test.want {
				t.Errorf("got %q, want %q (%v)", got, test.want, report.Err())
			}
		})
	}
}
