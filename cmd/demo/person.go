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
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/replay"
	letterview "leadhit-sync/deadletter/view"
)

const (
	name = "alice"
	// replayLimit is how long a replay may take. The pause for the rejected key may fall into it.
	replayLimit = 30 * time.Second
)

// person is the operator of the story, who replays letters when LeadHit accepts their status.
type person struct {
	story    *story
	settings *config.Config
	summary  replay.Summary // to be read after replay has returned
}

// replay waits until LeadHit has learned a status, and replays the letters of LeadHit's refusals once. If ctx ends
// before that, nothing is replayed. A replay that has begun is completed.
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
	topics := &replayTopics{settings: p.settings, cluster: cluster, view: letterview.New(group), next: map[string]int64{}}
	for {
		// The shop goes on, so a letter of the plan may be overtaken before the run begins.
		err := p.attempt(ctx, topics)
		if _, changed := errors.AsType[*replay.ChangedError](err); !changed {
			return err
		}
	}
}

// attempt plans and runs, as leadhit-sync replay --cause ValidationError does.
func (p *person) attempt(ctx context.Context, topics *replayTopics) error {
	if err := topics.Refresh(ctx); err != nil {
		return err
	}
	filter := letterview.Filter{Cause: "ValidationError", States: []ledger.State{ledger.Open}}
	plan := replay.NewPlan(topics.view.Letters(filter), nil, replay.Limits{
		Group: group, Most: 1000, MaxReplays: 3,
		Consumed: func(event.Partition) bool { return true }, Stored: func(event.Place) bool { return true },
	})
	p.story.add(fmt.Sprintf("%s replays the letters: %d ready, %d superseded", name, len(plan.Letters),
		plan.Counts[replay.Superseded]))
	if len(plan.Letters) == 0 {
		return nil
	}
	run := replay.Run{
		ID:    replay.NewID(time.Now(), rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		Group: group, By: name, Via: "demo", Reason: "LeadHit accepts " + learnedStatus, Filter: filter.String(),
		Rate: 10, Timeout: replayLimit,
	}
	var err error
	p.summary, err = run.Do(ctx, plan, topics)
	if err == nil {
		p.story.add("the replay has ended: " + outcomes(p.summary))
	}
	return err
}

func outcomes(s replay.Summary) string {
	var all []string
	for _, o := range []struct {
		count int
		name  string
	}{
		{s.Resolved, "resolved"},
		{s.Superseded, "superseded"},
		{s.Refused, "refused again"},
		{len(s.Changed), "overtaken before"},
		{s.Waiting, "waiting"},
	} {
		if o.count > 0 {
			all = append(all, fmt.Sprintf("%d %s", o.count, o.name))
		}
	}
	return strings.Join(all, ", ")
}

type replayTopics struct {
	settings *config.Config
	cluster  *broker.Cluster
	view     *letterview.View
	next     map[string]int64
}

func (t *replayTopics) Refresh(ctx context.Context) error {
	if err := t.read(ctx, letters, func(r event.Record) { _, _ = t.view.Letter(r) }); err != nil {
		return err
	}
	return t.read(ctx, ledger.Topic(letters), func(r event.Record) { t.view.Entry(r) })
}

func (t *replayTopics) read(ctx context.Context, topic string, take func(event.Record)) error {
	for r, err := range scan.Records(ctx, t.cluster, scan.Range{Topic: topic, Uncommitted: true, Partitions: []int{0}, From: scan.Position{Offset: t.next[topic]}}) {
		if err != nil {
			return err
		}
		t.next[topic] = r.Offset + 1
		take(r)
	}
	return nil
}

func (t *replayTopics) Status(id ledger.ID) (ledger.Status, bool) {
	l, ok := t.view.Find(id)
	return l.Ledger, ok
}

func (t *replayTopics) Append(ctx context.Context, e ledger.Entry) error {
	return worker.AppendToLedger(ctx, t.settings, t.cluster, e)
}
