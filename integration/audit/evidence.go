package audit

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/leadhit/sandbox"
)

// Want is the expected outcome of an event.
type Want uint8

// The expected outcomes.
const (
	// Called: LeadHit accepts the event.
	Called Want = iota
	// Refused: LeadHit is called and refuses the event, which becomes a letter.
	Refused
	// Unmappable: the mapping refuses the event, which becomes a letter without a call.
	Unmappable
	// Untouched: the event gets neither a call nor a letter. Examples are a tombstone and a record in an aborted
	// transaction.
	Untouched
	// Judged: LeadHit accepts the event if it knows the status at that time, and refuses it otherwise. A refused event
	// becomes a letter, and a replay of that letter may be accepted.
	Judged
)

// Event is a record as Kafka acknowledged it to its producer, with the outcome that the test expects.
type Event struct {
	Topic     string
	Partition int
	Offset    int64
	Key       []byte // nil and empty differ, as in Kafka
	Value     []byte
	Headers   []kgo.RecordHeader

	// Want is what a correct worker does with the event. The shop knows, because it created the event.
	Want   Want
	Order  string // the order id in its call
	Status string
	Cause  string // the cause in its letter; empty: not compared

	Stored time.Time // when its producer received the acknowledgement
}

// CallID returns the id of the event's call.
func (e Event) CallID() string { return fmt.Sprintf("%s-%d-%d", e.Topic, e.Partition, e.Offset) }

// LetterID returns the id of the event's letter.
func (e Event) LetterID() string { return fmt.Sprintf("%s/%d/%d", e.Topic, e.Partition, e.Offset) }

// Letter is a record in the dead-letter topic.
type Letter struct {
	ID      string // its header dlq.id
	Replays int    // its header dlq.replay.count
	Cause   string
	Key     []byte
	Value   []byte
	Headers []kgo.RecordHeader // all, the event's own first
	Omitted bool               // stored without its value, because the value was too large
	// Stored is when the broker appended the letter, in whole milliseconds.
	Stored time.Time
}

// Place is one partition of one topic.
type Place struct {
	Topic     string
	Partition int
}

// Evidence is what was recorded during a run by everything except the worker.
type Evidence struct {
	Events    []Event
	Calls     []sandbox.Call // in the order in which they arrived
	Letters   []Letter
	Committed map[Place]int64 // the group's committed offsets
	End       map[Place]int64 // the end of each log; only commits in these partitions are compared
	Hopeless  map[string]bool // orders that always fail: their events stay unfinished, and block the commit
	// Ledger holds what operators requested, and the outcomes. Nil means that no replay was requested.
	Ledger *Ledger

	// InFlight is CALLS_IN_FLIGHT of each process. 0 means that repeats are counted, but their causes are not judged.
	InFlight int
	// Patience is how long a caller waits for a response. 0 means forever. A caller may or may not have received a
	// response that took about that long.
	Patience time.Duration
	Losses   []Loss   // sorted by From
	Samples  []Sample // in the order in which they were taken
}

// Cause is why an event was sent again although a call had already settled it.
type Cause string

// The causes.
const (
	// Kill: the process was killed between the response and the commit.
	Kill Cause = "kill"
	// Freeze: SIGSTOP froze the process for longer than its session timeout.
	Freeze Cause = "freeze"
	// Membership: the process lost its membership of the group, for example because the coordinator died.
	Membership Cause = "membership"
	// noAnswer: the caller did not receive the outcome.
	noAnswer Cause = "no response"
	// replayed: an operator requested the repeat.
	replayed Cause = "replay"
	// gaveUp: the same process made another call after its timeout, although there was a response. On a busy machine
	// its timer may fire before it reads the response. Each process may do that up to InFlight times.
	gaveUp Cause = "gave up"
	// unexplained: none of the above applies.
	unexplained Cause = "unexplained"
)

// Loss is a fault that may cost a process the outcomes that it has not committed. Other processes then repeat the calls
// for at most 3 × InFlight events, which is the README's promise.
type Loss struct {
	// Process names the worker: the first part of its calls' paths.
	Process  string
	Cause    Cause     // Kill, Freeze or Membership; the audit itself adds gaveUp
	From, To time.Time // equal for a Kill; SIGSTOP and SIGCONT for a Freeze
}

// Sample is the group's commit in one partition at one time.
type Sample struct {
	Place
	Taken    time.Time // when the response arrived, so the commit is older
	Next     int64
	Metadata string
}
