package worker

import (
	"time"

	"leadhit-sync/consumer/dispatch"
)

// Status is what /status shows and the demo prints. Ages are in seconds.
type Status struct {
	Schema  string    `json:"schema"`
	Version string    `json:"version"`
	Group   string    `json:"group"`
	State   string    `json:"state"`
	Since   time.Time `json:"since"`

	Events       uint64  `json:"events"`
	Calls        uint64  `json:"calls"`
	Retries      uint64  `json:"retries"`
	InFlight     int     `json:"calls_in_flight"`
	Limit        int     `json:"calls_limit"`
	Waiting      int     `json:"orders_waiting"`
	Blocked      int     `json:"events_blocked"`
	Letters      uint64  `json:"letters"`
	LettersInAir int     `json:"letters_in_air"`
	OldestAge    float64 `json:"oldest_unfinished_age_seconds"`
	Lag          float64 `json:"lag_seconds"`

	Partitions []PartitionStatus `json:"partitions"`
}

// PartitionStatus is one partition of a Status.
type PartitionStatus struct {
	Topic        string `json:"topic"`
	Partition    int    `json:"partition"`
	Committed    int64  `json:"committed"`
	Fetched      int64  `json:"fetched"`
	End          int64  `json:"end"`
	Unfinished   int    `json:"unfinished"`
	OldestOffset int64  `json:"oldest_unfinished_offset"`
	Unknown      bool   `json:"unknown_to_broker,omitempty"`
}

// Status returns a picture of now.
func (w *Worker) Status() Status {
	s := w.consumer.State()
	now := time.Now()
	out := Status{
		Schema: "status.v1", Version: w.version, Group: w.config.Kafka.Group, State: w.word(), Since: s.Since,
		Events: s.Fetched, InFlight: s.Dispatch.InFlight, Limit: s.Dispatch.Limit, Waiting: s.Dispatch.Waiting,
		Blocked: s.Dispatch.Blocked, LettersInAir: s.Dispatch.Letters, Partitions: []PartitionStatus{},
	}
	out.Calls, out.Retries, out.Letters = w.metrics.totals()
	out.OldestAge, out.Lag = ages(now, s.Dispatch.Partitions)
	if !s.Dispatch.Since.IsZero() {
		out.Since = s.Dispatch.Since
	}
	for _, p := range s.Dispatch.Partitions {
		out.Partitions = append(out.Partitions, PartitionStatus{
			Topic: p.Topic, Partition: p.Number, Committed: p.Committed, Fetched: p.Position, End: s.Ends[p.Partition],
			Unfinished: p.Unfinished, OldestOffset: p.OldestOffset, Unknown: p.Suspect,
		})
	}
	return out
}

// ages returns the age of the oldest unfinished event, and of the oldest one that was not tried and waits behind none.
func ages(now time.Time, partitions []dispatch.PartitionState) (oldest, untried float64) {
	for _, p := range partitions {
		oldest = max(oldest, age(now, p.Oldest))
		untried = max(untried, age(now, p.Untried))
	}
	return oldest, untried
}

func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
