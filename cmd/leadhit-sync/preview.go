package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// previewCommand shows, before any worker runs, whether the mapping fits and how many workers are needed. It never
// calls LeadHit, not even to check the key, so it needs no key. Refused events do not change the exit code, because the
// summary is the result, and it is complete.
func previewCommand() *cobra.Command {
	var o previewOptions
	c := &cobra.Command{
		Use: "preview", Short: "Show what a worker would do with the events, without doing it",
		Long: `Read the events of KAFKA_TOPICS and show what the mapping makes of them: the calls;
ignored and refused events by cause, each with an example; orders and calls per
minute; the busiest orders; and warnings to read before a worker runs. preview does
not call LeadHit, commits nothing and joins no group, so it may run beside a worker.

It needs only the KAFKA_ settings, MAPPING, CALLS_IN_FLIGHT, SKIP_REPEATS and, where
the mapping uses a schema registry, the SCHEMA_REGISTRY_ settings. Memory is bounded:
figures about individual orders cover the first ` + strconv.Itoa(mostOrders) + ` orders, and the summary
says if there were more.

With --follow, preview prints new events as they come, until Ctrl-C, and then the
summary once more.`,
		Example: `  MAPPING=shop.yaml leadhit-sync preview --since 24h
  leadhit-sync preview --since 2026-03-11T07:00:00Z -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			settings, err := config.LoadPreview()
			if err != nil {
				return err
			}
			return preview(c, settings, o)
		},
	}
	outputFlag(c, &o.output)
	f := c.Flags()
	f.Var(&o.since, "since", "how far back to begin: 24h, 7d or an RFC 3339 time (default 1h)")
	f.BoolVar(&o.follow, "follow", false, "continue with new events until Ctrl-C")
	f.DurationVar(&o.latency, "latency", 200*time.Millisecond, "assumed duration of one call to LeadHit")
	return c
}

type previewOptions struct {
	output  outputForm
	since   sinceFlag
	follow  bool
	latency time.Duration
	from    time.Time
}

// check checks --latency, and sets the default for --since, one hour. It runs before the settings are read, so a usage
// error is reported first.
func (o *previewOptions) check() error {
	if o.latency <= 0 {
		return usageError{fmt.Errorf("--latency %s: want a duration above 0, such as 200ms", o.latency)}
	}
	if o.from = o.since.from; o.from.IsZero() {
		o.from = time.Now().Add(-time.Hour)
	}
	return nil
}

// preview reads past events, topic after topic, then checks for open transactions, and prints the summary. With
// --follow it then prints new events, and the summary again at the end. An interrupted read gives exit code 1 and no
// summary, since half of the events would give wrong rates.
func preview(c *cobra.Command, settings *config.Config, o previewOptions) error {
	m, closeMapping, err := openMapping(settings)
	// openMapping returns closeMapping even with an error.
	defer closeMapping()
	if err != nil {
		return err
	}
	return withKafka(c.Context(), c.ErrOrStderr(), settings,
		func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			statuses := m.Check().Statuses
			w := &watch{
				cluster: cluster, mapping: m, topics: settings.Kafka.Topics,
				tally:    newTally(mostOrders, statuses, settings.SkipRepeats),
				statuses: statuses,
				answered: n.Answered,
			}
			if err := w.past(ctx, o.from, terminal.NewProgress(c.ErrOrStderr())); err != nil {
				return err
			}
			if err := w.lookBehind(ctx); err != nil {
				return err
			}
			n.Stop() // from here on, silence is normal, because there may be no events
			load := load{inFlight: settings.CallsInFlight, latency: o.latency}
			return printPreview(ctx, c, w, o, func() summary {
				s := w.summary(load)
				s.Warnings = w.warnings(ctx, settings.Mapping)
				return s
			})
		})
}

// printPreview prints the summary and, with --follow, new events. Ctrl-C is how a person ends --follow, so the exit
// code is 0. The last check for open transactions needs a context of its own, because Ctrl-C has ended ctx.
func printPreview(ctx context.Context, c *cobra.Command, w *watch, o previewOptions, sum func() summary) error {
	if err := printSummary(c.OutOrStdout(), o, sum()); err != nil || !o.follow {
		return err
	}
	// On stderr, so that output redirected to a file has only events and summaries.
	if o.output == "table" {
		_, _ = fmt.Fprintln(c.ErrOrStderr(), "following; Ctrl-C ends it")
	}
	if err := w.follow(ctx, func(e seen) error { return printSeen(c.OutOrStdout(), o.output, e) }); err != nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookLimit)
	defer cancel()
	_ = w.lookBehind(last) // if it fails, the summary has the earlier result
	return printSummary(c.OutOrStdout(), o, sum())
}

// openMapping loads the mapping that the settings name.
func openMapping(settings *config.Config) (*mapping.Mapping, func(), error) {
	return worker.OpenMapping(settings, versionText(), slog.New(slog.DiscardHandler))
}

// printSummary prints the summary. With --follow and -o json, it is one line of JSON.
func printSummary(w io.Writer, o previewOptions, s summary) error {
	s.Since = o.from.UTC().Truncate(time.Second)
	if o.output == "json" && o.follow {
		return printJSON(w, s, "")
	}
	return o.output.print(w, s, s.print)
}

// printSeen prints a new event: one line for each order in it. JSON has one object per line, so that a program can read
// the output while it grows.
func printSeen(w io.Writer, output outputForm, e seen) error {
	for _, out := range e.items {
		if output == "json" {
			line := struct {
				Schema string `json:"schema"`
				Event  string `json:"event"`
				event.Item
			}{"preview.event.v1", e.ID(), out}
			if err := printJSON(w, line, ""); err != nil {
				return err
			}
			continue
		}
		text := inShort(out)
		if out.Action == event.Refuse {
			text += ": " + out.Message
		}
		if _, err := fmt.Fprintf(w, "%s  %s\n", e.ID(), text); err != nil {
			return err
		}
	}
	return nil
}

// seen is one event and what a worker would do with it.
type seen struct {
	event.Place

	key     []byte
	time    time.Time // zero if the record has none, or an implausible one
	odd     time.Time // the record's time, if it is implausible
	items   []event.Item
	reasons []reason // of the items
}

// reason says what decided an item.
type reason struct {
	mapping, by, rule string
}

// explainRecord applies the mapping to one record. If its schema cannot be looked up, the record counts as refused,
// with a cause of its own. A worker would wait for the schema; preview does not. An implausible time goes to the odd
// field, because one such event would stretch the time span over decades.
func explainRecord(ctx context.Context, m *mapping.Mapping, r event.Record) seen {
	e := seen{Place: r.Place, key: r.Key, time: r.Time}
	if !event.Plausible(r.Time, time.Now()) {
		e.time, e.odd = time.Time{}, r.Time
	}
	found, err := m.Explain(ctx, r)
	if err != nil {
		e.items = []event.Item{{Action: event.Refuse, Cause: causeWaits, Message: err.Error()}}
		e.reasons = []reason{{by: "the schema registry"}}
		return e
	}
	for _, o := range found.Orders {
		e.items = append(e.items, o.Item)
		e.reasons = append(e.reasons, reason{found.Mapping, o.DecidedBy, o.Rule})
	}
	return e
}

// causeWaits is not the cause of a letter, because a worker would wait instead of refusing the event. preview must end,
// so it counts such events separately.
const causeWaits = "SchemaNotReachable"
