package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/ports"
)

// partitions is the number of partitions in the orders topic, enough for several workers.
const partitions = 6

// running is a started cluster.
type running struct {
	*apache.Cluster

	settings []string     // export lines for a worker
	remove   func() error // deletes the files outside the cluster's folder
}

// launch runs Kafka and the LeadHit look-alike until ctx is done. Both have stopped when it returns.
func launch(ctx context.Context, out io.Writer, o options) (err error) {
	if err := checkNeeds(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "# starting Apache Kafka %s, %d node(s); the first time Maven downloads it, about 50 MB\n",
		apache.Version, o.nodes)
	begin := time.Now()
	start := startPlain
	if o.secure {
		start = startSecure
	}
	cluster, err := start(ctx, o)
	if err != nil {
		return err
	}
	// Deferred functions run in reverse order, so the look-alike has stopped, and prints no more calls, before Kafka
	// stops.
	defer func() { err = errors.Join(err, cluster.Close(), cluster.remove()) }()
	client, closeClient := clientOf(cluster.Brokers())
	err = createTopic(ctx, client, topic)
	closeClient()
	if err != nil {
		return err
	}
	// The look-alike has its own context, so that an early return below also stops it.
	lasting, stop := context.WithCancel(ctx)
	url, done, err := serveLeadHit(lasting, out, o.leadhitPort)
	if err != nil {
		stop()
		return err
	}
	defer func() { stop(); <-done }()
	// The worker's default port may be in use, and a second worker on this machine needs another port anyway.
	pages, err := ports.Reserve(1)
	if err != nil {
		return fmt.Errorf("port for the worker's pages: %w", err)
	}
	defer func() { _ = pages.Close() }()
	_, _ = fmt.Fprintf(out, "# Kafka was ready after %.1f s, with the topic %s; its log: %s\n",
		time.Since(begin).Seconds(), topic, cluster.Nodes()[0].LogFile)
	cluster.settings = append(cluster.settings,
		fmt.Sprintf("export LEADHIT_URL=%s LEADHIT_API_KEY=%s HTTP_ADDR=%s", url, apiKey, pages.Address(0)))
	instruct(out, cluster)
	<-ctx.Done()
	return nil
}

// instruct prints the lines to copy. Comments are on their own lines, because by default zsh accepts no comment after a
// command.
func instruct(out io.Writer, c *running) {
	produce := "go run ./integration/launch produce -brokers " + c.Brokers()[0]
	_, _ = fmt.Fprintf(out, `
# In another terminal, in this folder: set the addresses, and start a worker.
%s
go run ./cmd/leadhit-sync run

# In a third terminal: write an event that LeadHit accepts, and one that it refuses.
%s 4711 paid
%s 4712 lost

# List the refused event, which is now a dead letter. This needs the export lines first.
go run ./cmd/leadhit-sync letters list

# Ctrl-C ends Kafka and the look-alike of LeadHit and deletes their data. Each call is shown here:
`, strings.Join(c.settings, "\n"), produce, produce)
}

// startPlain starts a cluster without logins.
func startPlain(ctx context.Context, o options) (*running, error) {
	cluster, err := apache.Start(ctx, apache.Options{Nodes: o.nodes, Port: o.kafkaPort})
	if err != nil {
		return nil, err
	}
	export := fmt.Sprintf("export KAFKA_BROKERS=%s KAFKA_TOPICS=%s", strings.Join(cluster.Brokers(), ","), topic)
	return &running{Cluster: cluster, settings: []string{export}, remove: func() error { return nil }}, nil
}
