package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// runsCommand shows the outcomes of replays, even if their command was killed, because the ledger has them.
func runsCommand() *cobra.Command {
	var output outputForm
	var watch bool
	c := &cobra.Command{
		Use: "runs [RUN]", Short: "Show the runs of replay and their outcomes",
		Long: `Show the runs of "leadhit-sync replay", newest last, with the outcomes of their letters.

With RUN, show only that run, with its filter and how it ended. If no end is recorded,
the run is still in progress, or its command was killed. Either way, the workers finish
the replays that it has requested.`,
		Example: `  leadhit-sync runs
  leadhit-sync runs r_1P3XQ7K2M9 -w`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := config.LoadKafka()
			if err != nil {
				return err
			}
			return withKafka(c.Context(), c.ErrOrStderr(), settings,
				func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
					r := accessTo(settings, cluster, n).Reader()
					look := func(ctx context.Context, w io.Writer, _ screen) error {
						all, err := readRuns(ctx, r, args)
						if err != nil {
							return err
						}
						return output.print(w, runsJSON(all), func(w io.Writer) error { return printRuns(w, all) })
					}
					if watch {
						return watchStatus(ctx, c.OutOrStdout(), output, look)
					}
					return look(ctx, c.OutOrStdout(), screen{})
				})
		},
	}
	outputFlag(c, &output)
	c.Flags().BoolVarP(&watch, "watch", "w", false, "refresh every two seconds, until Ctrl-C")
	return c
}

// readRuns reads what is new in the letters and the ledger, and returns all runs. If a name is given, it returns only
// the run with that name.
func readRuns(ctx context.Context, r *operator.Reader, names []string) ([]view.Run, error) {
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	all := r.View.Runs()
	if len(names) == 0 {
		return all, nil
	}
	all = slices.DeleteFunc(all, func(run view.Run) bool { return run.Name != names[0] })
	if len(all) == 0 {
		return nil, errors.New("no run " + terminal.Quote(names[0]) + "; \"leadhit-sync runs\" lists the runs")
	}
	return all, nil
}

// runView is the JSON form of a run.
type runView struct {
	Run     string     `json:"run"`
	Started *time.Time `json:"started"`
	Stopped *time.Time `json:"stopped"` // null: it is still running, or was killed
	Why     string     `json:"why"`
	By      string     `json:"by"`
	Reason  string     `json:"reason"`
	Filter  string     `json:"filter"`
	// Planned is the number of letters that the run announced when it started. Asked is the number requeued so far. The
	// fields from Waiting to Dismissed count the requeued letters by outcome; waiting letters have none yet.
	Planned    int `json:"planned"`
	Asked      int `json:"asked"`
	Waiting    int `json:"waiting"`
	Resolved   int `json:"resolved"`
	Refused    int `json:"refused"`
	Superseded int `json:"superseded"`
	Failed     int `json:"failed"`
	Dismissed  int `json:"dismissed"`
	Lost       int `json:"lost"` // replays that did not count, mostly because another change came first
}

func runsJSON(all []view.Run) any {
	views := make([]runView, len(all))
	for i, r := range all {
		views[i] = runView{
			r.Name, jsonTime(r.Started), jsonTime(r.Stopped), r.Why, r.By, r.Reason, r.Filter, r.Count, r.Asked, r.Waiting,
			r.Resolved, r.Refused, r.Superseded, r.Failed, r.Dismissed, r.Lost,
		}
	}
	return map[string]any{"schema": "runs.v1", "runs": views}
}

// printRuns prints a line for each run, or everything about a single one.
func printRuns(w io.Writer, all []view.Run) error {
	var p terminal.Page
	if len(all) == 0 {
		p.Line("no runs: nothing has been replayed yet")
		return p.Print(w)
	}
	p.Columns(terminal.Whole, terminal.Short, terminal.Short, terminal.Whole, terminal.Whole, terminal.Whole,
		terminal.Text, terminal.Text)
	p.Row("RUN", "STARTED (UTC)", "BY", "ASKED", "RESOLVED", "WAITING", "OTHERS", "REASON")
	for _, r := range all {
		p.Row(r.Name, r.Started.UTC().Format("01-02 15:04:05"), r.By, fmt.Sprintf("%d/%d", r.Asked, r.Count),
			strconv.Itoa(r.Resolved), strconv.Itoa(r.Waiting), otherOutcomes(r), r.Reason)
	}
	if len(all) == 1 {
		p.Line("selected: %s", terminal.Escape(all[0].Filter))
		switch {
		case all[0].Stopped.IsZero():
			p.Line("no end: the command still runs, or was killed")
		default:
			p.Line("ended %s: %s", all[0].Stopped.UTC().Format(time.RFC3339), terminal.Escape(all[0].Why))
		}
	}
	return p.Print(w)
}

// otherOutcomes lists the numbers of letters with other outcomes. It leaves out zeros, so that an exception stands out.
func otherOutcomes(r view.Run) string {
	var parts []string
	for _, o := range []struct {
		what string
		n    int
	}{
		{"refused again", r.Refused},
		{"superseded", r.Superseded},
		{"failed", r.Failed},
		{"dismissed", r.Dismissed},
		{"too late", r.Lost},
	} {
		if o.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", o.n, o.what))
		}
	}
	return strings.Join(parts, ", ")
}
