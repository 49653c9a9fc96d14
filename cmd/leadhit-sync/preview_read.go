package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/scan"
)

// watch reads the topics without a group and tallies what it sees. What it starts has ended when its methods return.
type watch struct {
	cluster *broker.Cluster
	mapping *mapping.Mapping
	topics  []string
	// statuses are LeadHit's, as the mapping has them.
	statuses []string
	// answered is called after each answer of Kafka while the past is read.
	answered func()

	mu      sync.Mutex
	tally   *tally
	samples []event.Record  // events that LeadHit will not accept
	next    map[place]int64 // where each partition is read on

	held []heldBack // as of the last look
}

// place is one partition of one topic.
type place struct {
	topic     string
	partition int
}

// String returns the place as ids begin with it.
func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

// past reads what the topics hold from a time on, topic after topic.
func (w *watch) past(ctx context.Context, from time.Time, p *terminal.Progress) error {
	defer p.End()
	w.next = make(map[place]int64)
	for _, topic := range w.topics {
		err := w.pastOf(ctx, topic, from, p)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
	}
	return nil
}

func (w *watch) pastOf(ctx context.Context, topic string, from time.Time, p *terminal.Progress) error {
	if err := w.ends(ctx, topic); err != nil {
		return err
	}
	records := scan.Records(ctx, w.cluster, scan.Range{
		Topic: topic, From: scan.Position{Time: from},
		Progress: func(done, total int64) {
			w.answered()
			p.Show(topic, done, total)
		},
	})
	for r, err := range records {
		if err != nil {
			return err
		}
		w.add(ctx, r)
	}
	return nil
}

// errInterrupted says that a person ended the reading.
var errInterrupted = errors.New("interrupted before all events were read")

// ends notes where the logs end before they are read: there, or behind the last event that was read, following goes on.
func (w *watch) ends(ctx context.Context, topic string) error {
	topology, err := w.cluster.Topics(ctx, topic)
	if err != nil {
		return err
	}
	info := topology.Topics[topic]
	if info.Missing || info.Err != nil {
		return info.Err
	}
	partitions := make([]int, info.Partitions)
	for i := range partitions {
		partitions[i] = i
	}
	bounds, err := w.cluster.Bounds(ctx, topic, partitions)
	if err != nil {
		return err
	}
	for partition, b := range bounds {
		w.next[place{topic, partition}] = b.Last
	}
	return nil
}

// add asks the mapping about an event and tallies it.
func (w *watch) add(ctx context.Context, r event.Record) seen {
	e := explainRecord(ctx, w.mapping, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.add(e)
	w.sample(r, e)
	at := place{r.Topic, r.Partition}
	w.next[at] = max(w.next[at], r.Offset+1)
	return e
}

// follow reads on in all partitions at once until the context is over, which is no error, and tells of each event.
func (w *watch) follow(ctx context.Context, tell func(seen) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var telling sync.Mutex
	for at, offset := range maps.Clone(w.next) {
		group.Go(func() error {
			records := scan.Records(ctx, w.cluster, scan.Range{
				Topic: at.topic, Partitions: []int{at.partition}, From: scan.Position{Offset: offset}, Follow: true,
			})
			for r, err := range records {
				if err != nil {
					return err
				}
				e := w.add(ctx, r)
				telling.Lock()
				err := tell(e)
				telling.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
