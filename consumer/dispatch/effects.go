package dispatch

import (
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// Position is where the group stands in a partition, as found when the generation began.
type Position struct {
	event.Partition
	// Next is the committed offset: the next one to consume.
	Next int64
	// Metadata is what the last commit carried beside the offset. What this package did not write is ignored.
	Metadata string
	// Uncommitted says that the group never committed here: Next is a choice, written before any call.
	Uncommitted bool
}

// Event is one record of the log, mapped.
type Event struct {
	Offset int64
	Time   time.Time // the record's own, by which it is recognised
	Since  time.Time // when the event began to age; Time if zero
	Bytes  int       // memory that the event holds until it is finished
	Items  []Item    // at least one; kept, not to be changed afterwards
	Record any       // comes back untouched with each effect about the event
}

// Action says what an item asks for.
type Action uint8

// The actions.
const (
	Ignore Action = iota // nothing to do
	Send                 // tell LeadHit
	Refuse               // the mapping could not make sense of it: a letter
)

// Item is what an event says about one order.
type Item struct {
	Action        Action
	Order, Status string
	Cause         string // of a refusal
	Message       string
	By            string // what in the mapping decided, for the letter
}

// Effects is what to do now. Everything in it must be started; each call, store, fetch and commit is answered once by
// the input of its name, whatever comes of it.
type Effects struct {
	Calls   []Call
	Stores  []Store
	Fetches []Fetch
	Commit  *Commit
	// Suspects are partitions whose commits have stopped because the broker does not know them. Once such a partition
	// can be fetched, find out what became of the group's offset there, then say Trusted or Restarted.
	Suspects []event.Partition
	// Ended says that this generation has nothing more to do: leave it, then say Lost.
	Ended End
	// Announce is an entry to append to the ledger: a pause of the flood guard, or one that a deleted ledger held. Nil is
	// none. It comes once: repeat the write until it succeeds. It must come back through Followed.
	Announce *ledger.Entry
	// Wake is when to ask again at the latest, unless an input comes first; zero: not before an input.
	Wake time.Time
}

// End is how a generation ends.
type End uint8

// The ends.
const (
	NotEnded End = iota
	Drained      // all that was in the air is finished and committed
	Fenced       // the group has moved on: nothing more can be committed
	Expired      // the lease ran out before the last commit was acknowledged
)

// Call is one call to make.
type Call struct {
	ID uint64
	event.Partition
	Offset int64
	// Item counts from 0 among the event's items; Several says that there is more than one.
	Item          int
	Several       bool
	Order, Status string
	Attempt       int // 1 for the first
	Probe         bool
	// Until is the end of the lease: after it the request must not be written.
	Until  time.Time
	Record any
}

// Store is one letter to write.
type Store struct {
	ID uint64
	event.Partition
	Offset        int64
	Item          int
	Several       bool
	Order, Status string
	// Mapping says that the mapping refused; else LeadHit did.
	Mapping  bool
	By       string // what in the mapping decided
	Verdict  retry.Verdict
	Attempts int // calls made; 0 if the mapping refused
	Record   any
}

// Fetch is one read of a partition, from Offset on.
type Fetch struct {
	event.Partition
	Offset int64
	// Bytes is how much may come, but for a first batch that is larger.
	Bytes int
	id    uint64
}

// Commit is one commit to send.
type Commit struct {
	ID      uint64
	Offsets []Offset
	// Final marks the last one of the generation.
	Final bool
}

// Offset is what a commit says of one partition.
type Offset struct {
	event.Partition
	Next     int64
	Metadata string
	// Unwatched says that no fetch is under way that would show that the topic was made anew, and that a commit was
	// acknowledged before: one that is gone now went with the topic.
	Unwatched bool
}

// Outcome is what became of a commit.
type Outcome uint8

// The outcomes.
const (
	// Acked: the coordinator has stored it, but for the partitions listed in the answer.
	Acked Outcome = iota
	// NotSent: it surely was not applied and may be sent again.
	NotSent
	// Refused: the group has moved on; this generation can commit no more.
	Refused
	// Ambiguous: no answer; it may be applied, now or late.
	Ambiguous
)

// CommitAnswer is what became of a commit, with the partitions that fared worse than the whole.
type CommitAnswer struct {
	Outcome Outcome
	// Unknown partitions are not known to the broker (any more). TooLarge metadata was refused.
	Unknown, TooLarge []event.Partition
}
