package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// appendLimit bounds the writing of an entry.
const appendLimit = 30 * time.Second

func pauseCommand() *cobra.Command {
	var says ledger.Entry
	c := &cobra.Command{
		Use: "pause", Short: "Stop all calls of all workers, until resume",
		Example: `  leadhit-sync pause --reason "LeadHit is being migrated"
  leadhit-sync pause --reason "wrong statuses since 10:00" --by anna`,
		Long: `Stop all calls of all workers of the group, until "leadhit-sync resume".

The workers follow within seconds: what is in the air comes to its end and is
committed, nothing new is called. They stay in the group, and a restart does not
forget, for as long as the ledger keeps the entry: 90 days at least, unless somebody
set its retention. Only the KAFKA_ settings and DEAD_LETTER_TOPIC are needed: the
pause is an entry in the ledger, the topic beside the dead letters.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if strings.TrimSpace(says.Reason) == "" {
				return usageError{errors.New("--reason is missing: whoever finds the workers paused must learn why")}
			}
			says.Event = ledger.GuardPause
			return withLedger(c.Context(), says, pause(c.OutOrStdout()))
		},
	}
	c.Flags().StringVar(&says.Reason, "reason", "", "why, for whoever finds the workers paused; required")
	c.Flags().StringVar(&says.By, "by", "", "who says so (default: your user name)")
	return c
}

func resumeCommand() *cobra.Command {
	var says ledger.Entry
	c := &cobra.Command{
		Use: "resume", Short: "End the pauses by hand and those of the flood guard",
		Example: `  leadhit-sync resume
  leadhit-sync resume --reason "the migration is over" --by anna`,
		Long: `End the pauses in force, those by hand and those of the flood guard, and say which.

What the flood guard paused for is accepted from then on: letters with these
fingerprints (cause, code and kind of message) pause the workers no more, until
another mapping or version is deployed. Pauses for
the API key, for LEADHIT_URL and in an outage end by themselves and not by this.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			says.Event = ledger.GuardResume
			return withLedger(c.Context(), says, resume(c.OutOrStdout()))
		},
	}
	c.Flags().StringVar(&says.Reason, "reason", "", "why, for those who look back")
	c.Flags().StringVar(&says.By, "by", "", "who says so (default: your user name)")
	return c
}

// clerk is what a command needs to act upon the ledger.
type clerk struct {
	settings *config.Config
	topic    string
	pauses   []retry.Entry // in force
	says     ledger.Entry
	append   func(context.Context, ledger.Entry) error
}

// withLedger reads the ledger and lets a command act upon it.
func withLedger(ctx context.Context, says ledger.Entry, act func(context.Context, *clerk) error) error {
	says.At, says.Via = time.Now(), "cli"
	if says.By == "" {
		says.By = userName()
	}
	if _, _, err := says.Record(); err != nil { // before anybody is asked
		return usageError{err}
	}
	settings, err := config.LoadKafka()
	if err != nil {
		return err
	}
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer cluster.Close()
	d := &clerk{settings: settings, topic: ledger.Topic(settings.DeadLetter.Topic), says: says}
	d.append = func(ctx context.Context, e ledger.Entry) error {
		return worker.AppendToLedger(ctx, settings, cluster, e)
	}
	if d.pauses, err = readPauses(ctx, cluster, d.topic); err != nil {
		return err
	}
	return act(ctx, d)
}

// userName is the system's, or the number where it has no name: then --by tells more.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

// readPauses returns the pauses in force, by the rules of the workers. A ledger that does not exist yet holds none.
func readPauses(ctx context.Context, cluster *broker.Cluster, topic string) ([]retry.Entry, error) {
	guard := retry.NewGovernor(retry.Settings{CallsInFlight: 1})
	for r, err := range scan.Records(ctx, cluster, scan.Range{Topic: topic, Uncommitted: true}) {
		if errors.Is(err, broker.ErrUnknownPartition) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e, err := ledger.Parse(r.Value); err == nil && e.Guard() {
			guard.Follow(r.Time, consumer.Followed(e))
		}
	}
	return guard.Pauses(), nil
}

func (d *clerk) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	return d.append(ctx, d.says)
}

// pause writes the pause, though there may be one: the resume that ends the other may be under way.
func pause(out io.Writer) func(context.Context, *clerk) error {
	return func(ctx context.Context, d *clerk) error {
		if err := d.write(ctx); err != nil {
			return err
		}
		var p page
		p.line("paused: written to %s", d.topic)
		p.row("by", d.says.By)
		p.row("reason", d.says.Reason)
		p.line("All workers of group %s follow within seconds; what is in the air comes to its end.", d.settings.Kafka.Group)
		if len(d.pauses) > 0 {
			p.line("They were paused already; one resume ends all of it:")
			p.pauses(d.pauses)
		}
		p.line(`"leadhit-sync resume" ends it.`)
		return p.writeTo(out)
	}
}

// resume writes the end of the pauses in force, if there are any.
func resume(out io.Writer) func(context.Context, *clerk) error {
	return func(ctx context.Context, d *clerk) error {
		var p page
		if len(d.pauses) == 0 {
			p.line("nothing is paused, neither by hand nor by the flood guard; nothing was written to %s", d.topic)
			p.line("a worker that cannot write to it may still pause: leadhit-sync status")
			return p.writeTo(out)
		}
		if err := d.write(ctx); err != nil {
			return err
		}
		p.line("resumed by %s: written to %s; all workers of group %s follow within seconds", visible(d.says.By), d.topic, d.settings.Kafka.Group)
		p.line("ended:")
		p.pauses(d.pauses)
		p.accepted(d.pauses)
		return p.writeTo(out)
	}
}

func (p *page) pauses(all []retry.Entry) {
	for _, e := range all {
		kind := retry.HeldByHand
		if len(e.Fingerprints) > 0 {
			kind = retry.HeldByFlood
		}
		who := "by " + e.By
		if e.Via != "" {
			who += " (" + e.Via + ")"
		}
		p.row("  "+kind, "since "+e.At.UTC().Format(time.RFC3339), who, e.Reason)
	}
}

// accepted lists the causes that pause no more.
func (p *page) accepted(all []retry.Entry) {
	seen := map[string]bool{}
	for _, e := range all {
		for _, fingerprint := range e.Fingerprints {
			key := e.Build + " " + fingerprint
			if seen[key] {
				continue
			}
			if len(seen) == 0 {
				p.line("accepted, until another mapping or version is deployed:")
			}
			seen[key] = true
			p.row("  "+fingerprint, "of build "+e.Build, "leadhit-sync letters list --fingerprint "+fingerprint)
		}
	}
}
