package desk

import (
	"time"

	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// Order is what is known about the events of one order. Its strings are the same as in the order command's JSON.
type Order struct {
	ID string
	// Since is the record time from which events were read. Topics are the topics that were read.
	Since    time.Time
	Topics   []string
	Read     int     // events
	Seconds  float64 // that the reading took
	Complete bool    // false: interrupted
	Unmapped int     // events that cannot be read, because their schemas cannot be looked up
	More     int     // events that are left out
	Notes    []Note
	Events   []OrderEvent // oldest first
}

// OrderEvent is what one event says about an order, and what happened to that event.
type OrderEvent struct {
	ID   string
	Time time.Time // zero if unknown
	// Action is what the current mapping returns for the event; empty if only letters or the ledger mentions it.
	Action, Status, Cause, Message, DecidedBy string
	ByKey                                     bool // the mapping finds no id, but the record's key is the order's id
	// Repeats is the earlier event that asked for the same call. The worker that made that call makes no second one.
	Repeats string
	// State is one of "finished", "committed", "letter", "not reached", "nothing left", "fetched", "not committed" and
	// "unknown", or says what a worker does: "blocked", "ready", "in flight", "waiting", "storing", "marking" or
	// "commit".
	State  string
	Before int64 // at most this many events still come before this one; -1 if unknown
	Work   *OrderWork
	// Letter is nil if there is none. Its Newer is set if the letter is overtaken.
	Letter  *fold.Status
	History []Step
}

// OrderWork is what a worker does with an event, or with its replay.
type OrderWork struct {
	Replay         int
	Doing          string
	Behind         string // the event that must be finished first
	Tries          int
	Next           time.Time // when the next attempt is due; zero if that does not depend on time
	Cause, Message string
	Code           int
	Paused         string // why no call may start
}

// Workers is what the group's workers report, and what pauses them.
type Workers struct {
	Group   string
	Workers []Worker
	Pauses  []ledger.Entry // the pauses in force, from the ledger
	// Unread says why the pauses are not known, and is nil if they are. Err says why the workers are not known, and is
	// nil if they are.
	Unread, Err error
}

// Worker is one worker whose status was requested.
type Worker struct {
	URL    string         // of its status page
	Err    error          // why it did not respond
	Status *status.Worker // nil if it did not respond
}
