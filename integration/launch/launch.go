package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"leadhit-sync/integration/apache"
)

// partitions is how many the topic of the orders has.
const partitions = 6

// running is a cluster under way.
type running struct {
	*apache.Cluster

	settings []string // lines of exports that reach it
	remove   func() error
}

// launch runs Kafka and the look-alike of LeadHit until ctx ends, and has both ended when it returns.
func launch(ctx context.Context, out io.Writer, o options) (err error) {
	if err := checkNeeds(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "# starting Apache Kafka %s, %d node(s); the first time Maven downloads it, about 50 MB\n", apache.Version, o.nodes)
	begin := time.Now()
	start := startPlain
	if o.secure {
		start = startSecure
	}
	cluster, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close(), cluster.remove()) }()
	if err := createTopic(ctx, cluster.Brokers()[0], topic); err != nil {
		return err
	}
	lasting, stop := context.WithCancel(ctx)
	url, done, err := serveLeadHit(lasting, out, o.leadhitPort)
	if err != nil {
		stop()
		return err
	}
	defer func() { stop(); <-done }()
	pages, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "# Kafka was ready after %.1f s, with the topic %s; its log: %s\n", time.Since(begin).Seconds(), topic, cluster.Nodes()[0].LogFile)
	cluster.settings = append(cluster.settings, fmt.Sprintf("export LEADHIT_URL=%s LEADHIT_API_KEY=%s HTTP_ADDR=%s", url, apiKey, pages))
	instruct(out, cluster)
	<-ctx.Done()
	return nil
}

// instruct prints what to copy. Comments have lines of their own: not every shell takes one behind a command.
func instruct(out io.Writer, c *running) {
	produce := "go run ./integration/launch produce -brokers " + c.Brokers()[0]
	_, _ = fmt.Fprintf(out, `
# In another terminal, in this folder: where everything is, and a worker.
%s
go run ./cmd/leadhit-sync run

# In a third one: an event that LeadHit accepts, and one that it refuses.
%s 4711 paid
%s 4712 lost

# What was refused is a dead letter; this asks for the export lines first.
go run ./cmd/leadhit-sync letters list

# Ctrl-C ends Kafka and the look-alike of LeadHit and deletes their data. Each call is shown here:
`, strings.Join(c.settings, "\n"), produce, produce)
}

func startPlain(ctx context.Context, o options) (*running, error) {
	cluster, err := apache.Start(ctx, apache.Options{Nodes: o.nodes, Port: o.kafkaPort})
	if err != nil {
		return nil, err
	}
	return &running{
		Cluster:  cluster,
		settings: []string{fmt.Sprintf("export KAFKA_BROKERS=%s KAFKA_TOPICS=%s", strings.Join(cluster.Brokers(), ","), topic)},
		remove:   func() error { return nil },
	}, nil
}

// freeAddress is one for the worker's own pages that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("port for the worker's pages: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
