package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// mostEventLives limits the memory and the output: an order has a few events, one of a broken producer millions.
const mostEventLives = 1000

// orderReader collects all that is known about one order.
type orderReader struct {
	orderQuery

	settings *config.Config
	cluster  *broker.Cluster
	mapping  *mapping.Mapping
	notice   *terminal.Notice
	progress *terminal.Progress

	life    orderLife
	facts   orderFacts
	byID    map[string]*eventLife
	history map[string][]orderStep // by the letter's id
}

// read reads the topics, asks the workers and then the group. Letters come last: a commit covers an event only when its
// letter is stored, so an event that the commit covers and that has no letter then never had one. What a worker says is
// older than the commit, so the commit overrules it.
func (r *orderReader) read(ctx context.Context) error {
	defer r.progress.End()
	r.facts.group = r.settings.Kafka.Group
	r.byID, r.history = map[string]*eventLife{}, map[string][]orderStep{}
	for _, topic := range r.settings.Kafka.Topics {
		if err := r.events(ctx, topic); err != nil {
			return err
		}
	}
	r.progress.End()
	r.notice.Answered()
	r.askWorkers(ctx)
	if err := r.commits(ctx); err != nil && ctx.Err() == nil {
		r.life.note("the group's commits cannot be read: %v", err)
	}
	return r.letters(ctx)
}

// events reads the events of one topic.
func (r *orderReader) events(ctx context.Context, topic string) error {
	for record, err := range r.scan(ctx, scan.Range{Topic: topic, From: scan.Position{Time: r.since}}) {
		if err != nil {
			return err
		}
		r.life.Read++
		items, err := r.mapping.Decode(ctx, record)
		if err != nil {
			r.life.Unmapped++ // the schema registry does not respond
			continue
		}
		r.event(record, r.named(ctx, record, items))
	}
	return nil
}

func (r *orderReader) scan(ctx context.Context, what scan.Range) func(func(event.Record, error) bool) {
	what.Progress = func(done, total int64) {
		r.notice.Answered()
		r.progress.Draw(readBar(what.Topic, done, total))
	}
	return scan.Records(ctx, r.cluster, what)
}

// named adds the order ids of ignored items. A worker needs none, so only Explain reads them.
func (r *orderReader) named(ctx context.Context, record event.Record, items []event.Item) []event.Item {
	if !slices.ContainsFunc(items, func(i event.Item) bool { return i.Action == event.Ignore && i.OrderID == "" }) {
		return items
	}
	explained, err := r.mapping.Explain(ctx, record)
	if err != nil || len(explained.Orders) != len(items) {
		return items
	}
	for i, o := range explained.Orders {
		for _, f := range o.Fields {
			if f.Name == "order_id" && f.Value != nil && !f.Failed && items[i].OrderID == "" {
				items[i].OrderID = *f.Value
			}
		}
	}
	return items
}

// event keeps the items about the order. An item without an order id is kept if the record's key is the id: what the
// mapping refuses early is known by its key alone.
func (r *orderReader) event(record event.Record, items []event.Item) {
	for i, item := range items {
		byKey := item.OrderID == "" && string(record.Key) == r.order
		if item.OrderID != r.order && !byKey {
			continue
		}
		id := ledger.ID{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, Item: ledger.NoItem}
		if len(items) > 1 {
			id.Item = i
		}
		e := newEventLife(id)
		e.Time = timeShown(record.Time)
		e.Action, e.Status, e.Cause, e.Message, e.By = item.Action.String(), item.Status, item.Cause, item.Message, item.By
		e.ByKey = byKey
		if item.Action == event.Call && calledLater(items[i+1:], r.order) {
			e.Action, e.Message = event.Ignore.String(), "a later status in the same event is sent instead"
		}
		r.add(e)
	}
}

// calledLater reports whether an item asks for a call about the order: of several in one event the last is called.
func calledLater(items []event.Item, order string) bool {
	return slices.ContainsFunc(items, func(i event.Item) bool { return i.Action == event.Call && i.OrderID == order })
}

func (r *orderReader) add(e *eventLife) {
	if len(r.life.Events) == mostEventLives {
		r.life.More++
		return
	}
	r.life.Events = append(r.life.Events, e)
	r.byID[e.ID] = e
}

// askWorkers asks all workers what is left to do about the order.
func (r *orderReader) askWorkers(ctx context.Context) {
	pages, err := r.workers(ctx)
	if err != nil {
		r.life.note("no worker was asked: %v", err)
		return
	}
	for i := range pages {
		pages[i] = withOrder(pages[i], r.order)
	}
	reached := 0
	for _, a := range askWorkers(ctx, pages) {
		w := orderWorker{URL: a.URL, Error: a.Error}
		switch s := a.Status; {
		case s == nil:
		case s.Group != r.settings.Kafka.Group:
			w.Error = "it belongs to group " + s.Group
		default:
			reached++
			r.facts.workers = append(r.facts.workers, *s)
			if s.Order == nil {
				w.Error = "version " + s.Version + " does not say what it does about one order"
			}
		}
		r.life.Workers = append(r.life.Workers, w)
	}
	if reached == 0 {
		r.life.note("no worker of group %s responded, so nothing is known of calls and waits; --workers names them",
			r.settings.Kafka.Group)
	}
}

