package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/replay"
)

// workerHorizon is how many of the newest records of the letters' topic a worker reads.
const workerHorizon = 200_000

// mapped says whether the settings of this shell tell what workers consume and how they map it. Only then can a plan
// show what a letter becomes.
type mapped struct {
	mapping *mapping.Mapping // nil: not known
	why     string           // why not
	close   func()
}

// replaySettings loads what a replay needs. Topics and mapping are optional: they are the workers', and an operator's
// shell may lack them.
func replaySettings() (*config.Config, mapped, error) {
	settings, lacking := config.LoadPreview()
	if lacking != nil {
		settings, err := config.LoadKafka()
		if err != nil {
			return nil, mapped{}, err
		}
		settings.Kafka.Topics = nil
		return settings, mapped{why: "KAFKA_TOPICS and MAPPING of the workers are not set here", close: func() {}}, nil
	}
	m, closing, wrong := openMapping(settings)
	if wrong != nil {
		m = nil
	}
	return settings, mapped{m, "the mapping cannot be loaded here", closing}, nil
}

// planner collects the facts of a plan.
type planner struct {
	settings *config.Config
	cluster  *broker.Cluster
	reader   *lettersReader
	mapped   mapped
}

// replayPlan is a plan with what a person needs to know about it.
type replayPlan struct {
	replay.Plan

	Group, Filter string
	Rate          float64
	Warnings      []string
	// missing is why this user cannot carry the plan out.
	missing error
}

// refused reports whether letters were found that nobody may replay as they are, rather than none.
func (p replayPlan) refused() bool {
	for class, count := range p.Counts {
		if count > 0 && !slices.Contains([]replay.Class{replay.Ready, replay.Requeued, replay.Resolved}, class) {
			return true
		}
	}
	return false
}

// plan reads both topics to their ends and plans.
func (o *replayOptions) plan(ctx context.Context, by planner) (replayPlan, error) {
	defer by.mapped.close()
	p := replayPlan{Group: by.settings.Kafka.Group, Filter: o.selected.filter.String(), Rate: float64(o.rate)}
	pauses, err := by.read(ctx)
	if err != nil {
		return p, err
	}
	consumed, err := by.consumed(ctx, o)
	if err != nil {
		return p, err
	}
	p.Plan = replay.NewPlan(by.reader.view.Letters(o.selected.filter), o.selected.filter.IDs, replay.Limits{
		Group: p.Group, Most: o.limit, MaxReplays: o.max, Force: o.force, Consumed: consumed, Stored: by.stored(ctx),
		Horizon: by.reader.next[event.Partition{Topic: by.reader.letters}] - workerHorizon,
	})
	if err := by.becomes(ctx, p.Letters); err != nil {
		return p, err
	}
	p.Warnings = by.warnings(ctx, p, pauses)
	if p.missing = by.lacksRights(ctx); p.missing != nil {
		p.Warnings = append(p.Warnings, p.missing.Error())
	}
	return p, nil
}

// read reads both topics, and returns the pauses in force.
func (by planner) read(ctx context.Context) ([]ledger.Entry, error) {
	var guard ledger.Guard
	by.reader.onEntry = func(e ledger.Entry, _ bool) {
		if e.For(by.settings.Kafka.Group) {
			guard.Follow(e)
		}
	}
	err := by.reader.refresh(ctx)
	by.reader.onEntry = nil
	return guard.Pauses(), err
}

// consumed returns whether the group consumes a partition. Without KAFKA_TOPICS, every topic that exists counts, and so
// does one that may not be described.
func (by planner) consumed(ctx context.Context, o *replayOptions) (func(event.Partition) bool, error) {
	topics := map[string]bool{}
	for l := range by.reader.view.Letters(o.selected.filter) {
		topics[l.Topic] = true
	}
	var names []string
	for name := range topics {
		names = append(names, name)
	}
	if len(names) == 0 {
		return func(event.Partition) bool { return false }, nil
	}
	found, err := by.cluster.Topics(ctx, names...)
	by.reader.answered()
	if err != nil {
		return nil, err
	}
	return func(p event.Partition) bool {
		if all := by.settings.Kafka.Topics; all != nil && !slices.Contains(all, p.Topic) {
			return false
		}
		info := found.Topics[p.Topic]
		return !info.Missing && (info.Err != nil || p.Number < info.Partitions)
	}, nil
}

