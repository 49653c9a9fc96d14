package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/leadhit"
)

const checkLimit = 30 * time.Second

var errCheck = errors.New("not everything is as the worker needs it")

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check settings, Kafka and LeadHit without changing anything",
		Long: `Check the settings, that Kafka lets us in and has the topics, and that LeadHit's
orders node takes the key and knows set_order_status. Nothing is changed, no order
is touched. Each line begins with ok, warn or FAIL; exit code 1 if one failed.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := config.Load()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), checkLimit)
			defer cancel()
			r := &report{out: c.OutOrStdout()}
			r.ok("settings", "complete and consistent")
			for _, w := range settings.Warnings {
				r.warn("settings", w)
			}
			checkMapping(r, settings)
			checkKafka(ctx, r, settings)
			checkLeadHit(ctx, r, settings)
			if r.failed {
				return errCheck
			}
			return nil
		},
	}
}

// report prints one line a finding.
type report struct {
	out    io.Writer
	failed bool
}

func (r *report) line(verdict, what, found string) {
	_, _ = fmt.Fprintf(r.out, "%-4s  %-10s %s\n", verdict, what, found) // nobody reads any more
}

func (r *report) ok(what, found string)   { r.line("ok", what, found) }
func (r *report) warn(what, found string) { r.line("warn", what, found) }

func (r *report) fail(what, found string) {
	r.failed = true
	r.line("FAIL", what, found)
}

func checkMapping(r *report, c *config.Config) {
	_, closeMapping, err := worker.OpenMapping(c, versionText(), slog.New(slog.DiscardHandler))
	closeMapping()
	if mistakes, ok := errors.AsType[*mapping.FileError](err); ok {
		for _, p := range mistakes.Problems {
			r.fail("mapping", p.String())
		}
		return
	}
	if err != nil {
		r.fail("mapping", err.Error())
		return
	}
	r.ok("mapping", c.Mapping+" fits the topics")
}

func checkKafka(ctx context.Context, r *report, c *config.Config) {
	cluster, err := worker.OpenCluster(c, slog.New(slog.DiscardHandler))
	if err != nil {
		r.fail("kafka", err.Error())
		return
	}
	defer cluster.Close()
	topology, err := cluster.Topics(ctx, append([]string{c.DeadLetter.Topic, ledger.Topic(c.DeadLetter.Topic)}, c.Kafka.Topics...)...)
	if err != nil {
		r.fail("kafka", fmt.Sprintf("%v%s", err, kafkaHint(err)))
		return
	}
	r.ok("kafka", "reached; the cluster has "+count(topology.Brokers, "broker"))
	for _, topic := range c.Kafka.Topics {
		checkTopic(r, topic, topology.Topics[topic])
	}
	checkLetters(r, "letters", c.DeadLetter.Topic, topology)
	checkLetters(r, "ledger", ledger.Topic(c.DeadLetter.Topic), topology)
	checkTopicRights(ctx, r, cluster, c)
	checkCommitMetadata(ctx, r, cluster)
	if checkOffsets(ctx, r, cluster) {
		checkGroupRights(ctx, r, cluster, c.Kafka.Group)
	}
}

func checkTopic(r *report, name string, info broker.TopicInfo) {
	switch {
	case info.Missing:
		r.fail("topic", name+" does not exist; the worker would wait for it: create it, or check KAFKA_TOPICS")
	case errors.Is(info.Err, broker.ErrUnauthorised):
		r.fail("topic", name+" is not for us to see; grant Describe, DescribeConfigs and Read on it, or check KAFKA_TOPICS")
	case info.Err != nil:
		r.fail("topic", fmt.Sprintf("%s: %v", name, info.Err))
	default:
		r.ok("topic", name+" has "+count(info.Partitions, "partition"))
	}
}

// checkLetters looks at one of the topics that keep what must not be lost.
func checkLetters(r *report, what, name string, topology broker.Topology) {
	info := topology.Topics[name]
	switch {
	case info.Missing:
		r.warn(what, name+" does not exist yet; the worker creates it if it may")
	case errors.Is(info.Err, broker.ErrUnauthorised):
		r.fail(what, name+" is not for us to see; grant Describe, DescribeConfigs, Read and Write on it, or check DEAD_LETTER_TOPIC")
	case info.Err != nil:
		r.fail(what, fmt.Sprintf("%s: %v", name, info.Err))
	case info.Replicas < 2 && topology.Brokers > 1:
		r.fail(what, name+" has one replica in a cluster of several brokers: losing one broker loses what it keeps; the worker "+
			"does not start")
	default:
		r.ok(what, name+" has "+count(info.Replicas, "replica"))
	}
}

// checkOffsets says too whether there may have been a group: to ask for one makes the cluster make its topic.
func checkOffsets(ctx context.Context, r *report, cluster *broker.Cluster) (groups bool) {
	offsets, err := cluster.OffsetsTopic(ctx)
	switch {
	case errors.Is(err, broker.ErrUnauthorised):
		r.ok("offsets", "how safe commits are is not for us to see; the worker needs no right to __consumer_offsets")
	case err != nil:
		r.warn("offsets", fmt.Sprintf("cannot tell how safe commits are: %v", err))
	case !offsets.Exists:
		r.ok("offsets", "__consumer_offsets does not exist yet; Kafka makes it when the first group joins")
	case !offsets.Safe():
		r.warn("offsets", fmt.Sprintf("__consumer_offsets has %s and min.insync.replicas %d: losing a broker can lose "+
			"acknowledged commits, and the calls since then are made again",
			count(offsets.Replicas, "replica"), offsets.MinInSync))
	default:
		r.ok("offsets", "losing one broker loses no acknowledged commit")
	}
	return offsets.Exists || err != nil
}

func checkLeadHit(ctx context.Context, r *report, c *config.Config) {
	client, _, err := worker.OpenLeadHit(c, versionText(), slog.New(slog.DiscardHandler))
	if err != nil {
		r.fail("leadhit", err.Error())
		return
	}
	defer client.Close()
	methods, err := client.Methods(ctx)
	var status *leadhit.StatusError
	switch {
	case errors.As(err, &status) && (status.Status == 401 || status.Status == 403):
		r.fail("leadhit", "the API key is refused; check LEADHIT_API_KEY_FILE or LEADHIT_API_KEY")
	case err != nil:
		r.fail("leadhit", fmt.Sprintf("%v%s", err, leadHitHint(err, c)))
	case !slices.Contains(methods, leadhit.Method):
		r.fail("leadhit", fmt.Sprintf("the node does not list %s (it lists: %s); check LEADHIT_URL",
			leadhit.Method, strings.Join(methods, ", ")))
	default:
		r.ok("leadhit", "the node takes the key and lists "+leadhit.Method)
	}
}
