package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// orderSince is how far back the order command searches by default. Kafka keeps most topics for a shorter time.
const orderSince = 30 * 24 * time.Hour

// orderCommand answers the question that people ask most: why does this order have no status? It only reads. A worker
// that does not respond does not change the exit code, because the topics answer most of the question. The output says
// what is not known.
func orderCommand() *cobra.Command {
	var q operator.OrderQuery
	var addresses string
	var since sinceFlag
	var output outputForm
	c := &cobra.Command{
		Use: "order ID", Short: "Show what happened to one order's events", Args: cobra.ExactArgs(1),
		Long: `Show the events of one order: what the mapping makes of each event, the calls and
letters, and what the order is waiting for. The command only reads; it changes nothing.

It reads all events of KAFKA_TOPICS from --since on (Kafka has no index of orders), and
then the group's commits, the dead letters and the ledger. Only the workers know what
waits for a retry or for another event, so the command asks them too: without --workers,
the one on this host, at HTTP_ADDR. If none responds, it prints what the topics show.
The values of events are never printed.

The command needs the settings that preview needs, plus DEAD_LETTER_TOPIC. After Ctrl-C
it prints what it has found so far, and exits with code 130.`,
		Example: `  leadhit-sync order 4711
  leadhit-sync order 4711 --since 90d -o json
  leadhit-sync order 4711 --workers dns:leadhit-sync.shop.svc:8080`,
		RunE: func(c *cobra.Command, args []string) error {
			q.Order, q.Since = args[0], since.from
			if strings.TrimSpace(q.Order) == "" {
				return usageError{errors.New("the order's id is empty")}
			}
			if q.Since.IsZero() {
				q.Since = time.Now().Add(-orderSince)
			}
			settings, err := config.LoadPreview()
			if err != nil {
				return err
			}
			if q.Workers, err = statusPages(nil, addresses); err != nil {
				return err
			}
			return showOrder(c, settings, q, output)
		},
		ValidArgsFunction: first(lettersWords(func(l view.Letter) string { return l.OrderID })),
	}
	c.Flags().Var(&since, "since", "how far back to begin: 24h, 7d or an RFC 3339 time (default 30d)")
	c.Flags().StringVar(&addresses, "workers", "", "ask these workers: host:port,… or dns:name:port")
	outputFlag(c, &output)
	return c
}

// showOrder reads and prints the life of an order. If the order has no events and no letters, showOrder returns an
// error.
func showOrder(c *cobra.Command, settings *config.Config, q operator.OrderQuery, output outputForm) error {
	m, closeMapping, err := openMapping(settings)
	defer closeMapping()
	if err != nil {
		return err
	}
	return withKafka(c.Context(), c.ErrOrStderr(), settings,
		func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			progress := terminal.NewProgress(c.ErrOrStderr())
			defer progress.End()
			q.Progress = func(topic string, done, total int64) {
				if topic == "" {
					progress.End()
				} else {
					progress.Draw(readBar(topic, done, total))
				}
			}
			a := accessTo(settings, cluster, n)
			a.Mapping = m
			found, err := a.Reader().ReadOrder(ctx, q)
			if err != nil {
				return err
			}
			stop() // from here on, Ctrl-C ends the process
			found.Schema, found.Seconds = "order.v1", rounded(found.Seconds)
			shown := shownOrder{found}
			if len(found.Events) == 0 && found.Complete {
				return shown.nothing()
			}
			if err := output.print(c.OutOrStdout(), found, shown.print); err != nil || found.Complete {
				return err
			}
			return codedError{exitInterrupted, errors.New("interrupted before everything was read")}
		})
}

// nothing returns the error for an order that was not found. The error says where the command looked. The exit code is
// 1, like that of "letters show" for an id without a letter.
func (l shownOrder) nothing() error {
	return fmt.Errorf("found no event and no letter of order %s after reading %s in %s; use --since to look further "+
		"back; the mapping decides what an order's id is (leadhit-sync mapping explain)", terminal.Quote(l.Order.Order),
		l.extent(), readIn(l.Seconds))
}

// extent describes how many events were read, and since when.
func (l shownOrder) extent() string {
	events, topics := count(l.Read, "event"), count(len(l.Topics), "topic")
	return fmt.Sprintf("%s of %s since %s UTC", events, topics, l.Since.Format(moment))
}

func readIn(s float64) string {
	if s < 60 {
		return fmt.Sprintf("%.1fs", s)
	}
	return lasting(seconds(s))
}
