package worker

import (
	"context"
	"errors"
	"log/slog"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter"
	"leadhit-sync/retry/loop"
)

func (w *Worker) openLetters() (err error) {
	w.letters, err = deadletter.OpenWriter(deadletter.WriterOptions{
		Brokers: w.cluster.Addr(), Transport: w.cluster.Transport(), Topic: w.config.DeadLetter.Topic,
	})
	return err
}

// awaitLetters waits until the letters' topic can store letters, or does not exist: before that nothing may be consumed. It creates
// nothing, so that a worker with a misspelt group or topic leaves none behind. False: ctx has ended.
func (w *Worker) awaitLetters(ctx context.Context) bool {
	var retrier loop.Retrier
	log := w.log.With(slog.String("topic", w.config.DeadLetter.Topic))
	for {
		_, err := w.cluster.Topics(ctx) // its error shows a refused login, and brokers that are too old
		if err == nil {
			err = w.lettersFit(ctx)
		}
		switch {
		case err == nil:
			w.consumer.WaitFor("")
			return true
		case ctx.Err() != nil:
			return false
		}
		reason, wait := lettersTrouble(err), lettersWait(w.config.DeadLetter.Topic, err)
		w.consumer.WaitFor(wait)
		retrier.Failed()
		retrier.Log(log, reason, reason, slog.Any("error", err), slog.String("reason", wait)) // the error names another port at each try
		if !retrier.Wait(ctx) {
			return false
		}
	}
}

// lettersFit returns an error if the letters' topic cannot store letters.
func (w *Worker) lettersFit(ctx context.Context) error {
	found, err := w.inspectLetters(ctx)
	if err != nil {
		return err
	}
	return found.Err()
}

// ensureLetters creates the letters' topic if it does not exist.
func (w *Worker) ensureLetters(ctx context.Context) error {
	created, err := deadletter.EnsureTopic(ctx, w.cluster.Client(), lettersSpec(w.config))
	if created {
		w.log.InfoContext(ctx, "dead-letter topic created", slog.String("topic", w.config.DeadLetter.Topic))
	}
	return err
}

// writeLetter stores a letter. A topic that was deleted meanwhile is created again, for the next try.
func (w *Worker) writeLetter(ctx context.Context, l deadletter.Letter) error {
	err := w.letters.Write(ctx, l)
	switch {
	case errors.Is(err, deadletter.ErrTopicMissing) && w.recreating.TryLock():
		defer w.recreating.Unlock()
		return errors.Join(err, w.ensureLetters(ctx))
	case errors.Is(err, deadletter.ErrUnfit), errors.Is(err, deadletter.ErrTooLarge):
		w.letterRefused()
	}
	return err
}

// lettersTrouble describes why the letters' topic cannot be inspected, or cannot store letters.
func lettersTrouble(err error) string {
	switch {
	case errors.Is(err, broker.ErrTLS):
		return "cannot connect to Kafka over TLS, so nothing is consumed; the worker keeps trying; check KAFKA_BROKERS and the KAFKA_TLS settings"
	case errors.Is(err, broker.ErrNotKafka):
		return "a broker's address belongs to something other than Kafka, so nothing is consumed; the worker keeps trying; check KAFKA_BROKERS and advertised.listeners"
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism),
		errors.Is(err, kafka.IllegalSASLState):
		return "Kafka rejects the login, so nothing is consumed; the worker keeps trying; check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME " +
			"and KAFKA_SASL_PASSWORD_FILE"
	case errors.Is(err, deadletter.ErrUnfit), errors.Is(err, deadletter.ErrUnauthorised), errors.Is(err, deadletter.ErrTopicMissing):
		return "the dead-letter topic cannot store letters, so nothing is consumed; the worker keeps trying; fix the cause that the error names"
	}
	return "waiting for Kafka; if this lasts, check KAFKA_BROKERS"
}
