package audit

import (
	"fmt"
	"slices"
	"time"
)

// moment is how long after its cause something may still arrive: what a killed process had put on the wire, what a
// frozen one does first.
const moment = time.Second

// doubtful says whether the caller may not have heard the answer, if there was one.
func (a *auditor) doubtful(call Call) bool {
	return call.Unanswered || a.Patience > 0 && call.Left.Sub(call.Arrived) > a.Patience-moment/2
}

// touches says whether the loss may have cost its process the knowledge of a call of its own that is repeated at a
// later time.
func (a *auditor) touches(l Loss, call Call, repeated time.Time) bool {
	if call.Process != l.Process || l.From.After(repeated) || l.To.Add(moment).Before(call.Arrived) {
		return false
	}
	if !a.doubtful(call) {
		return true
	}
	// It would have been repeated anyway, unless it was in the air at the loss.
	return l.Cause != Membership && (call.Left.IsZero() || !call.Left.Before(l.From))
}

// thaws says whether the call is one that its process, frozen before, made as it went on.
func (l Loss) thaws(call Call) bool {
	return l.Cause == Freeze && call.Process == l.Process && !call.Arrived.Before(l.From) && !call.Arrived.After(l.To.Add(moment))
}

// repeats asks of each repeated call why it was made, and of each loss how many it explains. The tries of one repeat
// count once: what LeadHit does not carry out is called again.
func (a *auditor) repeats() {
	if a.InFlight == 0 {
		return
	}
	a.report.Causes = make(map[Cause]int)
	settled := make(map[string]Call) // the last one of each event
	made := make(map[Loss]int)
	tried := make(map[string]bool) // the last call of an event was a repeat, and failed
	for _, call := range a.Calls {
		before, is := settled[call.ID]
		again := is && !tried[call.ID]
		tried[call.ID] = is && call.Outcome == Failed
		if again {
			a.blame(before, call, made)
		}
		if call.Outcome != Failed {
			settled[call.ID] = call
		}
	}
	for loss, repeats := range made {
		most := 3 * a.InFlight
		if loss.Cause == GaveUp {
			most = a.InFlight
		}
		if repeats > most {
			a.report.TooMany = append(a.report.TooMany, fmt.Sprintf("%s of %s at %s: %d repeated calls, at most %d may be",
				loss.Cause, loss.Process, loss.From.Format(clock), repeats, most))
		}
	}
	slices.Sort(a.report.TooMany)
}

// blame enters the cause of a repeat, and the loss that made it.
func (a *auditor) blame(before, call Call, made map[Loss]int) {
	loss := a.reason(before, call)
	a.report.Causes[loss.Cause]++
	switch loss.Cause {
	case Unexplained:
		a.report.TooMany = append(a.report.TooMany, fmt.Sprintf("call %s by %s at %s: %s had its answer at %s after %v, and nothing happened to it",
			call.ID, call.Process, call.Arrived.Format(clock), before.Process, before.Left.Format(clock),
			before.Left.Sub(before.Arrived).Round(time.Millisecond)))
	case Kill, Freeze, Membership, GaveUp:
		made[loss]++
	case NoAnswer:
	}
}

// clock is how moments are printed: they are looked up in logs.
const clock = "15:04:05.000"

// reason finds why a settled call was repeated: the first loss that touches it, or the freeze of who repeats it.
func (a *auditor) reason(before, repeat Call) Loss {
	for _, loss := range a.Losses {
		if a.touches(loss, before, repeat.Arrived) {
			return loss
		}
	}
	for _, loss := range a.Losses {
		if loss.thaws(repeat) {
			return loss
		}
	}
	if a.doubtful(before) {
		return Loss{Cause: NoAnswer}
	}
	if a.Patience > 0 && before.Process == repeat.Process && repeat.Arrived.Sub(before.Arrived) >= a.Patience-moment/10 {
		return Loss{Cause: GaveUp, Process: repeat.Process}
	}
	return Loss{Cause: Unexplained}
}
