package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter/ledger"
)

// kafkaHint returns the names of the settings to check, never their values. It returns "" for TLS errors and for errors
// about peers that are not brokers, because these errors already name the settings.
func kafkaHint(err error) string {
	switch {
	case errors.Is(err, dial.ErrTLS), errors.Is(err, dial.ErrNotKafka):
		return ""
	case errors.Is(err, kafkaerr.ErrUnauthorised):
		return "; check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the password's file"
	}
	if _, named := errors.AsType[*net.DNSError](err); named {
		return "; check KAFKA_BROKERS, and that this machine resolves the name"
	}
	return "; check KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_*"
}

// checkTopicRights reports the rights that the worker lacks. Topics that are missing, or that we are not allowed to
// describe, already have a line. Brokers report the rights of our own login, so the check needs no permission to read
// ACLs. If a broker is too old to report rights, there is no line, because nothing is known to be missing.
func checkTopicRights(ctx context.Context, r *report, cluster *broker.Cluster, c *config.Config) {
	written := []string{c.DeadLetter.Topic, ledger.Topic(c.DeadLetter.Topic)}
	rights, err := cluster.TopicRights(ctx, slices.Concat(written, c.Kafka.Topics)...)
	if err != nil {
		r.warn("rights", fmt.Sprintf("cannot check the topics' ACLs: %v", err))
		return
	}
	for _, topic := range c.Kafka.Topics {
		reportLack(r, "topic "+topic, rights[topic].Lack("Read"))
		if len(rights[topic].Lack("DescribeConfigs")) > 0 {
			r.warn("rights", "Kafka does not allow DescribeConfigs on topic "+topic+
				": the worker works, but cannot know how large its "+
				"events may be, or how long it keeps them; grant it")
		}
	}
	// Read is needed in addition to Write, because workers follow the ledger, and commands read the letters.
	for _, topic := range written {
		reportLack(r, "topic "+topic, rights[topic].Lack("Read", "Write"))
	}
}

// reportLack writes one line for a topic or group, so that an administrator can grant all missing rights at once.
func reportLack(r *report, what string, lack []string) {
	if len(lack) == 0 {
		return
	}
	r.fail("rights", fmt.Sprintf("Kafka does not allow %s on %s; grant it", strings.Join(lack, " and "), what))
}
