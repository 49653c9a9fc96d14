package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/replay"
)

// typedNumber is how many letters an operator may replay or close without typing how many there are.
const typedNumber = 25

// replayCommand asks the workers to send letters again. It makes no calls itself. It writes an entry about each letter
// to the ledger, and the worker that owns the letter's partition does the rest, so nothing is lost if the command is
// killed.
func replayCommand() *cobra.Command {
	run, _ := replay.Defaults()
	o := replayOptions{rate: rateFlag(run.Rate), breaker: percentFlag(100 * run.Breaker)}
	c := &cobra.Command{
		Use: "replay [ID…]", Short: "Send dead letters to LeadHit again",
		Long: `Send dead letters to LeadHit again, through the running workers.

The command prints a plan and asks before it starts. It replays one letter first
(--canary), then the others at --rate, and stops when too many are refused again
(--breaker). The workers map each letter with the current mapping, and replay the
letters of one order one by one, the earliest event first. A letter whose order may have
a newer accepted event is left alone, unless --force is given. Once applied, a status
cannot be undone.

No matter how the command ends, the workers finish the replays that it has requested,
and the other letters are untouched. Run the same command again to replay the rest.
Times such as --since 24h are fixed when the command starts.

Select letters by flags or by their ids; --state open selects all open letters. Filters
select open and requeued letters unless --state says otherwise. The plan counts letters
that are already requeued, but the command does not replay them once more.

Exit codes: 0 all letters are resolved or, with --no-wait, requeued · 1 failure · 2 usage
error · 3 partly done: some letters were refused again, were changed meanwhile, or were
not replayed · 5 declined, or refused by a safety rule: no letter was requeued ·
130 interrupted.`,
		Example: `  leadhit-sync replay --cause ValidationError --reason "LeadHit 2.4 accepts it" --dry-run
  leadhit-sync replay --cause ValidationError --reason "LeadHit 2.4 accepts it"
  leadhit-sync replay orders/3/118273 --reason "the mapping is fixed" --yes
  leadhit-sync letters list -o json | jq -r '.letters[].id' |
    leadhit-sync replay --ids-from - --reason "the mapping is fixed" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c, args); err != nil {
				return err
			}
			// A person may press Ctrl-C at any time, even before the plan is shown. A second Ctrl-C ends the command at
			// once.
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop)
			err := o.replay(ctx, c)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return codedError{exitInterrupted, errors.New("interrupted; no letter was requeued")}
			}
			return err
		},
	}
	o.flags(c)
	return c
}

// replayOptions are the flags.
type replayOptions struct {
	operatorFlags

	letters             filterFlags
	selected            selection
	idsFrom             string
	rate                rateFlag
	breaker             percentFlag
	limit, canary, max  int
	dryRun, noWait, yes bool
	force               bool
	timeout             time.Duration
	output              outputForm
	stdin               *bufio.Reader
	started             time.Time
	answers             bool // a person can answer on stdin
}

func (o *replayOptions) flags(c *cobra.Command) {
	o.letters.add(c)
	state := c.Flags().Lookup("state")
	state.Usage = strings.Replace(state.Usage, "(default open)", "(default open,requeued)", 1)
	o.add(c, "why the letters are replayed (required)")
	run, limits := replay.Defaults()
	f := c.Flags()
	f.StringVar(&o.idsFrom, "ids-from", "", "read ids from stdin, one per line, at most 16 MiB; the value must be -")
	f.BoolVar(&o.dryRun, "dry-run", false, "only print the plan")
	f.Var(&o.rate, "rate", "letters per second")
	f.IntVar(&o.limit, "limit", limits.Most, "replay at most this many letters, the first by partition and offset")
	f.IntVar(&o.canary, "canary", run.Canary, "letters that must be resolved before others are replayed; 0 for none")
	f.IntVar(&o.max, "max-replays", limits.MaxReplays, "leave out letters that were already replayed this many times")
	f.Var(&o.breaker, "breaker", "stop when refusals reach this share of the last 50 outcomes; 0% never stops")
	f.BoolVar(&o.noWait, "no-wait", false, "exit when all letters are requeued, without waiting for their outcomes")
	f.DurationVar(&o.timeout, "timeout", run.Timeout, "how long the whole run may take")
	f.BoolVar(&o.yes, "yes", false, "do not ask; required without a terminal")
	f.BoolVar(&o.force, "force", false, "also replay letters whose order may have a newer accepted event")
	outputFlag(c, &o.output)
}

// check checks everything that needs no Kafka, so that a person learns of a mistake at once.
func (o *replayOptions) check(c *cobra.Command, args []string) error {
	o.stdin, o.started = bufio.NewReader(c.InOrStdin()), time.Now()
	o.answers = terminal.Is(c.InOrStdin()) && o.idsFrom == ""
	switch {
	case o.idsFrom != "" && o.idsFrom != "-":
		return usageError{errors.New("--ids-from: want -, for stdin")}
	case o.limit < 1 || o.max < 1:
		return usageError{errors.New("--limit and --max-replays must be 1 or more")}
	case o.canary < 0 || o.timeout <= 0:
		return usageError{errors.New("--canary must be 0 or more, and --timeout above 0")}
	}
	if o.idsFrom != "" {
		ids, err := idsOf(o.stdin)
		if err != nil {
			return err
		}
		args = append(slices.Clone(args), ids...)
		if len(args) == 0 {
			return usageError{errors.New("--ids-from: stdin has no ids")}
		}
	}
	if err := o.selected.parse(&o.letters, args); err != nil {
		return err
	}
	if o.dryRun {
		return nil
	}
	probe := ledger.Entry{Event: ledger.LetterReplay, N: 1}
	err := o.sign(&probe)
	o.by = probe.By
	return err
}

// mostIDs limits the size of the ids on stdin, in bytes. It is enough for several hundred thousand ids.
const mostIDs = 16 << 20

// idsOf reads ids, one per line. Too much text is an error, because the last id in a truncated text could name another
// letter.
func idsOf(r io.Reader) (ids []string, err error) {
	limited := &io.LimitedReader{R: r, N: mostIDs + 1}
	lines := bufio.NewScanner(limited)
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); text != "" {
			ids = append(ids, text)
		}
	}
	if limited.N == 0 {
		return nil, usageError{fmt.Errorf("--ids-from: more than %d MiB; replay the ids in several runs", mostIDs>>20)}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, usageError{errors.New("--ids-from: a line is too long to be an id")}
	case err != nil:
		return nil, fmt.Errorf("read ids from stdin: %w", err)
	}
	return ids, nil
}

// replay plans the run, asks for confirmation, and carries the run out.
func (o *replayOptions) replay(ctx context.Context, c *cobra.Command) error {
	settings, mapped, err := replaySettings()
	if err != nil {
		return err
	}
	return withKafka(ctx, c.ErrOrStderr(), settings,
		func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
			a := accessTo(settings, cluster, n)
			a.Topics, a.Mapping, a.Unmapped = mapped.topics, mapped.mapping, mapped.why
			r := a.Reader(o.selected.headers()...)
			p, err := o.plan(ctx, r)
			mapped.close()
			if err != nil {
				return err
			}
			n.Stop() // from here on a person is asked, or sees the progress
			if o.dryRun {
				return o.output.print(c.OutOrStdout(), p.json(), p.print)
			}
			if err := o.confirm(ctx, c, p); err != nil {
				return err
			}
			return o.run(ctx, c, p, r)
		})
}

// confirm shows the plan and asks for confirmation. Without a terminal there can be no answer, so --yes is required;
// the plan is still printed, because a person needs it to decide.
func (o *replayOptions) confirm(ctx context.Context, c *cobra.Command, p replayPlan) error {
	stderr, count := c.ErrOrStderr(), len(p.Letters)
	if err := p.print(stderr); err != nil {
		return err
	}
	switch {
	case count == 0 && p.Refused():
		return codedError{exitDeclined, errors.New("no letter is ready; no letter was requeued")}
	case p.Missing != nil:
		return p.Missing
	case count == 0 || o.yes:
		return nil
	case !o.answers:
		return codedError{exitDeclined, errors.New("stdin is not a terminal: add --yes to replay without confirmation; " +
			"no letter was requeued")}
	}
	word := "yes"
	if count > typedNumber {
		word = strconv.Itoa(count)
	}
	_, _ = fmt.Fprintf(stderr, "Once applied, a status cannot be undone. Type %s to continue: ", word)
	return answered(ctx, o.stdin, word)
}

// answered reads a line, and returns an error unless the line is the expected word. If no answer comes, the reading
// goroutine outlives the command and ends with the process, because a read from a terminal cannot be cancelled.
func answered(ctx context.Context, stdin *bufio.Reader, word string) error {
	line := make(chan string, 1)
	go func() {
		text, _ := stdin.ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	select {
	case text := <-line:
		if text != word {
			return codedError{exitDeclined, fmt.Errorf("declined: got %q, want %s; nothing was done", text, word)}
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run carries out the plan.
func (o *replayOptions) run(ctx context.Context, c *cobra.Command, p replayPlan, r *operator.Reader) error {
	run := replay.Run{
		ID:    replay.NewID(o.started, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		Group: r.Group, By: o.by, Via: "cli", Reason: o.reason, Filter: p.Filter,
		Rate: float64(o.rate), Canary: o.canary, Breaker: float64(o.breaker) / 100, Timeout: o.timeout, NoWait: o.noWait,
	}
	var sum replay.Summary
	if len(p.Letters) > 0 {
		progress := terminal.NewProgress(c.ErrOrStderr())
		run.Progress = func(s replay.Summary) { progress.Draw(progressLine(s, time.Since(o.started), run.Rate)) }
		var err error
		sum, err = run.Do(ctx, p.Plan.Plan, r)
		progress.End()
		if _, changed := errors.AsType[*replay.ChangedError](err); changed {
			return codedError{exitDeclined, err}
		}
		if err != nil && sum.Stop == "" {
			return fmt.Errorf("%w; no letter was requeued", err)
		}
	}
	ended := endedRun{Summary: sum, plan: p, by: o.by, reason: o.reason}
	if err := o.output.print(c.OutOrStdout(), ended.json(), ended.print); err != nil {
		return err
	}
	return ended.failure()
}
