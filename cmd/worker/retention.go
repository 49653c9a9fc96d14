package worker

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// retentionEvery is how often the topics' retention is read, because an operator who lengthens a retention must see
	// the effect soon.
	retentionEvery = 5 * time.Minute
	retentionAgain = 15 * time.Second
)

// retention holds, by topic, the age at which Kafka deletes an event or a letter. A topic has no entry if it keeps its
// records for ever, or if we are not allowed to read its settings. The zero value is ready to use.
type retention struct {
	mu     sync.Mutex
	limits map[string]time.Duration
}

func (r *retention) all() map[string]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.limits)
}

// watchRetention reads the retention of each topic every retentionEvery, or retentionAgain after a failure, until ctx
// ends.
func (w *Worker) watchRetention(ctx context.Context) error {
	for {
		wait := retentionEvery
		if !w.readRetention(ctx) {
			wait = retentionAgain
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// readRetention reads how long each topic keeps its records, for the metrics about retention. It reports
// whether it could read the retention of all topics. A topic whose retention cannot be read keeps its last value.
func (w *Worker) readRetention(ctx context.Context) bool {
	whole := true
	found := make(map[string]time.Duration)
	before := w.retention.all()
	for _, topic := range append([]string{w.config.DeadLetter.Topic}, w.config.Kafka.Topics...) {
		age, limited, err := w.cluster.Retention(ctx, topic)
		switch {
		case err != nil:
			whole = false
			if age, limited = before[topic], before[topic] > 0; ctx.Err() == nil {
				w.log.DebugContext(ctx, "cannot read the topic's retention", slog.String("topic", topic), slog.Any("error", err))
			}
		case limited && before[topic] != age && topic != w.config.DeadLetter.Topic:
			w.log.InfoContext(ctx, "found the topic's retention; "+
				"Kafka deletes events that are older than this, even if they are unread",
				slog.String("topic", topic), slog.String("retention", age.String()))
		}
		if limited {
			found[topic] = age
		}
	}
	w.retention.mu.Lock()
	w.retention.limits = found
	w.retention.mu.Unlock()
	return whole
}
