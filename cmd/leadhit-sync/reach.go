package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
)

// silence is how long a command waits for an answer before it says what it waits for.
const silence = 2 * time.Second

// withKafka opens the cluster of the settings and lets a command ask it. It says on stderr when Kafka keeps it waiting, and ends an
// error of the connection with the settings to check. The command says to the notice when Kafka has answered.
func withKafka(
	ctx context.Context, stderr io.Writer, settings *config.Config,
	ask func(ctx context.Context, cluster *broker.Cluster, n *notice) error,
) error {
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer cluster.Close()
	n := startNotice(stderr, fmt.Sprintf("waiting for Kafka at %s…", strings.Join(settings.Kafka.Brokers, ",")))
	defer n.stop()
	return hinted(ask(ctx, cluster, n))
}

// hinted adds what to check to an error of the connection to Kafka. Errors about a topic or a group have their own words.
func hinted(err error) error {
	answer, asked := errors.AsType[*broker.Error](err)
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case network, errors.Is(err, context.DeadlineExceeded), errors.Is(err, broker.ErrTLS):
	case !asked, answer.Code != 0 && answer.Topic != "", errors.Is(err, broker.ErrUnknownPartition), errors.Is(err, broker.ErrCorrupt):
		return err
	}
	return fmt.Errorf("%w%s", err, kafkaHint(err))
}

// notice says once that a command waits, if no answer comes for a while. Nothing is written after stop.
type notice struct {
	mu    sync.Mutex
	out   io.Writer
	text  string
	timer *time.Timer
	done  bool
}

func startNotice(out io.Writer, text string) *notice {
	n := &notice{out: out, text: text}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = time.AfterFunc(silence, n.tell)
	return n
}

func (n *notice) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.done {
		n.done = true
		_, _ = fmt.Fprintln(n.out, n.text) // nobody reads any more
	}
}

// answered begins the wait again.
func (n *notice) answered() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.done {
		n.timer.Reset(silence)
	}
}

func (n *notice) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = true
	n.timer.Stop()
}
