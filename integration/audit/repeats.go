package audit

import (
	"fmt"
	"slices"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// moment is how long after a fault its effects may still arrive. Examples are bytes that a killed process had put on
// the wire, and the first calls from a process that resumes.
const moment = time.Second

// doubtful reports whether the caller may have missed the response, if there was one.
func (a *auditor) doubtful(call sandbox.Call) bool {
	return unanswered(call) || a.Patience > 0 && call.Ended.Sub(call.Arrived) > a.Patience-moment/2
}

// touches reports whether the loss may explain why the call was repeated at the given time.
func (a *auditor) touches(l Loss, call sandbox.Call, repeated time.Time) bool {
	if processOf(call) != l.Process || l.From.After(repeated) || l.To.Add(moment).Before(call.Arrived) {
		return false
	}
	if !a.doubtful(call) {
		return true
	}
	// A doubtful call would have been repeated anyway, unless it was in flight at the time of the loss.
	return l.Cause != Membership && (call.Ended.IsZero() || !call.Ended.Before(l.From))
}

// thaws reports whether the loss is a freeze of the call's process, and the call arrived during the freeze or at most
// moment after it.
func (l Loss) thaws(call sandbox.Call) bool {
	return l.Cause == Freeze && processOf(call) == l.Process &&
		!call.Arrived.Before(l.From) && !call.Arrived.After(l.To.Add(moment))
}

// repeats finds the cause of each repeated call, and compares the number per loss with its bound. All attempts of one
// repeat count as one, because a call that LeadHit does not execute is retried.
func (a *auditor) repeats() {
	if a.InFlight == 0 {
		return
	}
	a.report.Causes = make(map[Cause]int)
	settled := make(map[string]sandbox.Call) // the last settling call of each event
	caused := make(map[Loss]int)
	tried := make(map[string]bool) // by call id: the last call was a repeat, and failed
	a.asked = a.askedFor()
	for _, call := range a.Calls {
		before, is := settled[call.ID]
		again := is && !tried[call.ID]
		tried[call.ID] = is && !settles(call)
		if again {
			a.blame(before, call, caused)
		}
		if settles(call) {
			settled[call.ID] = call
		}
	}
	for loss, repeats := range caused {
		most := 3 * a.InFlight
		if loss.Cause == gaveUp {
			most = a.InFlight
		}
		if repeats > most {
			a.report.TooMany = append(a.report.TooMany, fmt.Sprintf("%s of %s at %s: %d repeated calls, at most %d are allowed",
				loss.Cause, loss.Process, loss.From.Format(clock), repeats, most))
		}
	}
	slices.Sort(a.report.TooMany)
}

// blame records the cause of a repeat, and the loss behind it.
func (a *auditor) blame(before, call sandbox.Call, caused map[Loss]int) {
	loss := a.reason(before, call)
	// A replay may also be repeated because of a fault, so faults take precedence.
	if (loss.Cause == unexplained || loss.Cause == gaveUp) && a.asked[call.ID] > 0 {
		a.asked[call.ID]--
		loss = Loss{Cause: replayed}
	}
	a.report.Causes[loss.Cause]++
	switch loss.Cause {
	case unexplained:
		a.report.TooMany = append(a.report.TooMany, fmt.Sprintf(
			"call %s by %s at %s: %s had its response at %s after %v, and no fault explains the repeat",
			call.ID, processOf(call), call.Arrived.Format(clock), processOf(before), before.Ended.Format(clock),
			before.Ended.Sub(before.Arrived).Round(time.Millisecond)))
	case Kill, Freeze, Membership, gaveUp:
		// For a replayed letter, it is not known whether an operator or the fault caused the repeated call, so the call is
		// not counted. At most InFlight replays are in progress at once, so a fault repeats at most that many replays.
		if a.asked[call.ID] == 0 {
			caused[loss]++
		}
	case noAnswer, replayed:
	}
}

// clock is the format of times in a report. The logs use it too, so that a time in a report can be found in the logs.
const clock = "15:04:05.000"

// reason returns why a settled call was repeated: the first loss that may explain the repeat, or else the freeze of the
// process that made the repeat.
func (a *auditor) reason(before, repeat sandbox.Call) Loss {
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
		return Loss{Cause: noAnswer}
	}
	sameProcess := processOf(before) == processOf(repeat)
	if a.Patience > 0 && sameProcess && repeat.Arrived.Sub(before.Arrived) >= a.Patience-moment/10 {
		return Loss{Cause: gaveUp, Process: processOf(repeat)}
	}
	return Loss{Cause: unexplained}
}
