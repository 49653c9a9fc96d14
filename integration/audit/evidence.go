package audit

import (
	"fmt"
	"time"
)

// Want is what must become of an event.
type Want uint8

// What must become of an event.
const (
	// Called: LeadHit accepts it.
	Called Want = iota
	// Refused: LeadHit is called, says no, and the event becomes a letter.
	Refused
	// Unmappable: no call can be made of it; it becomes a letter.
	Unmappable
	// Untouched: neither call nor letter, as for a tombstone or a record of an aborted transaction.
	Untouched
)

// Header is one of a record's headers.
type Header struct {
	Key   string
	Value []byte
}

// Event is a record as Kafka acknowledged it to its producer, and what the test expects of it.
type Event struct {
	Topic     string
	Partition int
	Offset    int64
	Key       []byte // nil differs from empty here, as it does in Kafka
	Value     []byte
	Headers   []Header

	Want   Want
	Order  string // what its call must say
	Status string
	Cause  string // what its letter must say; empty: not looked at

	Stored time.Time // when its producer had the acknowledgement
}

// CallID returns the id that the event's call carries.
func (e Event) CallID() string { return fmt.Sprintf("%s-%d-%d", e.Topic, e.Partition, e.Offset) }

// LetterID returns the id that the event's letter carries.
func (e Event) LetterID() string { return fmt.Sprintf("%s/%d/%d", e.Topic, e.Partition, e.Offset) }

// Outcome is what LeadHit did with a call.
type Outcome uint8

// What LeadHit did with a call.
const (
	// Failed: nothing. The caller was told so, or told nothing; it has to call again.
	Failed Outcome = iota
	// Accepted: it was carried out, whether or not the caller heard of it.
	Accepted
	// Denied: it was answered with an error that is final.
	Denied
)

// Call is a call as LeadHit saw it.
type Call struct {
	ID      string
	Order   string
	Status  string
	Outcome Outcome
	Arrived time.Time
	Left    time.Time // when it was answered or given up; zero: never

	// Process names who called; empty: not known.
	Process string
	// Unanswered says that no whole answer reached the caller, so that it cannot know the outcome and has to call
	// again.
	Unanswered bool
}

// Letter is a record of the dead-letter topic.
type Letter struct {
	ID      string // its header dlq.id
	Cause   string
	Key     []byte
	Value   []byte
	Headers []Header // all, the event's own first
	Omitted bool     // stored without its value, because that was too large
	// Stored is when the broker appended it, in whole milliseconds.
	Stored time.Time
}

// Place is one partition of one topic.
type Place struct {
	Topic     string
	Partition int
}

// Evidence is all that was written down during a run, each part by who saw it.
type Evidence struct {
	Events    []Event
	Calls     []Call // in the order in which they arrived
	Letters   []Letter
	Committed map[Place]int64 // the group's committed offsets
	End       map[Place]int64 // the log ends; only these partitions are looked at
	Hopeless  map[string]bool // orders that LeadHit fails for ever: their events stay unfinished, and hold back the commit

	// InFlight is how many calls a process may have in the air. 0: repeats are counted, but nobody asks why.
	InFlight int
	// Patience is how long a caller waits for an answer, 0 for ever. What was answered about so late it may have heard,
	// or not.
	Patience time.Duration
	Losses   []Loss   // by their beginning
	Samples  []Sample // of each place in the order in which they were taken
}

// Cause is why an event was called again although its call had been settled.
type Cause string

// The causes.
const (
	// Kill: the process that knew was killed before it could commit.
	Kill Cause = "kill"
	// Freeze: it was frozen for longer than its session.
	Freeze Cause = "freeze"
	// Membership: it lost its place in the group, as when the group's coordinator died.
	Membership Cause = "membership"
	// NoAnswer: whoever called did not hear the outcome.
	NoAnswer Cause = "no answer"
	// GaveUp: the same process called again no sooner than it gives up waiting, although it was answered: on a machine
	// that is too busy it may have seen its own clock first. InFlight of them are allowed to each process.
	GaveUp Cause = "gave up"
	// Unexplained: nothing of the kind happened.
	Unexplained Cause = "unexplained"
)

// Loss is a time at which one process may have lost what it had not committed: it repeats 3 × InFlight events at most.
type Loss struct {
	Process  string
	Cause    Cause     // Kill, Freeze or Membership; the audit makes those of GaveUp itself
	From, To time.Time // To is From's own moment for a Kill, and SIGCONT for a Freeze
}

// Sample is what the group had committed in one partition at one time.
type Sample struct {
	Place
	Taken    time.Time // when the answer was there, and so after the commit
	Next     int64
	Metadata string
}
