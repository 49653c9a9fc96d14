package audit

import (
	"strings"

	"leadhit-sync/leadhit/sandbox"
)

// CallsOf returns the calls in the log of the LeadHit look-alike. The process is the first part of a call's path: a
// test gives each worker an address of its own if it has to distinguish them.
func CallsOf(log []sandbox.Call) []Call {
	calls := make([]Call, 0, len(log))
	for _, c := range log {
		if c.ID == "" && c.Answer == sandbox.Abandoned {
			continue // the connection ended before the call could be read
		}
		process, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/")
		calls = append(calls, Call{
			ID: c.ID, Order: c.OrderID, Status: c.Status, Outcome: outcome(c), Arrived: c.Arrived, Left: c.Ended,
			Process: process, Unanswered: unanswered(c.Answer),
		})
	}
	return calls
}

func outcome(c sandbox.Call) Outcome {
	switch {
	case c.Executed:
		return Accepted
	case c.Answer == sandbox.Refused || c.Answer == sandbox.Invalid:
		return Denied
	}
	return Failed
}

// unanswered reports whether the worker cannot know the outcome of a call that ended so.
func unanswered(a sandbox.Answer) bool {
	switch a {
	case sandbox.Pending, sandbox.Lost, sandbox.LostReset, sandbox.Cut, sandbox.WrongID, sandbox.Abandoned:
		return true
	case sandbox.Accepted, sandbox.Refused, sandbox.Invalid, sandbox.Forbidden, sandbox.Failed, sandbox.Overloaded, sandbox.HTML,
		sandbox.Reset, sandbox.Closed:
	}
	return false
}
