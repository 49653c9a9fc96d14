package mapping

// Action says what an outcome asks for.
type Action uint8

// The actions. The zero value is Refuse: an outcome that nobody filled in is looked at by a person, never skipped.
const (
	// Refuse: the record cannot be told to LeadHit; Cause and Message say why.
	Refuse Action = iota
	// Call: tell LeadHit that the order OrderID has the status Status.
	Call
	// Ignore: nothing is to be done.
	Ignore
)

// String returns the action's name as it stands in logs.
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

// Outcome is what one record asks for, for one order.
type Outcome struct {
	// OrderID is 1 to 512 bytes of valid UTF-8; empty where it was not read. Status is LeadHit's of a call; of a refusal
	// it is LeadHit's where it was found, else the shop's own.
	OrderID string `json:"order_id,omitempty"`
	Status  string `json:"status,omitempty"`
	Action  Action `json:"action"`
	// Cause is one word of the package's list; empty unless Action is Refuse.
	Cause string `json:"cause,omitempty"`
	// Message tells a person what was found, in at most 256 bytes and without payload. For Ignore it is the reason.
	Message string `json:"message,omitempty"`
	// By is what decided, for people: a rule with its text, a status list, a field, or the value itself.
	By string `json:"-"`
}

// Mapping decodes the records of some topics. It is safe for concurrent use.
type Mapping struct {
	programs   []*program
	matchers   []matcher // of the programs, in the same order
	topics     map[string]*program
	configured []string // the topics of the options
	statuses   []string // LeadHit's
	digest     string
}
