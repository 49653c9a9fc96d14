package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
)

// checkLimit limits the time that all checks take together, so that a Job that runs them always ends. A request that is
// cut off counts as failed. Most requests have a shorter limit of their own. This one matters when many brokers are
// down.
const checkLimit = time.Minute

// errCheck gives exit code 1, so that a Job or a pipeline stops before a rollout. Warnings and skipped checks leave the
// exit code at 0, because a worker would still work, or check cannot tell whether it would.
var errCheck = errors.New("not everything is ready for a worker; see the lines that begin with FAIL")

// checkCommand checks everything in the order in which a worker needs it. Each subject has its own file:
//
//   - check_kafka.go: the first connection, the topics, and how safe commits are in __consumer_offsets
//   - check_nodes.go: each broker at the address that it advertises, and the partitions' leaders
//   - check_letters.go: the dead-letter topic and the ledger
//   - check_rights.go: the worker's rights on topics
//   - check_metadata.go: how much metadata brokers accept with a commit
//   - check_group.go: the group's coordinator, its members and the session timeout
//   - check_leadhit.go: the connection to LeadHit, the key and the method
//
// check_report.go prints the findings.
func checkCommand() *cobra.Command {
	o := checkOptions{limit: checkLimit}
	c := &cobra.Command{
		Use: "check", Short: "Check settings, Kafka and LeadHit without changing anything",
		Long: `Check whether everything is ready for a worker: the settings and the files that they
name, every broker at the address that it advertises, the topics, their leaders and
the worker's rights, the consumer group, and LeadHit and the API key. check creates
nothing and changes nothing in Kafka, and changes no order in LeadHit.

Each line begins with ok, warn, FAIL or skip. ok means that check tried something and
it worked; skip says what check could not try, and why. check tries the key by calling a
method that does not exist. --call also calls set_order_status for a made-up order,
leadhit-sync-check, with a status that LeadHit refuses.

Exit codes: 0 nothing failed · 1 a line says FAIL · 2 the settings have mistakes, one
per line on stderr; check then contacts neither Kafka nor LeadHit.`,
		Example: `  leadhit-sync check
  kubectl exec deployment/leadhit-sync -- /leadhit-sync check
  leadhit-sync check -o json | jq '.findings[] | select(.verdict == "fail")'`,
		RunE: func(c *cobra.Command, _ []string) error {
			return check(c.Context(), newReport(c.OutOrStdout(), o.output, "check.v1"), o)
		},
	}
	outputFlag(c, &o.output)
	c.Flags().BoolVar(&o.call, "call", false, "also call set_order_status for a made-up order, with a status that "+
		"LeadHit refuses")
	return c
}

// checkOptions holds the flags. It also holds the time limit, so that a test can use a shorter one.
type checkOptions struct {
	output outputForm
	call   bool
	limit  time.Duration
}

// check contacts Kafka and LeadHit only if the settings have no mistakes. Otherwise an error caused by a wrong setting
// would look like a fault of the server. LeadHit is checked even if a Kafka check fails, because an operator often has
// to wait until another team has fixed one of the two.
func check(ctx context.Context, r *report, o checkOptions) error {
	settings, err := worker.Settings(versionText())
	if err != nil {
		return errors.Join(r.end(err), err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	r.settings(settings)
	r.ok("mapping", settings.Mapping+" fits the topics")
	checkKafka(ctx, r, settings)
	checkLeadHit(ctx, r, settings, o)
	// If the report cannot be written, the user does not see what failed, so the write error takes precedence.
	if err := r.end(nil); err != nil {
		return err
	}
	if r.failed {
		return errCheck
	}
	return nil
}