// stored returns whether a topic still has an event. Where that cannot be found out, the worker will.
func (by planner) stored(ctx context.Context) func(event.Place) bool {
	first := map[event.Partition]int64{}
	return func(p event.Place) bool {
		partition := event.Partition{Topic: p.Topic, Number: p.Partition}
		from, asked := first[partition]
		if !asked {
			if bounds, err := by.cluster.Bounds(ctx, p.Topic, []int{p.Partition}); err == nil {
				from = bounds[p.Partition].First
			}
			first[partition] = from
		}
		return p.Offset >= from
	}
}

// becomes maps the ready letters by today's mapping, in one pass over the part of the topic that holds them.
func (by planner) becomes(ctx context.Context, letters []replay.Planned) error {
	if by.mapped.mapping == nil || len(letters) == 0 {
		return nil
	}
	wanted := map[int64]*replay.Planned{}
	low, high := letters[0].Offset, letters[0].Offset
	for i := range letters {
		l := &letters[i]
		wanted[l.Offset], low, high = l, min(low, l.Offset), max(high, l.Offset)
	}
	for record, err := range scan.Records(ctx, by.cluster, scan.Range{
		Topic: by.reader.letters, Partitions: []int{0}, Uncommitted: true,
		From: scan.Position{Offset: low}, Until: scan.Position{Offset: high + 1},
		Progress: func(int64, int64) { by.reader.answered() },
	}) {
		if err != nil {
			return err
		}
		l := wanted[record.Offset]
		if l == nil {
			continue
		}
		letter, err := deadletter.Parse(record)
		if err != nil || letter.Omitted != nil {
			continue
		}
		if items, err := by.mapped.mapping.Decode(ctx, letter.Record); err == nil {
			l.Map(items)
		}
	}
	return nil
}

// warnings say what a person may want to change first.
func (by planner) warnings(ctx context.Context, p replayPlan, pauses []ledger.Entry) []string {
	var all []string
	if ready := p.Counts[replay.Ready]; ready > len(p.Letters) {
		all = append(all, fmt.Sprintf("%d letters are ready, of which --limit takes the first %d; the same command again "+
			"replays more", ready, len(p.Letters)))
	}
	for _, pause := range pauses {
		all = append(all, fmt.Sprintf("calls are paused (%s, by %s): letters wait for \"leadhit-sync resume\"",
			pause.Kind(), pause.By))
	}
	switch f := findFollowers(ctx, by.cluster, p.Group); {
	case f.unknown != nil:
		all = append(all, f.String())
	case f.workers == 0:
		all = append(all, "group "+p.Group+" has no worker: letters wait until one starts")
	}
	by.reader.answered()
	if len(p.Letters) == 0 {
		return all
	}
	if by.mapped.mapping == nil {
		return append(all, "what the letters become is not known: "+by.mapped.why)
	}
	same := 0
	for i := range p.Letters {
		if p.Letters[i].Same() {
			same++
		}
	}
	if same == len(p.Letters) {
		all = append(all, "nothing has changed: the mapping makes the same of every letter as when it failed; they fail "+
			"again unless LeadHit has changed")
	}
	return all
}

// lacksRights reports that this user may not write the ledger. A cluster that does not tell rights refuses the first
// entry instead.
func (by planner) lacksRights(ctx context.Context) error {
	rights, err := by.cluster.TopicRights(ctx, by.reader.ledger)
	if err != nil {
		return nil //nolint:nilerr // the first entry fails with the reason, before any letter was asked for
	}
	if len(rights[by.reader.ledger].Lack("Write")) > 0 {
		return errors.New("this user may not write to the ledger: grant Write on topic " + by.reader.ledger +
			"; no letter was asked for")
	}
	return nil
}
