package kafkaerr

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Append returns err as the failure to append to a topic, with advice for the operator; nil if err is nil.
func Append(topic string, err error) error {
	if err == nil {
		return nil
	}
	return writeError("append to", topic, err, refusal(err))
}

// CreateTopic returns the failure to create a topic, with advice for the operator.
func CreateTopic(topic string, err error) *Error {
	refused := ""
	switch {
	case errors.Is(err, kafka.PolicyViolation):
		refused = policyText
	case errors.Is(err, kafka.InvalidConfiguration):
		refused = "the cluster does not accept the settings: create the topic by hand"
	}
	return writeError("create topic", topic, err, refused)
}

// writeError adds advice for the operator. The given advice is about the topic's settings; it is "" if the settings are
// not the cause.
func writeError(op, topic string, err error, advice string) *Error {
	e := New(op, topic, -1, err)
	switch {
	case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.RecordListTooLarge):
		e.fact, advice = ErrTooLarge, "raise the topic's max.message.bytes"
	case advice != "":
		e.fact = ErrUnfit
	case errors.Is(e, ErrUnknownPartition):
		advice = "create the topic, or allow the worker to create it"
	case errors.Is(e, ErrUnauthorised):
		advice = "grant Read, Write, Describe and DescribeConfigs on the topic, and Create if it does not exist yet, " +
			"or check the credentials"
	default:
		return e
	}
	e.Err = fmt.Errorf("%w: %s: %w", e.fact, advice, err)
	return e
}

const policyText = "a policy of the cluster refuses it: ask the cluster's administrators"

// refusal returns the reason why the topic or the cluster refuses a record, and what to do about it; "" if the error is
// not a refusal.
func refusal(err error) string {
	const (
		compacted = "a compacted topic refuses records without a key: set cleanup.policy to delete"
		replicas  = "fewer replicas are in sync than min.insync.replicas asks for: bring the brokers back, or lower the " +
			"setting if the topic has fewer replicas"
	)
	for _, r := range []struct {
		code kafka.Error
		text string
	}{
		{kafka.InvalidRecord, compacted},
		{kafka.InvalidMessage, compacted}, // from brokers before 2.4
		{kafka.UnsupportedForMessageFormat, "its records cannot have headers: set message.format.version to 0.11.0 or later"},
		{kafka.Unknown, "the broker does not say why (see its log); if this lasts, the topic's records may be in a format " +
			"without headers: set message.format.version of the topic, or the brokers' log.message.format.version, " +
			"to 0.11.0 or later"},
		{kafka.InvalidTimestamp, "the topic refuses the record's time: check message.timestamp.difference.max.ms (or " +
			"message.timestamp.before.max.ms and message.timestamp.after.max.ms) and the clocks"},
		{kafka.NotEnoughReplicas, replicas},
		{kafka.NotEnoughReplicasAfterAppend, replicas},
		{kafka.PolicyViolation, policyText},
	} {
		if errors.Is(err, r.code) {
			return r.text
		}
	}
	return ""
}
