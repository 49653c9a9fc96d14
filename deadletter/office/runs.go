package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/replay"
)

const (
	// via distinguishes entries written at the desk from those written by commands.
	via = "desk"
	// mostRuns limits the runs in progress at once, because each writes to the ledger and reads it several times a
	// second.
	mostRuns = 10
)

var (
	errEnded    = errors.New("the desk is shutting down; no letter was requeued")
	errTooMany  = fmt.Errorf("%d runs are in progress already; no letter was requeued", mostRuns)
	errNotReady = errors.New("no letter is ready; no letter was requeued")
)

// job is a run that Serve carries out.
type job struct {
	run  replay.Run
	plan replay.Plan
	told chan error // gets nil as soon as the ledger has the run's start, or the error that prevented it
}

// Start implements [desk.Writer].
func (o *Office) Start(ctx context.Context, p desk.Plan, opts desk.Options, s desk.Signature) (string, error) {
	if _, err := o.entry(ledger.LetterReplay, s); err != nil {
		return "", err
	}
	switch {
	case p.Missing != nil:
		return "", p.Missing
	case len(p.Letters) == 0:
		return "", errNotReady
	case !(opts.Rate > 0): // NaN too
		return "", errors.New("the rate must be above 0; no letter was requeued")
	}
	run, _ := replay.Defaults()
	run.ID = replay.NewID(time.Now(), rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	run.Group, run.By, run.Via, run.Reason, run.Filter = o.settings.Group, s.By, via, s.Reason, p.Filter.String()
	run.Rate, run.Canary = opts.Rate, opts.Canary
	run.Timeout += time.Duration(float64(len(p.Letters)) / opts.Rate * float64(time.Second))
	j := job{run: run, plan: p.Plan, told: make(chan error, 1)}
	select {
	case o.start <- j:
	case <-o.ended:
		return "", errEnded
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	select {
	case err := <-j.told:
		if err == nil {
			_ = o.refresh(ctx) // so that the next page shows the run; if this fails, the page says so
		}
		return run.ID, err
	case <-ctx.Done():
		return run.ID, context.Cause(ctx)
	}
}

// carryOut carries out a run until it has ended, ctx ends or a person stops it.
func (o *Office) carryOut(ctx context.Context, j job) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o.mu.Lock()
	if len(o.runs) >= mostRuns {
		o.mu.Unlock()
		j.told <- errTooMany
		return
	}
	o.runs[j.run.ID] = stop
	topics := &runTopics{Reader: o.reader, started: func() { j.told <- nil }}
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.runs, j.run.ID)
	}()
	sum, err := j.run.Do(ctx, j.plan, topics)
	if err != nil && !topics.begun {
		j.told <- err
		return
	}
	o.settings.Log.InfoContext(ctx, "replay ended", slog.String("run", j.run.ID), slog.String("by", j.run.By),
		slog.Int("planned", sum.Planned), slog.Int("resolved", sum.Resolved), slog.Int("refused", sum.Refused),
		slog.Int("waiting", sum.Waiting), slog.Int("untouched", sum.Untouched), slog.String("why", sum.Why))
}

// Stop implements [desk.Writer].
func (o *Office) Stop(run string, s desk.Signature) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	stop, running := o.runs[run]
	if !running {
		return fmt.Errorf("run %q cannot be stopped here: it has ended, or it belongs to another process", run)
	}
	stop(&replay.StoppedError{By: s.By})
	return nil
}

// runTopics reports when the ledger has the start of a run. Until then, the run may fail because letters have changed.
type runTopics struct {
	*operator.Reader

	begun   bool
	started func()
}

// Append writes an entry for the run.
func (t *runTopics) Append(ctx context.Context, e ledger.Entry) error {
	err := t.Reader.Append(ctx, e)
	if err == nil && !t.begun {
		t.begun = true
		t.started()
	}
	return err
}
