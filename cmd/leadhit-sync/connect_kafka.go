package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/records"
)

// withKafka opens the cluster that the settings name, and calls the function ask with the cluster. If Kafka does not
// respond for a while, withKafka prints a notice to stderr; so ask must call Answered on the notice after each
// response. If the connection fails, the error also names the settings to check. When ask returns, withKafka closes the
// cluster and stops the notice, so ask must not leave behind a goroutine that uses them. The client's log is discarded,
// because a command reports its error once, at the end. Nothing connects to Kafka before ask does, so a wrong address
// appears as an error from ask.
func withKafka(
	ctx context.Context, stderr io.Writer, settings *config.Config,
	ask func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error,
) error {
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer cluster.Close()
	n := terminal.StartNotice(stderr, fmt.Sprintf("waiting for Kafka at %s…", strings.Join(settings.Kafka.Brokers, ",")))
	defer n.Stop()
	return hinted(settings.Kafka.Topics, ask(ctx, cluster, n))
}

// hinted adds advice to a connection error: the settings to check. Errors about topics and groups already name their
// settings. A person who runs a command by hand has usually forgotten a setting, and "connection refused" names none.
// An interrupted command needs no advice, so a cancelled context keeps its error. topics are those in KAFKA_TOPICS. If
// the error says that one of these topics does not exist, it is replaced, because Kafka's own text names neither the
// topic nor the setting.
func hinted(topics []string, err error) error {
	answer, asked := errors.AsType[*kafkaerr.Error](err)
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case asked && answer.Partition < 0 && errors.Is(err, kafkaerr.ErrUnknownPartition) &&
		slices.Contains(topics, answer.Topic):
		return &absentTopicError{answer.Topic, err}
	case network, errors.Is(err, context.DeadlineExceeded), errors.Is(err, dial.ErrTLS):
	// A broker that responded with an error code can be reached, so the connection settings are right.
	case !asked, answer.Code != 0 && answer.Topic != "", errors.Is(err, kafkaerr.ErrUnknownPartition),
		errors.Is(err, records.ErrCorrupt):
		return err
	}
	return fmt.Errorf("%w%s", err, kafkaHint(err))
}

// absentTopicError says that a topic in KAFKA_TOPICS does not exist.
type absentTopicError struct {
	topic string
	err   error
}

func (e *absentTopicError) Error() string {
	return "topic " + e.topic + " does not exist; create it, or check KAFKA_TOPICS"
}

func (e *absentTopicError) Unwrap() error { return e.err }
