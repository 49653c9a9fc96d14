package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/replay"
	letterview "leadhit-sync/deadletter/view"
)

const (
	personName = "alice"
	// replayLimit is how long a replay may take. The pause caused by the rejected key may be part of that time.
	replayLimit = 30 * time.Second
	// replayRate is fast enough for the replay to end before the next fault.
	replayRate = 10
)

// person is the operator in the story, who replays letters once LeadHit accepts their status.
type person struct {
	story    *story
	settings *config.Config
	summary  replay.Summary // to be read after replay has returned
}

// replay waits until LeadHit has learned a status, and then replays the letters that LeadHit had refused. If ctx ends
// first, nothing is replayed. A replay that has started is completed.
func (p *person) replay(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.story.learns:
	}
	ctx = context.WithoutCancel(ctx)
	cluster, err := worker.OpenCluster(p.settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer cluster.Close()
	reader := operator.Access{
		Group: group, Letters: letters, Topics: p.settings.Kafka.Topics, Cluster: cluster,
		WriteEntry: func(ctx context.Context, e ledger.Entry) error {
			return worker.AppendToLedger(ctx, p.settings, cluster, e)
		},
		Unmapped: "the demo does not read the mapping",
	}.Reader()
	for {
		// The shop continues, so a letter may be overtaken between the plan and the run. In that case, the person plans
		// again.
		err := p.attempt(ctx, reader)
		if _, changed := errors.AsType[*replay.ChangedError](err); !changed {
			return err
		}
	}
}

// attempt plans a replay and runs it, as this command does:
//
//	leadhit-sync replay --cause ValidationError --canary 0 --breaker 0% --reason "LeadHit accepts cancelled"
//
// Neither a canary nor the breaker may stop the replay, because LeadHit still refuses other statuses, and the summary
// shows those refusals.
func (p *person) attempt(ctx context.Context, reader *operator.Reader) error {
	filter := letterview.Filter{Cause: "ValidationError", States: []fold.State{fold.Open}}
	plan, err := reader.Plan(ctx, operator.Selection{Filter: filter, Most: 1000, MaxReplays: 3})
	if err != nil {
		return err
	}
	p.story.add(fmt.Sprintf("%s replays letters: %d ready, %d superseded", personName, len(plan.Letters),
		plan.Counts[replay.Superseded]))
	if len(plan.Letters) == 0 {
		return nil
	}
	run := replay.Run{
		ID:    replay.NewID(time.Now(), rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		Group: group, By: personName, Via: "demo", Reason: "LeadHit accepts " + learnedStatus, Filter: filter.String(),
		Rate: replayRate, Timeout: replayLimit,
	}
	p.summary, err = run.Do(ctx, plan.Plan, reader)
	if err == nil {
		p.story.add("the replay has ended: " + outcomes(p.summary))
	}
	return err
}

// outcomes counts a run's letters by outcome.
func outcomes(s replay.Summary) string {
	return counts(", ", count{s.Resolved, "resolved"}, count{s.Superseded, "superseded"},
		count{s.Refused, "refused again"}, count{s.Failed, "failed"}, count{len(s.Changed), "changed meanwhile"},
		count{s.Waiting, "waiting"})
}

// count is a number with its name.
type count struct {
	n    int
	name string
}

// counts lists the counts that are not 0, with the given separator.
func counts(between string, all ...count) string {
	var texts []string
	for _, c := range all {
		if c.n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	return strings.Join(texts, between)
}
