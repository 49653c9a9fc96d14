package turn

import (
	"math"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

// Position is the group's position in a partition at the start of a generation.
type Position struct {
	event.Partition
	// Next is the committed offset: the next one to consume.
	Next int64
	// Metadata is the metadata of the last commit. Text that no dispatcher wrote is ignored.
	Metadata string
	// Uncommitted says that the group has never committed here: Next was chosen, and is committed before any call.
	Uncommitted bool
	// End is the log's end after the assignment. Replays wait until the partition has been fetched up to End. Pass
	// [UnknownEnd] if the broker does not know the partition; Trusted or Restarted gives the end later.
	End int64
	// Spread says that events with the same key may be in other workers' partitions, in another topic. In that case,
	// nothing is skipped here, because another worker may have made a call for the order since this one did.
	Spread bool
	// Partitions is the topic's number of partitions; 0 if it is unknown.
	Partitions int
}

// UnknownEnd is the End of a log whose end could not be read.
const UnknownEnd = math.MaxInt64

// Event is one record in the log, after mapping.
type Event struct {
	Offset int64
	Time   time.Time    // the record's timestamp, which identifies it
	Since  time.Time    // when the event began to age; zero means at Time
	Bytes  int          // memory that the event takes until it is finished
	Items  []event.Item // at least one; must not be changed afterwards
	Key    []byte       // the record's key; must not be changed afterwards
	Record any          // returned with each effect that concerns the event
}

// Effects lists what to start now. All of it must be started. Report the outcome of each call, store, fetch, commit,
// take and append with exactly one input: Answered, Stored, Fetched, Committed, Taken or Appended.
type Effects struct {
	Calls   []Call
	Stores  []Store
	Fetches []Fetch
	Commit  *Commit
	Takes   []Take
	Append  *Append
	// Repeats are items that are finished without a call. They are for human readers and metrics, and need no input.
	Repeats []Repeat
	// Spread is set at most once in the life of a dispatcher: from then on repeats are not skipped, because an order's
	// events may be in several partitions.
	Spread *Spread
	// Suspects are partitions whose commits are suspended because the broker does not know them. Once such a partition
	// can be fetched, read the group's offset there, then call Trusted or Restarted.
	Suspects []event.Partition
	// Ended says that this generation has nothing left to do: leave it, then call Lost.
	Ended End
	// Announce is an entry to append to the ledger: a pause by the flood guard, or a pause that was in a deleted ledger.
	// Nil means none. Each entry is returned only once, so retry the write until it succeeds. Pass the entry to Followed
	// once it is read back.
	Announce *ledger.Entry
	// Wake is the latest time for the next call to Next. Zero means that Next need not be called before an input.
	Wake time.Time
}

// End is how a generation ends.
type End uint8

// The values of End.
const (
	NotEnded End = iota
	Drained      // all that was in flight is finished and committed
	Fenced       // the group rejects our commits: a newer generation exists
	Expired      // a session timeout passed without an acknowledged commit
)

// Call is one call to make.
type Call struct {
	ID uint64
	event.Partition
	Offset int64
	// Item is the index of the event's item, from 0; Several says that the event has more than one.
	Item          int
	Several       bool
	Order, Status string
	Attempt       int // 1 for the first
	Replay        int // the number of the letter's replay, from 1; 0 if this is not a replay
	Probe         bool
	// Until is the end of the lease. The request must not be written after it.
	Until  time.Time
	Record any
}

// Repeat is an item that is finished without a call, because its status is the one that LeadHit accepted last for its
// order.
type Repeat struct {
	event.Partition
	Offset int64
	// Item is the index of the event's item, from 0; Several says that the event has more than one.
	Item          int
	Several       bool
	Order, Status string
	Record        any
}

// Spread says why an order's events may be in several partitions.
type Spread struct {
	// Place is the place of the event that showed this.
	event.Place
	// Unexplained says that no known partitioner puts the keys of all events so far into their partitions. Otherwise an
	// event has no key, an order has two keys or partitions, or a key has two orders.
	Unexplained bool
}

// Store is one letter to write.
type Store struct {
	ID uint64
	event.Partition
	Offset        int64
	Item          int
	Several       bool
	Order, Status string
	// Mapping says that the mapping refused the event. Otherwise LeadHit refused it, or its retries are exhausted.
	Mapping  bool
	By       string // the part of the mapping that the item comes from
	Verdict  retry.Verdict
	Attempts int // calls made; 0 if the mapping refused the event
	// Replay is the number of the replay that was refused again, from 1. Run names the run that requested it.
	Replay int
	Run    string
	Record any
}

// Fetch is one read of a partition, from Offset on.
type Fetch struct {
	event.Partition
	Offset int64
	// Bytes is the memory that the events may take. A first event that is larger is fetched anyway.
	Bytes int
	// ID distinguishes the fetch from others at the same offset. The caller does not need it.
	ID uint64
}

// Commit is one commit to send.
type Commit struct {
	ID      uint64
	Offsets []Offset
	// Final marks the generation's last commit.
	Final bool
}

// Offset is the part of a commit for one partition.
type Offset struct {
	event.Partition
	Next     int64
	Metadata string
	// First says that no commit for the partition's present log has been acknowledged. If another commit finds that the
	// group's offset is gone, the topic was recreated.
	First bool
	// Watched says that a fetch is in flight, which fails if the topic is deleted.
	Watched bool
}

// Outcome is how a commit ended.
type Outcome uint8

// The values of Outcome.
const (
	// Acked: the coordinator stored the commit, except for the partitions that the CommitAnswer lists.
	Acked Outcome = iota
	// NotSent: the commit was certainly not applied, and may be sent again.
	NotSent
	// Refused: the group rejected the commit; this generation can commit nothing more.
	Refused
	// Ambiguous: there was no response; the commit may have been applied, or may be applied later.
	Ambiguous
)

// CommitAnswer is the outcome of a commit. It lists the partitions with a different outcome.
type CommitAnswer struct {
	Outcome Outcome
	// The broker does not know the Unknown partitions. It rejected the metadata of the TooLarge ones.
	Unknown, TooLarge []event.Partition
}

// Append is a batch of entries to append to the ledger, in this order. Appended reports its outcome.
type Append struct {
	ID      uint64
	Entries []ledger.Entry
}

// Take is a request to fetch a letter for a replay: fetch the record at Offset in the letters' topic, and map its event
// with the current mapping of the event's topic. Retry the fetch until it returns the letter, or shows that the letter
// is gone.
type Take struct {
	ID     uint64
	Letter ledger.ID
	Offset int64
}

// Taken is the letter that a Take found.
type Taken struct {
	Letter fold.Letter
	Items  []event.Item // of the event, under the current mapping; must not be changed afterwards
	Record any          // returned with each effect that concerns the replay
	// Cause says why there is no event to replay, such as LetterExpired or ValueExpired; "" if there is one.
	Cause string
}
