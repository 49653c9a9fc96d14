package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/ledger"
)

// pauseCommand writes one entry and ends; it does not wait for the workers. Like every command that writes to the
// ledger, it creates the ledger if it is missing. It queries no worker, so it works even if the workers' pages cannot
// be reached. Its exit code is 0 only when Kafka has stored the entry.
func pauseCommand() *cobra.Command {
	o := pauseOptions{says: ledger.Entry{Event: ledger.GuardPause}}
	c := &cobra.Command{
		Use: "pause", Short: "Pause all calls of all workers",
		Long: `Pause all calls of all workers of the group, until "leadhit-sync resume".

The workers pause within seconds: they finish and commit the calls in flight, and start
no new ones. They stay in the group. A restart does not end the pause. The pause lasts
as long as the ledger keeps its entry: at least 90 days, unless somebody changed the
ledger's retention. The ledger is a second topic, next to the dead-letter topic, so
pause needs only DEAD_LETTER_TOPIC and the KAFKA_ settings, except KAFKA_TOPICS and
KAFKA_START.

pause refuses a group that has no workers and no ledger, because its name is probably
misspelt. --create writes the pause anyway, for workers that start later.`,
		Example: `  leadhit-sync pause --reason "LeadHit is being migrated"
  leadhit-sync pause --reason "wrong statuses since 10:00" --by anna -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			if strings.TrimSpace(o.says.Reason) == "" {
				return usageError{errors.New("--reason is missing: people who find the workers paused need to know why")}
			}
			return withLedger(c, o)
		},
	}
	o.flags(c, "why the workers are paused (required)")
	c.Flags().BoolVar(&o.create, "create", false, "also pause a group that has no workers and no ledger yet")
	return c
}

// resumeCommand needs no reason, because people need to know why calls are paused, but seldom why they resume. Without
// a pause in force it writes nothing, and its exit code is 0, because the workers are in the desired state.
func resumeCommand() *cobra.Command {
	o := pauseOptions{says: ledger.Entry{Event: ledger.GuardResume}}
	c := &cobra.Command{
		Use: "resume", Short: "End pauses, whether set by hand or by the flood guard",
		Long: `End the pauses in force, whether set by hand or by the flood guard, and print them.

After resume, letters with the same fingerprint (cause, code and kind of message) as
most of those that made the flood guard pause the calls do not pause the workers again
until another mapping or version is deployed. resume does not end pauses caused by the
API key, LEADHIT_URL or an outage; these end automatically.`,
		Example: `  leadhit-sync resume
  leadhit-sync resume --reason "the migration is over" --by anna`,
		RunE: func(c *cobra.Command, _ []string) error {
			return withLedger(c, o)
		},
	}
	o.flags(c, "why the pauses end")
	return c
}

// pauseOptions are the flags of both commands.
type pauseOptions struct {
	says   ledger.Entry
	output outputForm
	create bool // pause even if no worker is known to follow the ledger
}

// flags adds the flags that both commands have. Only pause also has --create, because a group without workers needs no
// resume.
func (o *pauseOptions) flags(c *cobra.Command, reason string) {
	c.Flags().StringVar(&o.says.Reason, "reason", "", reason)
	c.Flags().StringVar(&o.says.By, "by", "", "your name (default: your user name on this system)")
	outputFlag(c, &o.output)
}

// withLedger reads the ledger and writes the entry of pause or resume to it. The cheap checks come first: the name, the
// text of the entry, and the settings. Then withLedger reads the pauses and the members. It writes last, so the output
// shows the pauses that were already in force.
func withLedger(c *cobra.Command, o pauseOptions) error {
	o.says.At, o.says.Via = time.Now(), "cli"
	if o.says.By == "" {
		name, err := personOf(user.Current())
		if err != nil {
			return usageError{err}
		}
		o.says.By = name
	}
	// Kafka may take seconds to respond, so a reason of two lines is refused before that.
	if _, _, err := o.says.Record(); err != nil {
		return usageError{err}
	}
	settings, err := config.LoadKafka()
	if err != nil {
		return err
	}
	o.says.Group = settings.Kafka.Group
	return withKafka(c.Context(), c.ErrOrStderr(), settings,
		func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
			is, err := accessTo(settings, cluster, n).Pause(ctx, o.says, o.create)
			if err != nil {
				return err
			}
			did := notationOf(o.says, is)
			return o.output.print(c.OutOrStdout(), did, did.print)
		})
}

// personOf returns the user's name on this system. It refuses service accounts, which do not identify a person. People
// who find the workers paused have to know who to ask, and in a container the only user is the image's.
func personOf(u *user.User, err error) (string, error) {
	programs := []string{"leadhit-sync", "nobody", "nonroot", "daemon", "app"}
	switch {
	case err != nil || u.Username == "":
		return "", fmt.Errorf("--by is missing: user %d has no name on this system; give yours", os.Getuid())
	case slices.Contains(programs, u.Username):
		return "", fmt.Errorf("--by is missing: %s is a service account; give your own name", u.Username)
	}
	return u.Username, nil
}
