package audit

import (
	"slices"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// A worker may finish an event without a call if the event is a repeat: its status is the last one that LeadHit
// accepted for the order. A skip leaves no trace, so the audit checks that the skip was allowed at some time: after the
// lane's earlier events had been settled, and while the lane's last call was one that LeadHit had accepted, with the
// same status.

// known is a period in which LeadHit had the status of a lane's last call, because it had accepted that call.
type known struct {
	status   string
	accepted time.Time // when the caller received the response
	to       time.Time // when the next call arrived; zero: none arrived
}

// knows records what a call shows about the status that LeadHit has. The worker that owns the lane learns nothing from
// an abandoned call. A call without a response does not show when its event was settled, because the call may end long
// after another worker's call for the same event. A process that was frozen may have lost the lane, or may own it
// again, so a call that arrived when the process resumed does not end the known periods.
func (a *auditor) knows(e *entry, call sandbox.Call) {
	answered := !unanswered(call)
	if settles(call) && answered && e.ended.IsZero() {
		e.ended = call.Ended
	}
	if givenUp(call) {
		return
	}
	l := e.lane
	if !slices.ContainsFunc(a.Losses, func(loss Loss) bool { return loss.thaws(call) }) {
		for i := len(l.known) - 1; i >= 0 && l.known[i].to.IsZero(); i-- {
			l.known[i].to = call.Arrived
		}
	}
	if call.Executed && answered {
		l.known = append(l.known, known{status: call.Status, accepted: call.Ended})
	}
}

// skips reports whether an event and all unsettled events directly before it were repeats. If so, it records that they
// were finished without a call.
func skips(e *entry) bool {
	var run []*entry
	for at := e; at != nil && !at.settled(); at = at.previous {
		if at.calls > 0 || at.Want != Called && at.Want != Judged {
			return false
		}
		run = append(run, at)
	}
	for _, each := range slices.Backward(run) {
		if !each.skip() {
			return false
		}
	}
	return true
}

// skip records that the event was finished without a call, if that is possible.
func (e *entry) skip() bool {
	// The producer may receive the acknowledgement after the worker has read the event.
	from := e.Stored.Add(-moment)
	if e.previous != nil {
		from = later(from, e.previous.ended)
	}
	// The earliest acceptance counts. A later one may belong to a call that another worker repeated after the skip.
	for _, k := range slices.Backward(e.lane.known) {
		if !k.to.IsZero() && !k.to.After(from) {
			break
		}
		if k.status == e.Status {
			e.skipped, e.ended = true, later(from, k.accepted)
		}
	}
	if e.skipped && e.done.IsZero() {
		e.done = e.ended
	}
	return e.skipped
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
