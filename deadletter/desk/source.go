package desk

import (
	"context"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

// Source provides what the desk shows. Its methods may be called concurrently.
type Source interface { //nolint:interfacebloat // one backend does all of it
	// Look calls look with the view of both topics, as they were last read. Nothing changes the view during the call,
	// and look must not keep the view. Until the first good read the view is empty or incomplete, but never nil, and
	// Reading.At is zero.
	Look(look func(*view.View)) Reading
	// Letter reads the newest record of a letter, and its history.
	Letter(ctx context.Context, id ledger.ID) (Letter, error)
	// Plan reads both topics to their ends and plans a replay of the letters that match.
	Plan(ctx context.Context, f view.Filter) (Plan, error)
	// Order reads what happened to the events of an order.
	Order(ctx context.Context, order string, since time.Time) (Order, error)
	// Workers requests the status of the workers, and reads the pauses in force.
	Workers(ctx context.Context) Workers
}

// Writer does what a person may do at the desk. Each method writes ledger entries in the person's name.
type Writer interface { //nolint:interfacebloat // one backend does all of it
	// Start starts a run of the plan and returns the run's id. The run continues when ctx ends. The error is a
	// [replay.ChangedError] if the letters have changed since the plan was made. In that case, no letter is requeued.
	Start(ctx context.Context, p Plan, o Options, s Signature) (run string, err error)
	// Stop stops a run of this process. Workers still finish the letters that were requeued.
	Stop(run string, s Signature) error
	// Change dismisses or reopens letters, and returns what happened to each.
	Change(ctx context.Context, what ledger.Event, ids []ledger.ID, s Signature) ([]Changed, error)
	// Reveal records that the person looks at a letter's value. The desk shows the value only if there is no error.
	Reveal(ctx context.Context, id ledger.ID, s Signature) error
	// Pause writes a pause. Resume ends all pauses, whether a person or the flood guard wrote them.
	Pause(ctx context.Context, s Signature) error
	Resume(ctx context.Context, s Signature) error
}

// Signature says who does something, and why. By is the name by which [Access] identified the person. Reason is at most
// 1 KiB, on one line.
type Signature struct{ By, Reason string }

// Reading says how fresh a view is.
type Reading struct {
	// At is the time of the last good read; zero if there was none. Number grows with each read that brought something
	// new.
	At     time.Time
	Number uint64
	// Err says why the last read failed; nil if it did not fail.
	Err error
	// Limits are the limits of a plan, as far as they are known without querying Kafka for each letter.
	Limits replay.Limits
	// Running lists the runs of this process, which it can stop.
	Running []string
}

// Letter is a letter with the event of its newest record.
type Letter struct {
	view.Letter

	Event   event.Record // with key, headers and value
	History []Step       // oldest first
}

// Step is one record of a letter, or one ledger entry about the letter. Fields that do not apply are empty.
type Step struct {
	At time.Time
	// Event is the entry's event, or "letter" for a record.
	Event                           string
	By                              string
	N                               int  // of the replay
	Counted                         bool // false for an entry that came second and changed nothing
	Reason, Note, Newer, Cause, Run string
	// Force applies to a replay. The other fields describe a record in the letters' topic: Stage is mapping or call,
	// Record is the record's place, Version is the version of the worker that wrote it, and Tries counts that worker's
	// calls.
	Force                  bool
	Message, Stage, Record string
	Version                string
	Tries                  int
}

// Plan is what a run would do, with what a person needs to know about it.
type Plan struct {
	replay.Plan

	// At is when both topics had been read to their ends. Start notices if letters have changed since.
	At       time.Time
	Filter   view.Filter // with fixed times
	Warnings []Note
	// Missing says why this desk cannot carry the plan out; nil if it can.
	Missing error
}

// Note is a message to the user. The catalogues have its text, by Name, with Facts as arguments. Text is the English
// text, for a Name that the catalogues lack.
type Note struct {
	Name  string
	Facts []any
	Text  string
}

// Options are the options of a run that a person may set.
type Options struct {
	Rate   float64 // letters a second
	Canary int     // letters that must be resolved before the others are requeued
}

// Changed says what happened to a letter that a person wanted to dismiss or reopen.
type Changed struct {
	ID ledger.ID
	// Counted is false if another entry about the letter was in the ledger first, so that the person's entry changed
	// nothing.
	Counted bool
	// State is the letter's state now. If the entry did not count, First says what was done to the letter first, and by
	// whom.
	State fold.State
	First string
}
