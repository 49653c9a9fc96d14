// Package kafkaerr judges the errors from requests to Kafka, so that callers need not know Kafka's error codes. A
// failed request is an [*Error]. errors.Is matches it with one of this package's sentinels or with
// [records.ErrCorrupt]; if it matches none of them, a retry may help. Errors from appending and from creating a topic
// also carry advice for the operator: which setting or permission to change.
package kafkaerr

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/records"
)

// The meaning of a failure, whichever code or kafka-go error reports it. Test with errors.Is.
var (
	// ErrOffsetOutOfRange [1]: the offset is below the log's start (its record has expired) or above the log's end.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrUnknownPartition [3] [100]: the topic or partition does not exist, as far as the broker or the pool knows. The
	// error is temporary while a leader moves or a topic is being created.
	ErrUnknownPartition = errors.New("unknown topic or partition")
	// ErrNotLeader [5] [6] [9] [74] [75] [78]: the leader is moving. The pool finds the new one within two seconds of
	// its election.
	ErrNotLeader = errors.New("no leader, or another broker is the leader")
	// ErrUnauthorised [29] [30] [31] [33] [34] [58]: the cluster rejects our credentials, or we lack the permission for
	// the request.
	ErrUnauthorised = errors.New("not authorised")
	// ErrCoordinator [14] [15] [16]: the group's coordinator is loading, is not known, or is another broker.
	ErrCoordinator = errors.New("group coordinator not available")
	// ErrTooOld [35]: the broker does not support the request version that we need. Such a broker is older than Kafka
	// 0.11.
	ErrTooOld = errors.New("the broker is older than Kafka 0.11")
	// ErrTooLarge [10] [18]: the record is larger than the topic accepts.
	ErrTooLarge = errors.New("the record is too large for the topic")
	// ErrUnfit [-1] [2] [19] [20] [32] [40] [43] [44] [87]: a setting of the topic, or a policy of the cluster, makes
	// Kafka refuse the record or the new topic.
	ErrUnfit = errors.New("the topic's settings are unsuitable")
)

// Error is a failed request.
type Error struct {
	// Op is the request, such as fetch, list offsets or commit.
	Op string
	// Topic is empty if the request was not about one topic. Partition is -1 if it was not about one partition.
	Topic     string
	Partition int
	// Code is Kafka's error code; 0 if the failure has none, for example because no broker responded.
	Code int
	// Err is the cause.
	Err error

	fact error // the sentinel that the error matches, or nil
}

// Error names the operation, the partition and the cause.
func (e *Error) Error() string {
	switch {
	case e.Topic == "":
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	case e.Partition < 0:
		return fmt.Sprintf("%s %s: %v", e.Op, e.Topic, e.Err)
	default:
		return fmt.Sprintf("%s %s/%d: %v", e.Op, e.Topic, e.Partition, e.Err)
	}
}

// Unwrap returns the cause, and the sentinel for this failure if there is one.
func (e *Error) Unwrap() []error {
	if e.fact == nil {
		return []error{e.Err}
	}
	return []error{e.fact, e.Err}
}

// New returns err as the failure of a request, and judges it. partition is -1 if the request was not about one
// partition.
func New(op, topic string, partition int, err error) *Error {
	e := &Error{Op: op, Topic: topic, Partition: partition, Err: err}
	var code kafka.Error
	switch {
	case errors.As(err, &code):
		e.Code, e.fact = int(code), factOf(code)
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition):
		e.fact = ErrUnknownPartition
	case errors.Is(err, protocol.ErrNoLeader):
		e.fact = ErrNotLeader
	}
	return e
}

// FromCode returns the error for a code in a response; nil for 0.
func FromCode(code int16) error {
	if code == 0 {
		return nil
	}
	return kafka.Error(code)
}

// factOf returns the sentinel for a code, or nil. It lists only the codes that some caller treats specially. After any
// other code, every caller retries.
func factOf(code kafka.Error) error {
	switch code {
	case kafka.OffsetOutOfRange:
		return ErrOffsetOutOfRange
	case kafka.UnknownTopicOrPartition, kafka.UnknownTopicID:
		return ErrUnknownPartition
	case kafka.LeaderNotAvailable, kafka.NotLeaderForPartition, kafka.ReplicaNotAvailable,
		kafka.FencedLeaderEpoch, kafka.UnknownLeaderEpoch, kafka.OffsetNotAvailable:
		return ErrNotLeader
	case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState, kafka.SASLAuthenticationFailed:
		return ErrUnauthorised
	case kafka.GroupLoadInProgress, kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup:
		return ErrCoordinator
	case kafka.InvalidMessage:
		return records.ErrCorrupt
	case kafka.UnsupportedVersion:
		return ErrTooOld
	default: // a retry may help
		return nil
	}
}
