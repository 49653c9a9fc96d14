package retry

// Words that package leadhit gives as causes and that matter here. A test asks its Judge for them.
const (
	causeNotSent   = "NotSent"   // the request was held back by ourselves
	causeCancelled = "Cancelled" // the call was given up by ourselves
	causeTimeout   = "Timeout"
)

// HTTP statuses by which a server says that it has too much to do.
const (
	tooManyRequests    = 429
	serviceUnavailable = 503
	gatewayTimeout     = 504
)

// evidence is what one verdict says about LeadHit as a whole, whatever it says about the order.
type evidence uint8

const (
	// silent: nothing. The call never left us, or somebody answered for whom the key or the address is wrong: the pause's matter.
	silent evidence = iota
	// served: LeadHit works.
	served
	// failed: LeadHit was not reached, or could not.
	failed
)

func evidenceOf(v Verdict) evidence {
	switch {
	case v.Kind == Done, v.Answered:
		return served
	case v.Kind == DeadLetter:
		if v.Code == 0 {
			return silent // a letter of our own making: what cannot be sent proves nothing
		}
		return served
	case v.Kind != Again, v.Cause == causeNotSent, v.Cause == causeCancelled:
		return silent
	}
	return failed
}

// refused says that LeadHit had no room for the call: it asks for fewer calls a second.
func refused(v Verdict) bool {
	return evidenceOf(v) == failed && (v.Code == tooManyRequests || v.Code == serviceUnavailable)
}

// overloaded says that there may be too many calls in flight. A 500 or a reset is no such sign: one order that breaks LeadHit
// whenever it is called must not slow down the others.
func overloaded(v Verdict) bool {
	return refused(v) || evidenceOf(v) == failed && (v.Cause == causeTimeout || v.Code == gatewayTimeout)
}
