package worker

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// retentionEvery is how often the topics' retention is asked for: who lengthens it in need must see it count.
	retentionEvery = 5 * time.Minute
	retentionAgain = 15 * time.Second
)

// retention is how old an event of each topic may grow before Kafka deletes it. A topic that it does not hold keeps its
// events for ever, or nobody may ask. The zero value is ready.
type retention struct {
	mu     sync.Mutex
	limits map[string]time.Duration
}

func (r *retention) all() map[string]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.limits)
}

// watchRetention asks for the retention of each topic now and then, until ctx ends.
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

// readRetention reports whether all topics could be asked about. What could not stays as it was.
func (w *Worker) readRetention(ctx context.Context) bool {
	whole := true
	found := make(map[string]time.Duration)
	before := w.retention.all()
	for _, topic := range w.config.Kafka.Topics {
		age, limited, err := w.cluster.Retention(ctx, topic)
		switch {
		case err != nil:
			whole = false
			if age, limited = before[topic], before[topic] > 0; ctx.Err() == nil {
				w.log.DebugContext(ctx, "cannot read the topic's retention", slog.String("topic", topic), slog.Any("error", err))
			}
		case limited && before[topic] != age:
			w.log.InfoContext(ctx, "read the topic's retention: events expire unread after it",
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
