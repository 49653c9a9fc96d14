package audit

import (
	"strings"

	"leadhit-sync/leadhit/sandbox"
)

// processOf returns the process that made a call, which is the first part of the call's path. A test that has to
// distinguish workers gives each of them its own path.
func processOf(c sandbox.Call) string {
	process, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/")
	return process
}

// denied reports whether the call's response was an error that is final for its event.
func denied(c sandbox.Call) bool {
	return !c.Executed && (c.Answer == sandbox.Refused || c.Answer == sandbox.Invalid)
}

// settles reports whether the call's event needs no further call. Otherwise the worker has to call again.
func settles(c sandbox.Call) bool { return c.Executed || denied(c) }

// givenUp reports whether the caller had abandoned the call before LeadHit saw it. If the machine stalls, LeadHit sees
// an abandoned call and its retry at the same time, in either order.
func givenUp(c sandbox.Call) bool {
	return c.Answer == sandbox.Abandoned && !c.Executed && c.Ended.Sub(c.Arrived) < moment/100
}

// unanswered reports whether no complete response reached the worker. In that case the worker cannot know the outcome,
// and calls again.
func unanswered(c sandbox.Call) bool {
	switch c.Answer {
	case sandbox.Pending, sandbox.Lost, sandbox.LostReset, sandbox.Cut, sandbox.WrongID, sandbox.Abandoned:
		return true
	default:
		return false
	}
}
