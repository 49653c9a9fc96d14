package worker

import (
	"fmt"
	"strings"
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch"
)

// listedOrders is how many waiting orders a Status names: those of the oldest events.
const listedOrders = 20

// Status is what /status shows, and what the status command and the demo print. Ages are in seconds.
type Status struct {
	Schema  string `json:"schema"` // status.v1
	Version string `json:"version"`
	Group   string `json:"group"`
	// At is now by the worker's clock.
	At time.Time `json:"at"`
	// State is what pauses the calls, if Paused, else Phase. Since is when it began; Reason and By are what a person or the
	// flood guard said of a pause, and who that was.
	State  string    `json:"state"`
	Paused bool      `json:"paused"`
	Phase  string    `json:"phase"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
	// Waits are what the worker waits for now, the oldest wait first; a running worker does the rest of its work meanwhile.
	Waits []Wait `json:"waits"`
	// Problems are what holds work up and does not end by itself, in words that say what to do.
	Problems []string `json:"problems,omitempty"`

	Events    uint64  `json:"events"`
	Finished  uint64  `json:"events_finished"`
	Calls     uint64  `json:"calls"`
	Retries   uint64  `json:"retries"`
	InFlight  int     `json:"calls_in_flight"`
	Limit     int     `json:"calls_limit"`
	PerSecond float64 `json:"calls_per_second_limit"` // 0: none
	// RetryAfter is until when LeadHit asked all calls to wait; absent if they need not.
	RetryAfter *time.Time `json:"retry_after,omitempty"`

	Waiting      int     `json:"orders_waiting"`
	Blocked      int     `json:"events_blocked"`
	Letters      uint64  `json:"letters"`
	LettersInAir int     `json:"letters_in_air"`
	OldestAge    float64 `json:"oldest_unfinished_age_seconds"`
	Lag          float64 `json:"lag_seconds"`
	// TwoPartitions counts orders that were seen in two partitions of one topic.
	TwoPartitions int `json:"orders_in_two_partitions"`

	LastHour []CauseCount   `json:"letters_last_hour"`
	Orders   []WaitingOrder `json:"waiting"` // 20 of the oldest at most
	// Flaws are settings of the letters' topic and of the ledger that somebody should change.
	Flaws      []TopicFlaw       `json:"topic_flaws"`
	Partitions []PartitionStatus `json:"partitions"`
}

// Wait is something that the worker waits for.
type Wait struct {
	For   string    `json:"for"`   // "topic orders does not exist; create it, or check KAFKA_TOPICS"
	Since time.Time `json:"since"` // tries that fail do not move it
}

// PartitionStatus is one partition of a Status.
type PartitionStatus struct {
	Topic        string  `json:"topic"`
	Partition    int     `json:"partition"`
	Committed    int64   `json:"committed"` // -1: not yet
	Fetched      int64   `json:"fetched"`
	End          int64   `json:"end"`
	Unfinished   int     `json:"unfinished"`
	OldestOffset int64   `json:"oldest_unfinished_offset"` // -1: none
	OldestAge    float64 `json:"oldest_unfinished_age_seconds"`
	WindowFull   bool    `json:"window_full,omitempty"`
	Unknown      bool    `json:"unknown_to_broker,omitempty"`
}

// WaitingOrder is an order that waits for its next try.
type WaitingOrder struct {
	Event  string    `json:"event"` // topic/partition/offset
	Order  string    `json:"order_id"`
	Status string    `json:"status"`
	Time   time.Time `json:"event_time"`
	Tries  int       `json:"tries"`
	// Next is when it is tried again; absent where that is not a matter of time, as under a pause.
	Next *time.Time `json:"next_try,omitempty"`
	// Letter says that a dead letter is to be stored and could not be yet.
	Letter bool `json:"letter,omitempty"`
	// Cause, Code and Message are the last answer, or the lack of one.
	Cause   string `json:"cause"`
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Text is the state as people read it: "running", or "paused: outage".
func (s Status) Text() string {
	if s.Paused {
		return "paused: " + s.State
	}
	return s.State
}

// Detail is Text with what the worker waits for: "waiting: topic orders does not exist; create it, or check KAFKA_TOPICS".
func (s Status) Detail() string {
	texts := make([]string, 0, len(s.Waits))
	for _, w := range s.Waits {
		texts = append(texts, w.For)
	}
	switch {
	case len(texts) == 0:
		return s.Text()
	case s.Paused, s.Phase == string(consumer.Running):
		return s.Text() + ", but waits: " + strings.Join(texts, "; ")
	}
	return s.Text() + ": " + strings.Join(texts, "; ")
}

// Status returns a picture of now.
func (w *Worker) Status() Status {
	s, now := w.consumer.State(), time.Now()
	d := s.Dispatch
	out := Status{
		Schema: "status.v1", Version: w.version, Group: w.config.Kafka.Group, At: now,
		State: word(s), Paused: d.Held != "", Phase: string(s.Phase), Since: s.Since, Reason: d.Reason, By: d.By,
		Events: s.Fetched, Finished: d.Finished, InFlight: d.InFlight, Limit: d.Limit, PerSecond: d.PerSecond,
		Waiting: d.Waiting, Blocked: d.Blocked, LettersInAir: d.Letters, TwoPartitions: w.metrics.spread.count(),
		Problems: w.problems(s), Flaws: w.fitness.flaws(),
		LastHour: w.metrics.lately.causes(now), Waits: []Wait{}, Orders: []WaitingOrder{}, Partitions: []PartitionStatus{},
	}
	out.Calls, out.Retries, out.Letters = w.metrics.totals()
	out.OldestAge, out.Lag = ages(now, d.Partitions, "")
	if !d.Since.IsZero() {
		out.Since = d.Since
	}
	if d.Quiet.After(now) {
		out.RetryAfter = &d.Quiet
	}
	for _, wait := range s.Waits {
		out.Waits = append(out.Waits, Wait(wait))
	}
	for _, o := range w.consumer.WaitingOrders(listedOrders) {
		out.Orders = append(out.Orders, waitingOrder(o))
	}
	for _, p := range d.Partitions {
		out.Partitions = append(out.Partitions, PartitionStatus{
			Topic: p.Topic, Partition: p.Number, Committed: p.Committed, Fetched: p.Position, End: s.Ends[p.Partition],
			Unfinished: p.Unfinished, OldestOffset: p.OldestOffset, OldestAge: age(now, p.Oldest),
			WindowFull: p.Resting, Unknown: p.Suspect,
		})
	}
	return out
}

func waitingOrder(o dispatch.WaitingOrder) WaitingOrder {
	out := WaitingOrder{
		Event: fmt.Sprintf("%s/%d/%d", o.Topic, o.Number, o.Offset), Order: o.Order, Status: o.Status, Time: o.Time,
		Tries: o.Attempts, Letter: o.Letter, Cause: o.Last.Cause, Code: o.Last.Code, Message: o.Last.Message,
	}
	if !o.Next.IsZero() {
		out.Next = &o.Next
	}
	return out
}

// word is the state in one word, as metrics name it.
func word(s consumer.State) string {
	if s.Dispatch.Held != "" {
		return s.Dispatch.Held
	}
	return string(s.Phase)
}

// ages returns the age of the oldest unfinished event, and of the oldest one that was not tried and waits behind none: of one
// topic, or of all if it is "".
func ages(now time.Time, partitions []dispatch.PartitionState, topic string) (oldest, untried float64) {
	for _, p := range partitions {
		if topic == "" || topic == p.Topic {
			oldest = max(oldest, age(now, p.Oldest))
			untried = max(untried, age(now, p.Untried))
		}
	}
	return oldest, untried
}

func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
