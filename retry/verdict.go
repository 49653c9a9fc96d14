package retry

import "time"

// Kind says what to do with a status change after one attempt.
type Kind uint8

// The kinds of verdict. The zero value is Again: an attempt without a verdict is retried, never counted as done.
const (
	// Again: the status change may still succeed; wait, then call again.
	Again Kind = iota
	// Done: LeadHit accepted the status change.
	Done
	// DeadLetter: a retry would not help; the event goes to the dead-letter topic.
	DeadLetter
	// Unauthorised: LeadHit rejects our API key. The order is not at fault, so all calls pause.
	Unauthorised
	// Misconfigured: the node does not know the method. One such order proves nothing; after three, all calls are paused.
	Misconfigured
)

// String returns the kind's name in logs and metrics.
func (k Kind) String() string {
	switch k {
	case Again:
		return "again"
	case Done:
		return "done"
	case DeadLetter:
		return "dead_letter"
	case Unauthorised:
		return "unauthorised"
	case Misconfigured:
		return "misconfigured"
	}
	return "unknown"
}

// Verdict is what LeadHit's response, or the lack of one, means for a status change.
type Verdict struct {
	Kind Kind
	// Cause names the reason in one word that groups similar failures: "ValidationError", "HTTP 503", "Timeout". It
	// is a metric label and the exception class of a letter. It is empty if Kind is Done.
	Cause string
	// Message describes LeadHit's response or the network error, for human readers: at most 1 KiB, without secrets.
	Message string
	// Code is the JSON-RPC error code or the HTTP status; 0 if there was neither.
	Code int
	// RetryAfter is how long LeadHit asked all callers to wait: 0 to 15 minutes.
	RetryAfter time.Duration
	// Answered reports whether the JSON-RPC node itself responded to this call, whatever it said. If it did, the key
	// and the URL work.
	Answered bool
}

// Causes that package leadhit uses and that matter here. A test compares them with leadhit.Judge.
const (
	causeNotSent   = "NotSent"   // we did not send the request
	causeCancelled = "Cancelled" // we abandoned the call
	causeTimeout   = "Timeout"
)

// HTTP statuses with which a server reports overload.
const (
	tooManyRequests    = 429
	serviceUnavailable = 503
	gatewayTimeout     = 504
)

// evidence is what one verdict says about LeadHit as a whole, whatever it says about the order.
type evidence uint8

const (
	// silent: no evidence. The call was never sent, or we abandoned it, or it failed because of a wrong key or URL,
	// which the pause handles.
	silent evidence = iota
	// served: LeadHit works.
	served
	// failed: LeadHit was not reached, or could not serve the call.
	failed
)

func (v Verdict) evidence() evidence {
	switch {
	case v.Kind == Done, v.Answered:
		return served
	case v.Kind == DeadLetter:
		if v.Code == 0 {
			return silent // our own refusal to send proves nothing about LeadHit
		}
		return served
	case v.Kind != Again, v.Cause == causeNotSent, v.Cause == causeCancelled:
		return silent
	}
	return failed
}

// refused reports whether LeadHit asked for fewer calls per second.
func (v Verdict) refused() bool {
	return v.evidence() == failed && (v.Code == tooManyRequests || v.Code == serviceUnavailable)
}

// overloaded reports whether too many calls may be in flight. A 500 or a reset is not a sign of that: one order that
// breaks LeadHit whenever it is sent must not slow down the others.
func (v Verdict) overloaded() bool {
	return v.refused() || v.evidence() == failed && (v.Cause == causeTimeout || v.Code == gatewayTimeout)
}
