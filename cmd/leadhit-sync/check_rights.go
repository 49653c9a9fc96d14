package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/leadhit"
)

const (
	groupTries = 10
	groupAgain = 500 * time.Millisecond
)

// kafkaHint says what to look at. Errors of TLS, and of peers that are no brokers, say it themselves.
func kafkaHint(err error) string {
	switch {
	case errors.Is(err, broker.ErrTLS), errors.Is(err, broker.ErrNotKafka):
		return ""
	case errors.Is(err, broker.ErrUnauthorised):
		return "; check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the password's file"
	}
	return "; check KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_*"
}

// checkTopicRights tells what the worker will be refused, before it is. Topics that are missing, or that may not even be
// seen, have their line already.
func checkTopicRights(ctx context.Context, r *report, cluster *broker.Cluster, c *config.Config) {
	written := []string{c.DeadLetter.Topic, ledger.Topic(c.DeadLetter.Topic)}
	rights, err := cluster.TopicRights(ctx, slices.Concat(written, c.Kafka.Topics)...)
	if err != nil {
		r.warn("rights", fmt.Sprintf("cannot tell what the topics' ACLs allow: %v", err))
		return
	}
	for _, topic := range c.Kafka.Topics {
		tellLack(r, "topic "+topic, rights[topic].Lack(broker.Read))
		if len(rights[topic].Lack(broker.DescribeConfigs)) > 0 {
			r.warn("rights", "Kafka does not allow DescribeConfigs on topic "+topic+": the worker works, but cannot tell how large its "+
				"events may be, nor for how long it keeps them; grant it")
		}
	}
	for _, topic := range written {
		tellLack(r, "topic "+topic, rights[topic].Lack(broker.Read, broker.Write))
	}
}

func checkGroupRights(ctx context.Context, r *report, cluster *broker.Cluster, group string) {
	rights, err := cluster.GroupRights(ctx, group)
	for range groupTries {
		if !errors.Is(err, broker.ErrCoordinator) || ctx.Err() != nil {
			break
		}
		select { // a cluster that has no group yet makes their topic first
		case <-ctx.Done():
		case <-time.After(groupAgain):
		}
		rights, err = cluster.GroupRights(ctx, group)
	}
	switch {
	case errors.Is(err, broker.ErrUnauthorised):
		r.fail("group", group+" is not for us to join; grant Read on it, or check KAFKA_GROUP")
	case err != nil:
		r.warn("group", fmt.Sprintf("cannot tell what its ACLs allow: %v", err))
	case len(rights.Lack(broker.Read)) > 0:
		tellLack(r, "group "+group, rights.Lack(broker.Read))
	default:
		r.ok("group", group+" may be joined")
	}
}

func tellLack(r *report, what string, lack []broker.Right) {
	if len(lack) == 0 {
		return
	}
	names := make([]string, 0, len(lack))
	for _, right := range lack {
		names = append(names, right.String())
	}
	r.fail("rights", fmt.Sprintf("Kafka does not allow %s on %s; grant it", strings.Join(names, " and "), what))
}

// leadHitHint says what to look at; what TLS fails of says it itself.
func leadHitHint(err error, c *config.Config) string {
	switch {
	case (leadhit.Judge{}).Judge(err).Cause == "TLS":
		return ""
	case c.LeadHit.Proxy.Reveal() != "":
		return "; check LEADHIT_URL and LEADHIT_PROXY"
	}
	return "; check LEADHIT_URL"
}
