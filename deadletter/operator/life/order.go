package life

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// Order is what is known about one order. Its JSON names never change; new ones may be added.
type Order struct {
	Schema string `json:"schema"`
	Order  string `json:"order_id"`
	// Since is the record time from which the topics were read. Earlier events of the order are not in Events, unless a
	// letter or the ledger mentions them.
	Since  time.Time `json:"since"`
	Topics []string  `json:"topics"`
	// Read counts the records that were read, including those of other orders, because a topic has no index of orders.
	Read     int     `json:"events_read"`
	Seconds  float64 `json:"seconds"`
	Complete bool    `json:"complete"` // false: interrupted
	// Unmapped counts the events that could not be read, because the schema registry did not respond. Some of them may
	// be about the order. More counts the order's events beyond the limit on Events.
	Unmapped int      `json:"events_without_schema,omitempty"`
	More     int      `json:"events_left_out,omitempty"`
	Workers  []Asked  `json:"workers"`
	Notes    []Note   `json:"notes"` // what is not known, and why
	Events   []*Event `json:"events"`
}

// Asked is a worker that was queried. Error says why the worker reported nothing about the order.
type Asked struct {
	URL   string `json:"url"`
	Error string `json:"error,omitempty"`
}

// Event is what one event says about the order, and what happened to it.
type Event struct {
	ID        string `json:"event"` // as in the letters
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	// Item counts from 0 and is absent if the event has one item.
	Item *int `json:"item,omitempty"`
	// Time is the record's time; null if it is unknown, or beyond what JSON can express.
	Time *time.Time `json:"time"`
	// Action is what the current mapping returns for the event; empty if only letters or the ledger mentions it. ByKey
	// says that the mapping finds no order id, but the record's key is the order's id.
	Action  string `json:"action,omitempty"`
	Status  string `json:"status,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Message string `json:"message,omitempty"`
	By      string `json:"decided_by,omitempty"`
	ByKey   bool   `json:"by_key,omitempty"`
	// Repeats is the earlier event that asked for the same call. A worker that made that call makes no second one.
	Repeats string `json:"repeats,omitempty"`

	State   State   `json:"state"`
	Before  *int64  `json:"events_before,omitempty"` // at most this many events come before this one
	Work    *Work   `json:"work,omitempty"`
	Letter  *Letter `json:"letter,omitempty"`
	History []Step  `json:"history"`
}

// State is what happened to an event.
type State string

// The states that [Facts.Decide] works out itself. All others are what a worker reports for the event: blocked, ready,
// in flight, waiting, storing, marking, commit.
const (
	Finished     State = "finished"      // committed, and there is no letter
	Committed    State = "committed"     // the letters were not read
	HasLetter    State = "letter"        // see Letter
	NotReached   State = "not reached"   // the worker has not fetched it
	NothingLeft  State = "nothing left"  // the worker has fetched it and lists nothing left to do
	Fetched      State = "fetched"       // the worker has fetched it and does not say more
	NotCommitted State = "not committed" // and no worker reports on its partition
	Unknown      State = "unknown"
)

// Work is what a worker is doing with the event, or with the event's replay.
type Work struct {
	// The names up to Message are the same as in the worker's status: see [status.Item].
	Replay  int        `json:"replay,omitempty"`
	Doing   string     `json:"doing"`
	Behind  string     `json:"behind,omitempty"`
	Tries   int        `json:"tries"`
	Repeat  bool       `json:"repeat,omitempty"` // it needed no call, because it repeats what LeadHit accepted last
	Next    *time.Time `json:"next_try,omitempty"`
	Cause   string     `json:"cause,omitempty"`
	Code    int        `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	Paused  string     `json:"paused,omitempty"` // why no call may start
}

// Letter is the state of the event's letter.
type Letter struct {
	State   fold.State `json:"state"`
	Replays int        `json:"replays"` // requested so far, whatever their outcomes
	// Overtaken says that LeadHit accepted a newer event of the order, named by Newer. In that case, a replay ends as
	// superseded, unless it is forced.
	Overtaken bool   `json:"overtaken,omitempty"`
	Newer     string `json:"newer,omitempty"`
	Expired   bool   `json:"expired,omitempty"` // only the ledger mentions it
}

// Step is a record in the letters' topic or a ledger entry.
type Step struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"`   // letter, or the entry's event
	Replay  int       `json:"replay"` // the replay's number; 0 before the first replay
	Run     string    `json:"run,omitempty"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Message string    `json:"message,omitempty"`
	Stage   string    `json:"stage,omitempty"`
	Tries   int       `json:"tries,omitempty"`
	Version string    `json:"version,omitempty"`
	Record  string    `json:"record,omitempty"` // the letter's place
	Note    string    `json:"note,omitempty"`
	Newer   string    `json:"newer,omitempty"`
	Force   bool      `json:"force,omitempty"`
	// Counted is false for an entry that changed nothing, such as the second of two replays.
	Counted bool `json:"counted"`
}

// NewEvent returns an event of which only the id is known.
func NewEvent(id ledger.ID) *Event {
	e := &Event{
		ID: id.String(), Topic: id.Topic, Partition: id.Partition, Offset: id.Offset, History: []Step{},
	}
	if id.Item != ledger.NoItem {
		e.Item = &id.Item
	}
	return e
}

// JSONTime returns nil for a time that JSON cannot express.
func JSONTime(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	return &t
}

// LetterStep returns the step for a record in the letters' topic.
func LetterStep(l deadletter.Letter, at event.Place) Step {
	return Step{
		At: l.FailedAt, What: "letter", Replay: l.ReplayCount, Run: l.ReplayRun, Cause: l.Cause, Message: l.Message,
		Stage: deadletter.StageName(l.Stage), Tries: l.Attempts, Version: l.Version, Record: at.ID(), Counted: true,
	}
}

// EntryStep returns the step for a ledger entry.
func EntryStep(e ledger.Entry, counted bool) Step {
	return Step{
		At: e.At, What: string(e.Event), Replay: e.N, Run: e.Run, By: e.By, Reason: e.Reason, Cause: e.Cause, Note: e.Note,
		Newer: e.Newer, Force: e.Force, Counted: counted || e.Event == ledger.LetterRevealed,
	}
}

// Sort sorts the events by time. Events with the same time keep the log's order.
func (l *Order) Sort() {
	slices.SortStableFunc(l.Events, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	slices.SortStableFunc(l.Events, func(a, b *Event) int {
		return timeOf(a).Compare(timeOf(b))
	})
}

// timeOf returns the zero time for an event without a time. Such events come first.
func timeOf(e *Event) time.Time {
	if e.Time == nil {
		return time.Time{}
	}
	return *e.Time
}
