package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/operator/members"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

// Selection says which letters a plan is about.
type Selection struct {
	Filter view.Filter
	// Most, MaxReplays and Force are as in [replay.Limits].
	Most, MaxReplays int
	Force            bool
}

// Plan is a replay's plan, and what a person needs to know about it.
type Plan struct {
	replay.Plan

	Warnings []life.Note
	// Missing says why this program cannot carry the plan out; nil if it can.
	Missing error
}

// Refused reports whether the plan found letters that must not be replayed as they are.
func (p Plan) Refused() bool {
	for class, count := range p.Counts {
		if count > 0 && !slices.Contains([]replay.Class{replay.Ready, replay.Requeued, replay.Resolved}, class) {
			return true
		}
	}
	return false
}

// Plan reads both topics to their ends and plans a replay.
func (r *Reader) Plan(ctx context.Context, s Selection) (Plan, error) {
	if err := r.Refresh(ctx); err != nil {
		return Plan{}, err
	}
	limits, err := r.Limits(ctx, s)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	r.Look(func(v *view.View) { p.Plan = replay.NewPlan(v.Letters(s.Filter), s.Filter.IDs, limits) })
	if err := r.becomes(ctx, p.Letters); err != nil {
		return p, err
	}
	p.Warnings = r.warnings(ctx, p)
	if p.Missing = r.lacksRights(ctx); p.Missing != nil {
		p.Warnings = append(p.Warnings, life.NewNote("no-write-right", "%v", p.Missing))
	}
	return p, nil
}

// Limits returns the limits of a plan. Without Topics, every topic that exists counts as consumed. A topic that we are
// not allowed to describe counts as existing.
func (r *Reader) Limits(ctx context.Context, s Selection) (replay.Limits, error) {
	limits := replay.Limits{
		Group: r.Group, Most: s.Most, MaxReplays: s.MaxReplays, Force: s.Force, Stored: r.stored(ctx),
		Consumed: func(event.Partition) bool { return false },
	}
	topics := r.Topics
	r.Look(func(v *view.View) {
		if limits.Horizon = r.next[event.Partition{Topic: r.Letters}] - fold.WorkerHorizon; topics == nil {
			topics = topicsOf(v.Letters(s.Filter))
		}
	})
	if len(topics) == 0 {
		return limits, nil
	}
	found, err := r.Cluster.Topics(ctx, topics...)
	r.answered()
	if err != nil {
		return limits, err
	}
	limits.Consumed = func(p event.Partition) bool {
		if r.Topics != nil && !slices.Contains(r.Topics, p.Topic) {
			return false
		}
		info := found.Topics[p.Topic]
		return !info.Missing && (info.Err != nil || p.Number < info.Partitions)
	}
	return limits, nil
}

func topicsOf(letters iter.Seq[view.Letter]) []string {
	topics := map[string]bool{}
	for l := range letters {
		topics[l.Topic] = true
	}
	return slices.Collect(maps.Keys(topics))
}

// stored returns a function that reports whether a topic still has an event. If the function cannot find out, it
// returns true, and the worker finds out.
func (r *Reader) stored(ctx context.Context) func(event.Place) bool {
	first := map[event.Partition]int64{}
	return func(p event.Place) bool {
		partition := event.Partition{Topic: p.Topic, Number: p.Partition}
		from, asked := first[partition]
		if !asked {
			if bounds, err := r.Cluster.Bounds(ctx, p.Topic, []int{p.Partition}); err == nil {
				from = bounds[p.Partition].First
			}
			first[partition] = from
		}
		return p.Offset >= from
	}
}

// becomes fills in the ready letters' Becomes field, according to the current mapping. It makes one pass over the part
// of the topic that holds them.
func (r *Reader) becomes(ctx context.Context, letters []replay.Planned) error {
	if r.Mapping == nil || len(letters) == 0 {
		return nil
	}
	wanted := map[int64]*replay.Planned{}
	low, high := letters[0].Offset, letters[0].Offset
	for i := range letters {
		l := &letters[i]
		wanted[l.Offset], low, high = l, min(low, l.Offset), max(high, l.Offset)
	}
	for record, err := range scan.Records(ctx, r.Cluster, scan.Range{
		Topic: r.Letters, Partitions: []int{0}, Uncommitted: true,
		From: scan.Position{Offset: low}, Until: scan.Position{Offset: high + 1},
		Progress: func(int64, int64) { r.answered() },
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
		if items, err := r.Mapping.Decode(ctx, letter.Record); err == nil {
			l.Map(items)
		}
	}
	return nil
}

// warnings returns what a person may want to change before the replay.
func (r *Reader) warnings(ctx context.Context, p Plan) (all []life.Note) {
	warn := func(name, format string, facts ...any) { all = append(all, life.NewNote(name, format, facts...)) }
	if ready := p.Counts[replay.Ready]; ready > len(p.Letters) {
		warn("limit", "%d letters are ready, and --limit takes the first %d; run the same command again to replay more",
			ready, len(p.Letters))
	}
	for _, pause := range r.Pauses() {
		warn("paused-"+pause.Kind(), "calls are paused (%s, by %s): letters wait for \"leadhit-sync resume\"",
			pause.Kind(), pause.By)
	}
	switch f := members.Count(ctx, r.Cluster, r.Group); {
	case f.Unknown != nil:
		warn("workers-not-counted", "%v", f)
	case f.Workers == 0:
		warn("no-worker", "group %s has no worker: letters wait until one starts", r.Group)
	}
	r.answered()
	if len(p.Letters) == 0 {
		return all
	}
	if r.Mapping == nil {
		warn("no-mapping", "what the letters become is not known: %s", r.Unmapped)
		return all
	}
	same := 0
	for i := range p.Letters {
		if p.Letters[i].Same() {
			same++
		}
	}
	if same == len(p.Letters) {
		warn("nothing-changed", "nothing has changed: for every letter, the mapping asks for the same as when it failed "+
			"(workers of version %s); the letters fail again unless LeadHit or the workers have changed",
			versions(p.Letters))
	}
	return all
}

// versions lists the versions of the workers that wrote the letters. A plan does not know which versions are running
// now: "leadhit-sync status" shows them.
func versions(letters []replay.Planned) string {
	const most = 3
	found := map[string]bool{}
	for i := range letters {
		found[letters[i].Version] = true
	}
	names := slices.Sorted(maps.Keys(found))
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// lacksRights returns an error if Kafka does not allow us to write to the ledger. A cluster that does not report rights
// refuses the first entry instead.
func (r *Reader) lacksRights(ctx context.Context) error {
	topic := ledger.Topic(r.Letters)
	rights, err := r.Cluster.TopicRights(ctx, topic)
	if err != nil {
		return nil //nolint:nilerr // the first entry fails with the reason, before any letter was requeued
	}
	if len(rights[topic].Lack("Write")) > 0 {
		return errors.New("Kafka does not allow us to write to the ledger: grant Write on topic " + topic +
			"; no letter was requeued")
	}
	return nil
}

// Status returns the status of a letter in our own group, for a run.
func (r *Reader) Status(id ledger.ID) (fold.Status, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	l, ok := r.View.Find(id)
	if !ok || l.Group != "" && l.Group != r.Group {
		return fold.Status{}, false
	}
	return l.Ledger, true
}

// Append writes an entry for a run. It completes a write that has started, even if the run is interrupted, so the
// summary includes that entry.
func (r *Reader) Append(ctx context.Context, e ledger.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendLimit)
	defer cancel()
	return r.WriteEntry(ctx, e)
}
