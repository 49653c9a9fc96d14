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
	"leadhit-sync/deadletter/view"
)

// orderSince is how far back order looks by default. Kafka keeps most topics for a shorter time.
const orderSince = 30 * 24 * time.Hour

// orderCommand answers the question that people ask most: why has this order no status? It only reads. A worker that
// cannot be asked changes no exit code, because the topics answer most of it; the output says what is not known.
func orderCommand() *cobra.Command {
	var q orderQuery
	var since sinceFlag
	var output outputForm
	c := &cobra.Command{
		Use: "order ID", Short: "Show what became of one order's events", Args: cobra.ExactArgs(1),
		Long: `Show the events of one order: what the mapping makes of each, its calls and letters,
and what it waits for now. order only reads.

It reads all events of KAFKA_TOPICS since --since, because Kafka has no index of orders,
and then the group's commits, the dead letters and the ledger. Only the
workers know what waits for a retry or for another event, so it asks them too: without
--workers, the one on this host, at HTTP_ADDR. If none responds, it prints what the
topics show. Values are never printed.

It needs the settings of preview and DEAD_LETTER_TOPIC. Ctrl-C ends it with exit code
130; it prints what it has found.`,
		Example: `  leadhit-sync order 4711
  leadhit-sync order 4711 --since 90d -o json
  leadhit-sync order 4711 --workers dns:leadhit-sync.shop.svc:8080`,
		RunE: func(c *cobra.Command, args []string) error {
			q.order, q.since = args[0], since.from
			if strings.TrimSpace(q.order) == "" {
				return usageError{errors.New("the order's id is empty")}
			}
			if q.since.IsZero() {
				q.since = time.Now().Add(-orderSince)
			}
			settings, err := config.LoadPreview()
			if err != nil {
				return err
			}
			if q.workers, err = statusPages(nil, q.addresses); err != nil {
				return err
			}
			return showOrder(c, settings, q, output)
		},
		ValidArgsFunction: first(lettersWords(func(l view.Letter) string { return l.OrderID })),
	}
	c.Flags().Var(&since, "since", "how far back to begin: 24h, 7d or an RFC 3339 time (default 30d)")
	c.Flags().StringVar(&q.addresses, "workers", "", "ask these workers: host:port,… or dns:name:port")
	outputFlag(c, &output)
	return c
}

// orderQuery is what a person asks.
type orderQuery struct {
	order     string
	since     time.Time
	addresses string
	workers   finder
}

// showOrder reads and prints the life of an order. Without an event or a letter of it, there is nothing to print.
func showOrder(c *cobra.Command, settings *config.Config, q orderQuery, output outputForm) error {
	m, closeMapping, err := openMapping(settings)
	defer closeMapping()
	if err != nil {
		return err
	}
	return withKafka(c.Context(), c.ErrOrStderr(), settings,
		func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			r := &orderReader{
				orderQuery: q, settings: settings, cluster: cluster, mapping: m, notice: n,
				progress: terminal.NewProgress(c.ErrOrStderr()),
				life: orderLife{
					Schema: "order.v1", Order: q.order, Since: q.since.UTC().Truncate(time.Second), Topics: settings.Kafka.Topics,
					Workers: []orderWorker{}, Events: []*eventLife{}, Notes: []string{},
				},
			}
			began := time.Now()
			err := r.read(ctx)
			interrupted := ctx.Err() != nil
			if err != nil && !interrupted {
				return err
			}
			stop() // a second Ctrl-C ends the printing
			r.life.Complete, r.life.Seconds = !interrupted, rounded(time.Since(began).Seconds())
			r.finish()
			if len(r.life.Events) == 0 && !interrupted {
				return r.life.nothing()
			}
			if err := output.print(c.OutOrStdout(), r.life, r.life.print); err != nil || !interrupted {
				return err
			}
			return codedError{exitInterrupted, errors.New("interrupted before everything was read")}
		})
}

// nothing says where an order was looked for. The exit code is 1, as that of letters show for an id without a letter.
func (l *orderLife) nothing() error {
	return fmt.Errorf("no event and no letter of order %s: %s were read in %s; --since looks further back, and the "+
		"mapping decides what an order's id is (leadhit-sync mapping explain)", terminal.Quote(l.Order), l.extent(),
		readIn(l.Seconds))
}

// extent says how many events were read, since when.
func (l *orderLife) extent() string {
	return fmt.Sprintf("%s of %s since %s UTC", count(l.Read, "event"), count(len(l.Topics), "topic"), l.Since.Format(moment))
}

func readIn(s float64) string {
	if s < 60 {
		return fmt.Sprintf("%.1fs", s)
	}
	return lasting(seconds(s))
}
