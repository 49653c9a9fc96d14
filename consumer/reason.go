package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// topicsReason returns why the topics cannot be consumed yet.
func topicsReason(t inspect.Topology, err error) reason {
	var denied, missing []string
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		switch topic := t.Topics[name]; {
		case topic.Missing:
			missing = append(missing, name)
		case errors.Is(topic.Err, kafkaerr.ErrUnauthorised):
			denied = append(denied, name)
		}
	}
	switch {
	case len(denied) > 0:
		return undescribable(denied)
	case len(missing) > 0:
		return absent(missing)
	}
	return accessReason(err)
}

// absent returns the reason for topics that do not exist.
func absent(topics []string) reason {
	if len(topics) == 1 {
		return reason{what: "topic " + topics[0] + " does not exist", fix: "create it, or check KAFKA_TOPICS"}
	}
	return reason{
		what: "topics " + strings.Join(topics, ", ") + " do not exist", fix: "create them, or check KAFKA_TOPICS",
	}
}

// undescribable returns the reason for topics that we are not allowed to describe.
func undescribable(topics []string) reason {
	if len(topics) == 1 {
		return reason{
			what: "Kafka does not allow the worker's user to describe the topic " + topics[0],
			fix:  "grant Read and Describe on it, or check KAFKA_TOPICS",
		}
	}
	return reason{
		what: "Kafka does not allow the worker's user to describe the topics " + strings.Join(topics, ", "),
		fix:  "grant Read and Describe on them, or check KAFKA_TOPICS",
	}
}

// Explain returns why requests to Kafka fail, and which setting may be wrong. It returns "" for an error that is not
// about the connection.
func Explain(err error) string {
	if !unreachable(err) {
		return ""
	}
	return accessReason(err).String()
}

// unreachable reports whether an error is about the connection, the login or the protocol, and not about a particular
// topic or group.
func unreachable(err error) bool {
	var network *net.OpError
	return loginRejected(err) || errors.As(err, &network) ||
		errors.Is(err, kafkaerr.ErrTooOld) || errors.Is(err, dial.ErrNotKafka) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// accessReason returns why requests to Kafka fail.
func accessReason(err error) reason {
	switch {
	case errors.Is(err, dial.ErrTLS):
		return reason{what: "cannot connect to Kafka over TLS", fix: "check KAFKA_BROKERS and the KAFKA_TLS settings"}
	case loginRejected(err):
		return reason{
			what: "Kafka rejects the login",
			fix:  "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the file of KAFKA_SASL_PASSWORD_FILE",
		}
	case errors.Is(err, dial.ErrNotKafka):
		return reason{what: "a broker's address belongs to something other than Kafka: " + withoutPorts(err.Error())}
	case errors.Is(err, kafkaerr.ErrTooOld), errors.Is(err, kafka.UnsupportedVersion):
		return reason{what: "a broker is older than Kafka 0.11", fix: "upgrade the brokers, or check KAFKA_BROKERS"}
	case errors.Is(err, kafkaerr.ErrUnauthorised):
		return reason{
			what: "Kafka does not allow the worker's user to make this request",
			fix:  "check the user's ACLs with leadhit-sync check",
		}
	case errors.Is(err, kafkaerr.ErrNotLeader):
		return reason{what: "a partition has no leader yet", fix: "if this lasts, look at the brokers", passing: true}
	}
	return reason{
		what: "Kafka cannot be reached: " + withoutPorts(err.Error()), fix: "check KAFKA_BROKERS, and the brokers",
	}
}

// topicReason returns why one of our own topics cannot be read.
func topicReason(err error) reason {
	if unreachable(err) || errors.Is(err, kafkaerr.ErrNotLeader) { // a new topic has no leader for a moment
		return accessReason(err)
	}
	return reason{what: withoutPorts(err.Error()), fix: "check that the topic may be read and written"}
}

// offsetsReason returns why the group's offsets cannot be read. The error may also come from a request for the ends of
// the topics' logs.
func offsetsReason(err error) reason {
	r := reason{
		what: "the group's offsets cannot be read: " + withoutPorts(err.Error()),
		fix:  "if this lasts, look at the brokers",
	}
	r.passing = errors.Is(err, kafkaerr.ErrUnknownPartition) ||
		errors.Is(err, kafkaerr.ErrNotLeader) || errors.Is(err, kafkaerr.ErrCoordinator)
	return r
}

// joinReason returns why the worker cannot join the group.
func joinReason(err error, group string, session time.Duration) reason {
	var opError *net.OpError
	var code kafka.Error
	switch {
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return reason{
			what: "other consumers occupy the group " + group,
			fix: "they are other programs' clients, consumers with group.protocol=consumer, or workers of an older release; " +
				"stop them, or set another KAFKA_GROUP",
		}
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return reason{
			what: fmt.Sprintf("the brokers do not allow a session timeout of %v", session),
			fix: "set KAFKA_SESSION_TIMEOUT to a time between their group.min.session.timeout.ms and " +
				"group.max.session.timeout.ms",
		}
	case errors.Is(err, kafka.InvalidGroupId):
		return reason{
			what: fmt.Sprintf("the brokers do not allow the group id %q", group), fix: "set another KAFKA_GROUP",
		}
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return reason{
			what: "Kafka does not allow the worker's user to join the group " + group,
			fix:  "grant Read on the group, or check KAFKA_GROUP",
		}
	case errors.Is(err, kafka.GroupMaxSizeReached):
		return reason{
			what: "the group " + group + " is full", fix: "raise the brokers' group.max.size, or run fewer workers",
		}
	case errors.Is(err, kafka.GroupCoordinatorNotAvailable):
		return reason{
			what: "the group's coordinator is not available yet (a new cluster creates __consumer_offsets first)",
			fix:  "if this lasts, look at the brokers", passing: true,
		}
	case errors.Is(err, kafka.GroupLoadInProgress), errors.Is(err, kafka.NotCoordinatorForGroup):
		return reason{
			what: "the group's coordinator is moving to another broker", fix: "if this lasts, look at the brokers",
			passing: true,
		}
	case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.RebalanceInProgress),
		errors.Is(err, kafka.IllegalGeneration):
		return reason{
			what: "the group is rebalancing", fix: "if this lasts, look for workers that join and leave", passing: true,
		}
	case loginRejected(err), errors.Is(err, dial.ErrNotKafka), errors.Is(err, kafkaerr.ErrTooOld),
		errors.Is(err, kafka.UnsupportedVersion):
		return accessReason(err)
	case errors.As(err, &opError) && opError.Op == "dial":
		return reason{
			what: "a broker cannot be reached at its address: " + withoutPorts(err.Error()),
			fix:  "check KAFKA_BROKERS, and advertised.listeners of the brokers",
		}
	case errors.As(err, &code):
		return reason{
			what: fmt.Sprintf("Kafka rejects the join: [%d] %s", int(code), code.Title()),
			fix:  "look at the brokers' logs",
		}
	}
	return reason{what: "the group cannot be joined: " + withoutPorts(err.Error())}
}

// loginRejected reports whether Kafka rejected the login, or TLS failed before it. Missing rights to a topic do not
// count.
func loginRejected(err error) bool {
	return errors.Is(err, kafka.SASLAuthenticationFailed) || errors.Is(err, kafka.UnsupportedSASLMechanism) ||
		errors.Is(err, kafka.IllegalSASLState) || errors.Is(err, dial.ErrTLS)
}
