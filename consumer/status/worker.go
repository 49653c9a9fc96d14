package status

import (
	"strings"
	"time"

	"leadhit-sync/deadletter"
)

// running is the phase of a worker that consumes.
const running = "running"

// Worker is a worker's state as /status, the status command and the demo show it. Its JSON names are an interface. They
// never change, because commands read the status of older and newer workers. Ages are in seconds.
type Worker struct {
	// Schema is status.v1. A reader that knows only another schema must not guess what the names mean.
	Schema  string `json:"schema"`
	Version string `json:"version"`
	Group   string `json:"group"`
	// At is the current time by the worker's clock.
	At time.Time `json:"at"`
	// State is the kind of pause if Paused, else Phase. Since is when that pause or phase began. Reason and By are set
	// for a pause by an operator or the flood guard, and say why and by whom the calls were paused.
	State  string    `json:"state"`
	Paused bool      `json:"paused"`
	Phase  string    `json:"phase"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
	// Waits lists what the worker waits for now, the oldest wait first. A running worker does the rest of its work
	// meanwhile.
	Waits []Wait `json:"waits"`
	// Problems describes what blocks work until an operator acts, and what to do.
	Problems []string `json:"problems,omitempty"`

	// These five count from the start of the process, so a restart resets them.
	Events   uint64 `json:"events"`
	Finished uint64 `json:"events_finished"`
	Calls    uint64 `json:"calls"`
	Retries  uint64 `json:"retries"`
	Repeats  uint64 `json:"repeats"` // calls not made: the status was the one that LeadHit had accepted last
	// InFlight may exceed Limit for a while, because the limit may fall while calls are in flight. Limit is from 1 to
	// CALLS_IN_FLIGHT.
	InFlight  int     `json:"calls_in_flight"`
	Limit     int     `json:"calls_limit"`
	PerSecond float64 `json:"calls_per_second_limit"` // 0: none
	// RetryAfter is when LeadHit's Retry-After ends; absent if none is in force.
	RetryAfter *time.Time `json:"retry_after,omitempty"`

	// Waiting counts the orders whose last call failed and will be retried. Blocked counts the events behind another
	// event of their order: no worker could make their calls now.
	Waiting int `json:"orders_waiting"`
	Blocked int `json:"events_blocked"`
	// Letters counts the letters stored since the start of the process. LettersInAir counts the letters that are not
	// stored yet; their events stay unfinished.
	Letters      uint64 `json:"letters"`
	LettersInAir int    `json:"letters_in_air"`
	// OldestAge is the age of the oldest unfinished event. Lag is the same, excluding blocked events and events whose
	// calls were already sent, because more workers would not help these. Both include events that are held back. Each is
	// 0 if there is no such event.
	OldestAge float64 `json:"oldest_unfinished_age_seconds"`
	Lag       float64 `json:"lag_seconds"`
	// HeldBack counts the events behind open transactions. HeldBackAge is the age of the oldest such event.
	HeldBack    int64   `json:"events_held_back"`
	HeldBackAge float64 `json:"events_held_back_age_seconds"`
	// TwoPartitions counts orders that were seen in two partitions of one topic.
	TwoPartitions int `json:"orders_in_two_partitions"`

	// Replays counts the replays that have no outcome yet, by what they wait for; absent if there are none.
	Replays map[string]int `json:"replays_waiting,omitempty"`

	// LastHour counts this worker's letters in the last hour, or since the worker started if that is later.
	LastHour []CauseCount   `json:"letters_last_hour"`
	Orders   []WaitingOrder `json:"waiting"` // at most 20, those of the oldest events
	// Outcomes counts all waiting orders by their last outcome, the largest count first, at most 20.
	Outcomes []OutcomeCount `json:"waiting_by_answer"`
	// Flaws are settings that an operator should change, in the letters' topic or the ledger.
	Flaws      []TopicFlaw `json:"topic_flaws"`
	Partitions []Partition `json:"partitions"`
	// Order lists what is left to do for the order that /status?order=ID names; absent if none is named.
	Order *Order `json:"order,omitempty"`
}

// Order lists what is left to do for one order: everything that this worker has fetched but not committed.
type Order struct {
	Order string `json:"order_id"`
	Items []Item `json:"items"`
	More  int    `json:"more,omitempty"` // items that are not listed
}

// Item is an event's item for the order, or a replay.
type Item struct {
	Event  string `json:"event"`            // topic/partition/offset, and #item if the event names several orders
	Replay int    `json:"replay,omitempty"` // the number of the replay
	Status string `json:"status,omitempty"`
	// Doing is what the item does or waits for: blocked, ready, in flight, waiting, storing, marking or commit. A
	// replay may also wait for its backlog, partition, place, letter or outcome.
	Doing  string `json:"doing"`
	Behind string `json:"behind,omitempty"` // the event that must be finished first
	Tries  int    `json:"tries"`            // calls that were made
	Repeat bool   `json:"repeat,omitempty"` // no call was needed: LeadHit had accepted this status last
	// Next is the time of the next attempt; absent if that time is not known, as during a pause.
	Next *time.Time `json:"next_try,omitempty"`
	// Cause, Code and Message describe the last outcome.
	Cause   string `json:"cause,omitempty"`
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// CauseCount says how many letters had one cause.
type CauseCount struct {
	Cause   string `json:"cause"`
	Letters int    `json:"letters"`
}

// TopicFlaw is a setting that an operator should change, in the letters' topic or the ledger.
type TopicFlaw struct {
	Topic string `json:"topic"`
	deadletter.Flaw
}

// Wait is something that the worker waits for.
type Wait struct {
	For   string    `json:"for"`   // "topic orders does not exist; create it, or check KAFKA_TOPICS"
	Since time.Time `json:"since"` // failed attempts do not reset it
}

// Partition describes one partition of the worker's assignment.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	// Committed is the offset of the lowest event that a new owner would read: finished events above it are in the
	// commit's metadata. Fetched is the next offset to fetch. End is the log's end in the last fetch response; 0 before
	// the first response.
	Committed int64 `json:"committed"` // -1: not yet
	Fetched   int64 `json:"fetched"`
	End       int64 `json:"end"`
	// OpenTransaction describes a transaction that holds back events; absent if there is none.
	OpenTransaction *OpenTransaction `json:"open_transaction,omitempty"`
	Unfinished      int              `json:"unfinished"`
	OldestOffset    int64            `json:"oldest_unfinished_offset"` // -1: none
	OldestAge       float64          `json:"oldest_unfinished_age_seconds"`
	// WindowFull says that fetching rests until events are finished. Unknown says that the broker does not know the
	// partition: it gets no calls or commits until the worker knows whether its topic was deleted.
	WindowFull bool `json:"window_full,omitempty"`
	Unknown    bool `json:"unknown_to_broker,omitempty"`
}

// OpenTransaction is a producer's transaction that has been open for a few seconds. Events behind it are not read until
// it ends.
type OpenTransaction struct {
	LastStable int64     `json:"last_stable"` // the offset where it starts
	HeldBack   int64     `json:"events_held_back"`
	Since      time.Time `json:"since"` // the time of the first event held back
	Age        float64   `json:"age_seconds"`
}

// WaitingOrder is an order that waits for its next attempt.
type WaitingOrder struct {
	Event  string `json:"event"` // topic/partition/offset
	Order  string `json:"order_id"`
	Status string `json:"status"`
	// Time is the event's time, or the time when the event was read if the event's time is later or implausible.
	Time  time.Time `json:"event_time"`
	Tries int       `json:"tries"`
	// Next is the time of the next attempt; absent if that time is not known, as during a pause.
	Next *time.Time `json:"next_try,omitempty"`
	// Letter says that the order waits for its dead letter to be stored.
	Letter bool `json:"letter,omitempty"`
	// Cause, Code and Message describe the last outcome.
	Cause   string `json:"cause"`
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Outcome is the part of a waiting order's last outcome that several orders can share. It omits the message, which may
// name the order.
type Outcome struct {
	Cause  string `json:"cause"`
	Code   int    `json:"code,omitempty"`
	Letter bool   `json:"letter,omitempty"`
}

// OutcomeCount says how many waiting orders have an Outcome in common.
type OutcomeCount struct {
	Outcome

	Orders int `json:"orders"`
}

// Outcome returns the order's last outcome.
func (o WaitingOrder) Outcome() Outcome { return Outcome{o.Cause, o.Code, o.Letter} }

// Text returns the state as shown to people: "running", or "paused: outage".
func (s Worker) Text() string {
	if s.Paused {
		return "paused: " + s.State
	}
	return s.State
}

// Detail returns Text, followed by what the worker waits for: "waiting: topic orders does not exist; create it, or
// check KAFKA_TOPICS".
func (s Worker) Detail() string {
	texts := make([]string, 0, len(s.Waits))
	for _, w := range s.Waits {
		texts = append(texts, w.For)
	}
	switch {
	case len(texts) == 0:
		return s.Text()
	case s.Paused, s.Phase == running:
		return s.Text() + ", but waits: " + strings.Join(texts, "; ")
	}
	return s.Text() + ": " + strings.Join(texts, "; ")
}