// withOrder adds the question about one order to a status page's address.
func withOrder(page, order string) string {
	at, err := url.Parse(page)
	if err != nil { // statusPages has parsed it
		return page
	}
	query := at.Query()
	query.Set("order", order)
	at.RawQuery = query.Encode()
	return at.String()
}

// commits reads what the group has committed about the partitions that have events of the order. It first asks for the
// group: a search for the coordinator of one that does not exist would create __consumer_offsets.
func (r *orderReader) commits(ctx context.Context) error {
	group, err := membersOf(ctx, r.cluster, r.settings.Kafka.Group)
	if err != nil {
		return err
	}
	r.facts.commits = map[event.Partition]groups.OffsetCommit{}
	if len(group.Members) == 0 {
		r.life.note("group %s has no members: no worker is running", r.settings.Kafka.Group)
	}
	var partitions []event.Partition
	for _, e := range r.life.Events {
		if p := (event.Partition{Topic: e.Topic, Number: e.Partition}); !slices.Contains(partitions, p) {
			partitions = append(partitions, p)
			r.facts.commits[p] = groups.OffsetCommit{Partition: p, Next: -1}
		}
	}
	if group.State == groups.Dead {
		return nil
	}
	committed, err := r.cluster.Committed(ctx, r.settings.Kafka.Group, partitions)
	if err != nil {
		r.facts.commits = nil
		return err
	}
	for p, c := range committed {
		r.facts.commits[p] = c
		bounds, err := r.cluster.Bounds(ctx, p.Topic, []int{p.Number})
		if err == nil && c.Next > bounds[p.Number].End {
			delete(r.facts.commits, p)
			r.life.note("the group's commit of %s is beyond the end of the log, which was truncated or recreated", nameOf(p))
		}
	}
	return nil
}

// letters reads the letters' topic and then the ledger. Either may be missing: then there are no letters, or nobody has
// done anything about them.
func (r *orderReader) letters(ctx context.Context) error {
	group, reader := r.settings.Kafka.Group, openLetters(r.settings, r.cluster, r.notice, nil)
	wanted := func(id, order string) bool { return r.byID[id] != nil || order == r.order }
	err := reader.read(ctx, reader.letters, func(record event.Record) {
		l, err := reader.view.Letter(record)
		if err == nil && (l.Group == "" || l.Group == group) && wanted(l.ID(), l.OrderID) {
			r.remember(l.ID(), letterStep(l, record.Place))
		}
	})
	if err != nil && !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return err
	}
	err = reader.read(ctx, reader.ledger, func(record event.Record) {
		e, counted := reader.view.Entry(record)
		if e.ID != "" && e.For(group) && wanted(e.ID, e.Order) {
			r.remember(e.ID, entryStep(e, counted))
		}
	})
	if err != nil && !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return err
	}
	r.facts.letters = reader.view
	return nil
}

// remember adds a step to a letter's history, and the event if only letters and ledger know it: it has expired, or is
// older than --since.
func (r *orderReader) remember(id string, s orderStep) {
	if place, err := ledger.ParseID(id); err == nil && r.byID[id] == nil {
		e := newEventLife(place)
		if s.letter != nil {
			e.Status, e.Time = s.letter.Status, timeShown(s.letter.Time)
		}
		r.add(e)
	}
	r.history[id] = append(r.history[id], s)
}

// finish puts everything together.
func (r *orderReader) finish() {
	for _, e := range r.life.Events {
		e.History = append(e.History, r.history[e.ID]...)
		slices.SortStableFunc(e.History, func(a, b orderStep) int { return a.At.Compare(b.At) })
		r.facts.decide(e)
	}
	r.life.sort()
	if r.life.Unmapped > 0 {
		r.life.note("%s cannot be read, because the schema registry does not respond", count(r.life.Unmapped, "event"))
	}
	if r.life.More > 0 {
		r.life.note("%s more of the order are left out", count(r.life.More, "event"))
	}
}

// orderFacts is what is known beside the events. commits is nil if they could not be read, letters if they were not.
type orderFacts struct {
	group   string
	workers []status.Worker
	commits map[event.Partition]groups.OffsetCommit
	letters *view.View
}

func (l *orderLife) note(format string, args ...any) {
	l.Notes = append(l.Notes, fmt.Sprintf(format, args...))
}
