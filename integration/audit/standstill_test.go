package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/leadhit/sandbox"
)

// waiting returns an event that was stored at the given time.
func waiting(offset int64, partition, ms int) audit.Event {
	e := event(offset, audit.Called)
	e.Partition, e.Stored = partition, at(ms)
	return e
}

func settling(e audit.Event, outcome sandbox.Answer, ms int) sandbox.Call {
	return sandbox.Call{ID: e.CallID(), OrderID: e.Order, Status: e.Status, Answer: outcome, Executed: outcome.Executed(), Arrived: at(ms), Ended: at(ms + 1)}
}

func TestAStandstillIsATimeWithoutACallAlthoughEventsWait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		events []audit.Event
		calls  func(events []audit.Event) []sandbox.Call
		want   string
	}{
		{"nothing waits", []audit.Event{waiting(0, 0, 0), waiting(1, 0, 9000)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[0], sandbox.Accepted, 5), settling(e[1], sandbox.Accepted, 9005)}
		}, ""},
		{"one waits from its storage on", []audit.Event{waiting(0, 0, 0), waiting(1, 0, 2000)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[0], sandbox.Accepted, 5), settling(e[1], sandbox.Accepted, 9000)}
		}, "orders/0 2s to 9s"},
		{"a backlog waits from the last call on", []audit.Event{waiting(0, 0, 0), waiting(1, 0, 1)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[0], sandbox.Accepted, 1000), settling(e[1], sandbox.Refused, 9000)}
		}, "orders/0 0s to 1s orders/0 1s to 9s"},
		{"a failure settles nothing", []audit.Event{waiting(0, 0, 0)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[0], sandbox.Failed, 1000), settling(e[0], sandbox.Accepted, 2000), settling(e[0], sandbox.Accepted, 9000)}
		}, "orders/0 0s to 2s"},
		{"another partition's calls do not count", []audit.Event{waiting(0, 0, 0), waiting(0, 1, 0)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[1], sandbox.Accepted, 500), settling(e[0], sandbox.Accepted, 2000)}
		}, "orders/0 0s to 2s"},
		{"calls at the same moment are one step", []audit.Event{waiting(0, 0, 0), waiting(1, 0, 0)}, func(e []audit.Event) []sandbox.Call {
			return []sandbox.Call{settling(e[0], sandbox.Accepted, 2000), settling(e[1], sandbox.Accepted, 2000)}
		}, "orders/0 0s to 2s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var found []string
			for _, s := range audit.Standstills(test.events, test.calls(test.events), time.Second-2*time.Millisecond) {
				since := func(moment time.Time) time.Duration { return moment.Sub(at(0)).Round(time.Second) }
				found = append(found, fmt.Sprintf("%s/%d %v to %v", s.Topic, s.Partition, since(s.From), since(s.To)))
			}
			if got := strings.Join(found, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
