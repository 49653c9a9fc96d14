package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/scan"
)

// watch reads the topics without a group, so that it neither commits nor takes partitions from a worker. Its methods
// return when all their goroutines have ended. mu guards tally, samples and next, which follow's goroutines share. The
// past method runs alone, before these goroutines start.
type watch struct {
	cluster *broker.Cluster
	mapping *mapping.Mapping
	topics  []string
	// statuses are the statuses that LeadHit knows, as the mapping lists them.
	statuses []string
	// answered is called after each response from Kafka while past reads.
	answered func()

	mu      sync.Mutex
	tally   *tally
	samples []event.Record            // events that LeadHit will not accept
	next    map[event.Partition]int64 // where follow continues in each partition

	held []heldBack // as the last lookBehind found them
}

// past reads the existing events that are not older than from. It reads topic after topic, so that the progress bar can
// name the topic.
func (w *watch) past(ctx context.Context, from time.Time, p *terminal.Progress) error {
	defer p.End()
	w.next = make(map[event.Partition]int64)
	topology, err := w.cluster.Topics(ctx, w.topics...)
	if err == nil {
		w.tally.unequal = !topology.EqualPartitions()
		for topic, info := range topology.Topics {
			w.tally.orders.partitions[topic] = info.Partitions
		}
	} // after an error, reading the first topic fails too
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

// pastOf reads one topic. It reads only committed records, as a worker does, because an aborted event must not count.
func (w *watch) pastOf(ctx context.Context, topic string, from time.Time, p *terminal.Progress) error {
	if err := w.ends(ctx, topic); err != nil {
		return err
	}
	records := scan.Records(ctx, w.cluster, scan.Range{
		Topic: topic, From: scan.Position{Time: from},
		Progress: func(done, total int64) {
			w.answered()
			p.Draw(readBar(topic, done, total))
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

// errInterrupted means that a person stopped the command.
var errInterrupted = errors.New("interrupted before all events were read")

// ends stores the current end of each partition's log. It is called before the topic is read, so that no event written
// meanwhile is missed. The follow method continues there, or after the last event that was read.
func (w *watch) ends(ctx context.Context, topic string) error {
	topology, err := w.cluster.Topics(ctx, topic)
	if err != nil {
		return err
	}
	info := topology.Topics[topic]
	// A missing topic has no ends to store.
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
		w.next[event.Partition{Topic: topic, Number: partition}] = b.Last
	}
	return nil
}

// add applies the mapping to an event and counts the event's items.
func (w *watch) add(ctx context.Context, r event.Record) seen {
	e := explainRecord(ctx, w.mapping, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.add(e)
	w.sample(r, e)
	at := event.Partition{Topic: r.Topic, Number: r.Partition}
	w.next[at] = max(w.next[at], r.Offset+1)
	return e
}

// follow continues in all partitions at once, and calls show for each event. It returns nil when ctx has ended. It owns
// a goroutine for each partition, and returns when all have ended. An error in one partition ends the others, because a
// preview of only some partitions would look complete.
func (w *watch) follow(ctx context.Context, show func(seen) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var showing sync.Mutex // lines of two partitions must not mix
	for at, offset := range maps.Clone(w.next) {
		group.Go(func() error {
			records := scan.Records(ctx, w.cluster, scan.Range{
				Topic: at.Topic, Partitions: []int{at.Number}, From: scan.Position{Offset: offset}, Follow: true,
			})
			for r, err := range records {
				if err != nil {
					return err
				}
				e := w.add(ctx, r)
				showing.Lock()
				err := show(e)
				showing.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// readBar returns a progress bar that shows how much of a topic was read.
func readBar(topic string, done, total int64) string {
	const width = 20
	full := int(done * width / max(total, 1))
	return fmt.Sprintf("%s  %s%s  %d%%  %d of %d events", terminal.Quote(topic), strings.Repeat("█", full),
		strings.Repeat("░", width-full), done*100/max(total, 1), done, total)
}
