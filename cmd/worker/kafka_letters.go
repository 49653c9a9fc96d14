package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter"
)

const lettersAgain = 2 * time.Second

func (w *Worker) openLetters() (err error) {
	w.letters, err = deadletter.OpenWriter(deadletter.WriterOptions{
		Brokers: w.cluster.Addr(), Transport: w.cluster.Transport(), Topic: w.config.DeadLetter.Topic,
	})
	return err
}

// ensureLetters waits until the letters' topic is fit to keep letters: without it nothing may be consumed. False: ctx has
// ended.
func (w *Worker) ensureLetters(ctx context.Context) bool {
	told := ""
	for {
		_, err := w.cluster.Topics(ctx) // nothing is created where the worker could not work
		if err == nil {
			err = w.ensureTopic(ctx)
		}
		switch {
		case err == nil:
			w.consumer.WaitFor("")
			return true
		case ctx.Err() != nil:
			return false
		case lettersTrouble(err) != told: // a line a change; the error's own text has another port at each try
			told = lettersTrouble(err)
			w.log.WarnContext(ctx, told, slog.String("topic", w.config.DeadLetter.Topic), slog.Any("error", err), //nolint:sloglint // one of five static messages
				slog.String("reason", lettersWait(w.config.DeadLetter.Topic, err)))
		}
		w.consumer.WaitFor(lettersWait(w.config.DeadLetter.Topic, err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lettersAgain):
		}
	}
}

// ensureTopic creates the letters' topic if it is absent.
func (w *Worker) ensureTopic(ctx context.Context) error {
	created, err := deadletter.EnsureTopic(ctx, w.cluster.Client(), deadletter.TopicSpec{
		Name: w.config.DeadLetter.Topic, SourceMaxBytes: w.sourceMaxBytes(ctx),
	})
	if created {
		w.log.InfoContext(ctx, "dead-letter topic created", slog.String("topic", w.config.DeadLetter.Topic))
	}
	return err
}

// writeLetter stores a letter. A topic that was deleted meanwhile is made anew, for the next try.
func (w *Worker) writeLetter(ctx context.Context, l deadletter.Letter) error {
	err := w.letters.Write(ctx, l)
	if errors.Is(err, deadletter.ErrTopicMissing) && w.mending.TryLock() {
		defer w.mending.Unlock()
		return errors.Join(err, w.ensureTopic(ctx))
	}
	return err
}

// lettersTrouble says in words what keeps the letters' topic from being looked at, or from keeping letters.
func lettersTrouble(err error) string {
	switch {
	case errors.Is(err, broker.ErrTLS):
		return "no TLS with Kafka, so nothing is consumed; check KAFKA_BROKERS and the KAFKA_TLS settings, the worker starts by itself"
	case errors.Is(err, broker.ErrNotKafka):
		return "what answers at a broker's address is not Kafka, so nothing is consumed; the worker starts by itself when a broker answers"
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism),
		errors.Is(err, kafka.IllegalSASLState):
		return "Kafka refuses the login, so nothing is consumed; check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the password's file, " +
			"the worker starts by itself"
	case errors.Is(err, deadletter.ErrOneReplica), errors.Is(err, deadletter.ErrUnauthorised), errors.Is(err, deadletter.ErrTopicMissing):
		return "the dead-letter topic cannot keep letters, so nothing is consumed; mend it, the worker starts by itself"
	}
	return "waiting for Kafka; check KAFKA_BROKERS if this goes on"
}

// sourceMaxBytes is the largest record that can come, 0 if it cannot be told yet.
func (w *Worker) sourceMaxBytes(ctx context.Context) int {
	largest := 0
	for _, topic := range w.config.Kafka.Topics {
		if size, _, err := w.cluster.MaxMessageBytes(ctx, topic); err == nil {
			largest = max(largest, size)
		}
	}
	return largest
}
