package mapping

// Action is what to do about an order.
type Action uint8

// The actions. The zero value is Refuse, so that an item that nobody filled in reaches a person and is never skipped.
const (
	// Refuse says that the order cannot be reported to LeadHit. Cause and Message say why.
	Refuse Action = iota
	// Call says: report to LeadHit that the order OrderID has the status Status.
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

// Item is what a record asks for about one order: a call, nothing, or a refusal.
type Item struct {
	// OrderID is 1 to 512 bytes of valid UTF-8, or empty if it was not read. In a call, Status is LeadHit's. In a
	// refusal it is LeadHit's if a rule or a list gave one, else the shop's own.
	OrderID string `json:"order_id,omitempty"`
	Status  string `json:"status,omitempty"`
	Action  Action `json:"action"`
	// Cause is one of [Causes]; empty unless Action is Refuse.
	Cause string `json:"cause,omitempty"`
	// Message says what was found, in at most 256 bytes and without payload. For Ignore it is the reason.
	Message string `json:"message,omitempty"`
	// By names the deciding part for people: a rule with its text, a status list, a field, or the value itself.
	By string `json:"-"`
}

// A Mapping decodes the records of some topics. It is safe for concurrent use.
type Mapping struct {
	programs   []*program
	matchers   []matcher // one for each program, in the same order
	topics     map[string]*program
	configured []string // the topics of the options
	statuses   []string // LeadHit's
	digest     string
}
