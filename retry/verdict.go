package retry

import "time"

// Kind says what to do with a status change after one try.
type Kind uint8

// The kinds of verdict. The zero value is Again: what nobody judged is tried again, never taken for done.
const (
	// Again: it may still succeed; wait, then call once more.
	Again Kind = iota
	// Done: LeadHit accepted it.
	Done
	// DeadLetter: it can never succeed; the event goes to the dead-letter topic.
	DeadLetter
	// Unauthorised: LeadHit does not take our key. Nothing is wrong with the order: all calls pause.
	Unauthorised
	// Misconfigured: the address does not know the method. One order proves nothing; several pause all calls.
	Misconfigured
)

// String returns the kind's name as it stands in logs and metrics.
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

// Verdict is what one answer of LeadHit (or its absence) means for the status change that was tried.
type Verdict struct {
	Kind Kind
	// Cause names the reason in one word that groups like failures: "ValidationError", "HTTP 503", "Timeout".
	// It is a metric label and a letter's exception class. Empty when Kind is Done.
	Cause string
	// Message is what LeadHit or the network said, for people: at most 1 KiB, without secrets.
	Message string
	// Code is the JSON-RPC error code, or the HTTP status; 0 where there was neither.
	Code int
	// RetryAfter is how long LeadHit asked all callers to wait: 0 to 15 minutes.
	RetryAfter time.Duration
	// Answered says that the JSON-RPC node itself replied to this call, whatever it said: the key and the address work.
	Answered bool
}
