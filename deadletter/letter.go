package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"leadhit-sync/consumer/event"
)

// The stages at which an event can fail, named as in Kafka Connect, whose tools read them in the headers.
const (
	StageMapping = "VALUE_CONVERTER" // the mapping refused it
	StageCall    = "TASK_PUT"        // LeadHit refused it
)

// StageName returns the name of a stage for metrics and human readers: mapping or call. Letters from other programs may
// have other stages, which StageName returns unchanged.
func StageName(stage string) string {
	switch stage {
	case StageMapping:
		return "mapping"
	case StageCall:
		return "call"
	}
	return stage
}

// NoItem is the Item of a letter whose event names one order, or none that the mapping could find.
const NoItem = -1

// Letter is one event, or one order of an event, whose status cannot be sent to LeadHit.
type Letter struct {
	// Record is the event as it was read, with its time in whole milliseconds. For a replay it is the original event,
	// which the shop wrote.
	event.Record

	// Item is the index of the letter's order if the event names several orders. Otherwise it is NoItem.
	Item int
	// OrderID and Status are the arguments of the call, up to 512 bytes each. They are empty if the mapping found none.
	OrderID, Status string
	// Stage is StageMapping or StageCall. Letters from other programs may have other stages.
	Stage string
	// Cause groups similar failures: one word of at most 128 bytes. Message is for human readers: it is
	// scrubbed, and cut to 1 KiB when stored.
	Cause, Message string
	// DecidedBy is the part of the mapping that decided what to do with the event, for example
	// `rules[1]: status == "new"`. It is empty in letters from older releases.
	DecidedBy string
	// Code is the JSON-RPC error code or the HTTP status, or 0. Attempts counts the calls for this delivery of the
	// event.
	Code, Attempts int
	FailedAt       time.Time // in whole milliseconds
	// Group is the consumer group whose worker wrote the letter. Version is the version of that worker.
	Group, Version string
	// ReplayCount is the number of replays so far. ReplayRun is the run that sent the last replay, if any.
	ReplayCount int
	ReplayRun   string
	// Omitted is set, and Value is nil, if the value was too large for the topic. The source topic has the value.
	Omitted *Digest

	digest *Digest // of a value that was dropped
}

// Digest describes a value without showing it.
type Digest struct {
	Size   int    // bytes
	SHA256 string // hex
}

// ID returns the letter's identity: topic/partition/offset, followed by #item if the event names several orders.
func (l Letter) ID() string {
	id := l.Place.ID()
	if l.Item >= 0 {
		id += "#" + strconv.Itoa(l.Item)
	}
	return id
}

// Digest returns the size and hash of the event's value, even for a letter that WithoutValue or WithoutEvent returned.
// It returns nil if the event has no value.
func (l Letter) Digest() *Digest {
	switch {
	case l.Omitted != nil:
		return l.Omitted
	case l.Value == nil:
		return l.digest
	}
	sum := sha256.Sum256(l.Value)
	return &Digest{Size: len(l.Value), SHA256: hex.EncodeToString(sum[:])}
}

// WithoutEvent returns the letter without its event's key, headers and value, because any of them may keep the whole
// record in memory. The digest, nil if there was no value, describes the value instead.
func (l Letter) WithoutEvent(digest *Digest) Letter {
	l.digest = digest
	l.Key, l.Value, l.Headers = nil, nil, nil
	return l
}

// WithoutValue returns the letter as a reference, with the size and the hash of the value instead of the value. A
// letter without a value, or one that is a reference already, is returned unchanged.
func (l Letter) WithoutValue() Letter {
	if l.Value == nil || l.Omitted != nil {
		return l
	}
	l.Omitted = l.Digest()
	l.Value = nil
	return l
}
