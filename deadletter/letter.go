package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"leadhit-sync/consumer/event"
)

// Stage says where on its way an event failed.
type Stage string

// The stages, by Kafka Connect's names, which a letter's headers use.
const (
	StageMapping Stage = "VALUE_CONVERTER" // it could not be read
	StageCall    Stage = "TASK_PUT"        // LeadHit refused it
)

// NoItem is the Item of a letter whose event names one order only, or none that was recognised.
const NoItem = -1

// Letter is one event, or one order of it, that cannot be reported to LeadHit.
type Letter struct {
	// Record is the event as it was read, its time in whole milliseconds. For an event that was replayed it is the root
	// event: the one that the shop wrote.
	event.Record

	// Item counts the orders of an event that names several, from 0; NoItem otherwise.
	Item int
	// OrderID and Status are what the call was about, 512 bytes each; empty where the mapping did not get that far.
	OrderID, Status string
	Stage           Stage
	// Cause groups like failures: one word, 128 bytes. Message is for people: scrubbed and cut to 1 KiB when stored.
	Cause, Message string
	// DecidedBy is the part of the mapping that decided what to do with the event, such as `rules[1]: status == "new"`;
	// empty in letters of older releases.
	DecidedBy string
	// Code is the JSON-RPC error code or the HTTP status, 0 without either. Attempts counts the calls of this delivery.
	Code, Attempts int
	FailedAt       time.Time // in whole milliseconds
	// Group is the consumer group that gave up, Version that of its worker.
	Group, Version string
	// ReplayCount is the number of replays so far, ReplayRun the run that brought this one, if any.
	ReplayCount int
	ReplayRun   string
	// Omitted is set where the value was too large to be stored: Value is nil, its place is the source topic.
	Omitted *Digest

	digest *Digest // of a value that List dropped
}

// Digest describes a value without showing it.
type Digest struct {
	Size   int    // bytes
	SHA256 string // hex
}

// ID is the letter's identity: topic/partition/offset, with #item behind it where the event names several orders.
func (l Letter) ID() string {
	id := l.Place.ID()
	if l.Item >= 0 {
		id += "#" + strconv.Itoa(l.Item)
	}
	return id
}

// Digest describes the event's value, even in a reference or a letter that [List] returned without its event. It is nil
// if the event has no value.
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

// WithoutValue returns the letter as a reference: the same letter, its value replaced by size and hash. A letter
// without a value, or a reference already, comes back as it is.
func (l Letter) WithoutValue() Letter {
	if l.Value == nil || l.Omitted != nil {
		return l
	}
	l.Omitted = l.Digest()
	l.Value = nil
	return l
}
