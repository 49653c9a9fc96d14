package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter"
	"leadhit-sync/retry/loop"
)

// awaitLetters waits while the letters' topic has a fatal flaw or cannot be inspected. Meanwhile nothing may be
// consumed. It does not wait for a topic that does not exist, and it creates nothing, so that a worker with a misspelt
// group or topic leaves no topic behind. It returns false if ctx has ended.
func (w *Worker) awaitLetters(ctx context.Context) bool {
	var retrier loop.Retrier
	log := w.log.With(slog.String("topic", w.config.DeadLetter.Topic))
	for {
		_, err := w.usable(ctx, InspectLetters)
		switch {
		case err == nil:
			w.consumer.WaitFor("")
			return true
		case ctx.Err() != nil:
			return false
		}
		reason := cmp.Or(consumer.Explain(err),
			"the dead-letter topic "+w.config.DeadLetter.Topic+" cannot store letters yet: "+err.Error())
		w.consumer.WaitFor(reason)
		retrier.Failed()
		// Compare reasons, not errors, because the error names a different local port each time.
		retrier.Log(log, reason).WarnContext(ctx, "not consuming until dead letters can be stored; trying again",
			slog.Any("error", err), slog.String("reason", reason))
		if !retrier.Wait(ctx) {
			return false
		}
	}
}

// ensureLetters creates the letters' topic if it does not exist.
func (w *Worker) ensureLetters(ctx context.Context) error {
	created, err := ensureTopic(ctx, w.config, w.cluster, InspectLetters)
	if created {
		w.log.InfoContext(ctx, "dead-letter topic created", slog.String("topic", w.config.DeadLetter.Topic))
	}
	return err
}

// writeLetter stores a letter. If the topic was deleted, it recreates the topic for the next attempt.
func (w *Worker) writeLetter(ctx context.Context, l deadletter.Letter) error {
	err := appendLetter(ctx, w.config, w.cluster, l)
	switch {
	// Several writes may fail at once. The first one to get the lock recreates the topic. All are retried later.
	case errors.Is(err, kafkaerr.ErrUnknownPartition) && w.recreating.TryLock():
		defer w.recreating.Unlock()
		return errors.Join(err, w.ensureLetters(ctx))
	case errors.Is(err, kafkaerr.ErrUnfit), errors.Is(err, kafkaerr.ErrTooLarge):
		w.letterRefused()
	}
	return err
}

// appendLetter stores a letter, without the event's value if that is too large. After an error the letter may or may
// not be stored, and a retry may store it twice.
func appendLetter(ctx context.Context, c *config.Config, cluster *broker.Cluster, l deadletter.Letter) error {
	err := cluster.Append(ctx, c.DeadLetter.Topic, l.Encode())
	if errors.Is(err, kafkaerr.ErrTooLarge) {
		err = cluster.Append(ctx, c.DeadLetter.Topic, l.WithoutValue().Encode())
	}
	if err != nil {
		return fmt.Errorf("store letter %s: %w", l.ID(), err)
	}
	return nil
}
