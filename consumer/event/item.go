package event

// Action says what to do for an order.
type Action uint8

// The actions. The zero value is Refuse, so that an item that was never filled in reaches a person and is not skipped.
const (
	// Refuse says that the order cannot be reported to LeadHit. Cause and Message say why.
	Refuse Action = iota
	// Call says to report to LeadHit that the order OrderID has the status Status.
	Call
	// Ignore says that there is nothing to do.
	Ignore
)

// String returns the action's name as logs show it.
func (a Action) String() string {
	switch a {
	case Refuse:
		return "refuse"
	case Call:
		return "call"
	case Ignore:
		return "ignore"
	}
	return "unknown"
}

// MarshalText returns the action's name.
func (a Action) MarshalText() ([]byte, error) {
	return []byte(a.String()), nil
}

// Item says what to do for one order of a record: make a call, do nothing, or refuse. A record has at least one Item.
type Item struct {
	// OrderID is 1 to 512 bytes of valid UTF-8, or empty if it was not read. In a call, Status is the status to send.
	// In a refusal, Status is the one that a rule or a list chose, if any, else the shop's own.
	OrderID string `json:"order_id,omitempty"`
	Status  string `json:"status,omitempty"`
	Action  Action `json:"action"`
	// Cause names the reason for a refusal; otherwise it is empty. Package mapping lists all causes.
	Cause string `json:"cause,omitempty"`
	// In a refusal, Message says what was found, in at most 256 bytes. For Ignore it is the reason. It quotes nothing
	// of the payload except what package mapping allows.
	Message string `json:"message,omitempty"`
	// By describes the part of the mapping that decided, for human readers: a rule with its text, a status list, a
	// field, or the value itself.
	By string `json:"-"`
}
