// Package snapshot holds copies of the dispatcher's figures for human readers, /status and metrics. It contains only
// data, and no decision depends on it.
package snapshot

import (
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// Snapshot is a copy of the dispatcher's figures for human readers and metrics.
type Snapshot struct {
	Pause Pause
	// Limit is the current maximum number of calls in flight, from 1 to CallsInFlight. PerSecond is the current maximum
	// number of calls per second; 0 means no limit. Quiet is the end of LeadHit's last Retry-After, and may be in the
	// past.
	Limit     int
	PerSecond float64
	Quiet     time.Time
	// InFlight counts the calls in flight. Waiting counts the orders whose call failed and will be retried, after a
	// backoff or a pause. Blocked counts the events behind another event of their order. Letters counts the letters
	// that are not stored yet.
	InFlight, Waiting, Blocked, Letters int
	Draining                            bool
	Partitions                          []PartitionSnapshot
	// MetadataBytes is the broker's limit on a commit's metadata, as far as it is known. It is lower than in Config
	// after the broker has rejected some metadata.
	MetadataBytes int

	// These three count from the start of the process. Finished counts the finished events. Passed counts the events that
	// were refetched although an earlier owner had finished them. Rested is how long each partition's window was full.
	Finished, Passed uint64
	Rested           map[event.Partition]time.Duration
	// Repeats counts the items that were finished without a call since the start of the process, because their status
	// was the one that LeadHit had accepted last for their order. Remembered is the number of orders in the memory of
	// accepted statuses.
	Repeats    uint64
	Remembered int
}

// PartitionSnapshot is the part of a Snapshot for one partition.
type PartitionSnapshot struct {
	event.Partition
	// Committed is the last acknowledged commit (-1: none yet). Position is the next offset to fetch.
	Committed, Position int64
	Unfinished          int
	Bytes               int64
	// Oldest is when the oldest unfinished event began to age. Untried is the same for events that are not blocked and
	// have had no call yet: more workers would help these events. Zero means that there is none. OldestOffset is the
	// lowest unfinished offset.
	Oldest, Untried time.Time
	OldestOffset    int64
	// Suspect says that the broker does not know the partition. Full says that the commit's metadata has no space left.
	Suspect, Full bool
	// Resting says that fetching rests, because the window is full or the metadata has no space.
	Resting bool
}

// Pause says why no call starts.
type Pause struct {
	// Kind is [ledger.ByHand], [ledger.Flood], or what [retry.Governor.Probing] returns; "" if there is no pause. If
	// there are several, Pause describes the one that is hardest to end. Since is when that pause began.
	Kind  string
	Since time.Time
	// Reason and By are set for the first two kinds: why calls are paused, and which person or worker paused them.
	Reason, By string
}

// WaitingOrder is an order that waits for the next attempt at its call, or for the next attempt to store its letter.
type WaitingOrder struct {
	event.Place

	Order, Status string    // may be empty if the mapping refused the event
	Since         time.Time // when its event began to age
	Attempts      int       // calls made
	// Next is when the next attempt is due; zero: as soon as calls may start and a slot is free.
	Next time.Time
	// Letter says that the event becomes a dead letter, which could not be stored yet.
	Letter bool
	// Last is the verdict on the last call, or the mapping's verdict.
	Last retry.Verdict
}

// OrderItem is what is left to do for an order: an item of an event, or a replay of a letter.
type OrderItem struct {
	ID     ledger.ID
	Replay int // the number of the replay; 0: it is an event's item
	Status string
	// Doing is what the item does or waits for, as status output shows it:
	//
	//	blocked    the event Behind must end first
	//	ready      a slot, or the end of a pause
	//	in flight  LeadHit's response
	//	waiting    a call failed; the next attempt is due at Next
	//	storing    its letter is being stored, or storing it will be retried at Next
	//	marking    accepted, or its retries are exhausted; the ledger must mark older letters first
	//	outcome    an accepted replay; its outcome is not stored yet
	//	commit     finished; no acknowledged commit covers it yet
	//
	// For a replay that is not in its order's lane yet, it is one of ReplayWaits.
	Doing string
	// Repeat says that the item was finished without a call, because its status was the one that LeadHit had accepted
	// last for its order.
	Repeat bool
	// Behind is the event that must end first; "" if a call from an earlier generation must end first.
	Behind   string
	Attempts int // calls made
	Next     time.Time
	Last     retry.Verdict // on the last call, or the mapping's verdict
}

// LetterCounts are figures about the letters in owned partitions, for metrics.
type LetterCounts struct {
	Open, Requeued int
	Oldest         time.Time // when the oldest record of an open letter was stored; zero if there is none
	// Waiting counts the replays without an outcome by what they wait for, one of ReplayWaits. It is empty until
	// CaughtUp, because it is not known yet which letters are requeued.
	Waiting map[string]int
	// Outcomes counts the replays that ended since the start of the process: resolved, refused, superseded, failed.
	Outcomes map[string]uint64
}
