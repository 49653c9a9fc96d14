package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// Config holds the settings of a Dispatcher.
type Config struct {
	// CallsInFlight is the maximum number of calls in flight, including those from ended generations; at least 1. Up to
	// this maximum, the governor finds the number that LeadHit can serve.
	CallsInFlight int
	// CallsPerSecond is the maximum number of calls per second; 0 means no limit.
	CallsPerSecond float64
	// WindowEvents is the number of unfinished events in a partition at which fetching rests. The last fetch may exceed
	// it. WindowBytes limits the memory for the unfinished events and fetch buffers of all partitions together. One record
	// per partition may exceed this limit, and so may a large first batch.
	WindowEvents int
	WindowBytes  int64
	// FetchBytes is the most memory that the events of one fetch may take.
	FetchBytes int
	// Session is the group's session timeout. CallTimeout is the maximum duration of a call.
	Session, CallTimeout time.Duration
	// MetadataBytes is the broker's limit on a commit's metadata (offset.metadata.max.bytes, 4096 by default).
	MetadataBytes int
	Retry         retry.Policy
	// FloodGuard pauses the calls during a flood of letters. Only a resume that is passed to Followed ends that pause, so
	// leave FloodGuard off if the caller does not read the ledger.
	FloodGuard bool
	// Replays makes the dispatcher replay letters when the ledger requests it, and mark the letters that must not be
	// replayed. It needs LetterRead, Followed and CaughtUp, so leave it off if the caller does not read the letters and
	// the ledger.
	Replays bool
	// SkipRepeats finishes an event without a call if its status is the one that LeadHit accepted last for its order, in a
	// call made in this generation for an event of the same partition with the same key. Nothing is skipped in partitions
	// whose Position.Spread is set, nor once an event had no key, an order had two keys or partitions, a key had two
	// orders, or Explain found no partitioner that explains all keys.
	SkipRepeats bool
	// Explain reports whether some partitioner puts both the given key and the keys of all earlier events into their
	// partitions. The argument partitions is the topic's number of partitions. Once Explain returns false, nothing is
	// skipped. It runs within a turn, so it must be fast. If Explain is nil, keys are not checked.
	Explain func(key []byte, partition, partitions int) bool
	// Worker names this process in its ledger entries. Build names its version and mapping.
	Worker, Build string
	// Fingerprint groups the letters of one cause for the flood guard. It runs within a turn, so it must be fast. If it
	// is nil, letters are grouped by stage, cause and code.
	Fingerprint func(turn.Store) string
}
