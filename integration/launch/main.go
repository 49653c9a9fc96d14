// Command launch starts real Apache Kafka for trying things out by hand and prints how to reach it. Ctrl-C ends it and deletes its
// data.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"leadhit-sync/integration/apache"
)

func main() {
	nodes := flag.Int("nodes", 1, "how many nodes: 1, or 3 for a cluster that survives one")
	secure := flag.Bool("secure", false, "one node with TLS, logins and ACLs, and a user with the rights that a worker needs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	start := launch
	if *secure {
		start = launchSecure
	}
	err := start(ctx, os.Stdout, *nodes)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "launch:", err)
		os.Exit(1)
	}
}

// launch runs a cluster until ctx ends, and has it ended when it returns.
func launch(ctx context.Context, out io.Writer, nodes int) (err error) {
	_, _ = fmt.Fprintf(out, "# starting Apache Kafka %s, %d node(s); the first time it is fetched with Maven\n", apache.Version, nodes)
	begin := time.Now()
	cluster, err := apache.Start(ctx, apache.Options{Nodes: nodes})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	_, _ = fmt.Fprintf(out, "# ready after %.1f s\n", time.Since(begin).Seconds())
	for _, node := range cluster.Nodes() {
		_, _ = fmt.Fprintf(out, "# node %d: %s, its log: %s\n", node.ID(), node.Addr(), node.LogFile())
	}
	_, _ = fmt.Fprintf(out, "export KAFKA_BROKERS=%s\n# Ctrl-C ends it and deletes its data\n", strings.Join(cluster.Brokers(), ","))
	<-ctx.Done()
	return nil
}
