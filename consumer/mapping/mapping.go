package mapping

// A Mapping decodes the records from some topics. It is safe for concurrent use.
type Mapping struct {
	programs   []*program
	matchers   []matcher // one for each program, in the same order
	topics     map[string]*program
	configured []string // Options.Topics
	statuses   []string // LeadHit's
	digest     string
}
