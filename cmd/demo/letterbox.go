package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/integration/audit"
)

// letterbox reads the dead-letter topic and the ledger from the start. It has a client of its own, so that a fault in
// the worker's client does not affect it.
type letterbox struct {
	client *kgo.Client

	mu      sync.Mutex
	letters []deadletter.Letter
	broken  int // records that are neither letters nor ledger entries
	ledger  audit.Ledger
	next    map[string]int64 // offsets, by topic
}

// openLetterbox opens a reader of both topics, which must exist. It reads partition 0 without a group, so it neither
// commits nor becomes a member.
func openLetterbox(brokers []string) (*letterbox, error) {
	start := map[int32]kgo.Offset{0: kgo.NewOffset().AtStart()}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		letters: start, ledger.Topic(letters): start,
	}))
	if err != nil {
		return nil, err
	}
	return &letterbox{client: client, next: map[string]int64{}}, nil
}

// read reads until ctx ends or, if ends is not nil, up to the offsets in ends. It is called by one goroutine at a time:
// first during the demo, then for the final check, which continues where the first call stopped.
func (b *letterbox) read(ctx context.Context, ends map[string]int64) error {
	for ends == nil || b.missing(ends) != "" {
		fetches := b.client.PollFetches(ctx)
		if ctx.Err() != nil {
			if ends == nil {
				return nil
			}
			return fmt.Errorf("read %s: %w", b.missing(ends), context.Cause(ctx))
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s and the ledger: %w", letters, err)
		}
		fetches.EachRecord(b.take)
	}
	return nil
}

// missing describes a topic that has not been read up to its offset in ends. It returns "" if both topics have been.
func (b *letterbox) missing(ends map[string]int64) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic, end := range ends {
		if b.next[topic] < end {
			return fmt.Sprintf("%s: at offset %d of %d", topic, b.next[topic], end)
		}
	}
	return ""
}

// take adds a record to the letters or to the ledger, or counts it as broken. Only our own programs write to these
// topics, so the summary reports broken records.
func (b *letterbox) take(r *kgo.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next[r.Topic] = r.Offset + 1
	if r.Topic != letters {
		if b.ledger.Entry(r.Value, r.Timestamp) != nil {
			b.broken++
		}
		return
	}
	record := event.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	letter, err := deadletter.Parse(record)
	if err != nil {
		b.broken++
		return
	}
	b.letters = append(b.letters, letter)
	b.ledger.Letter(letter.ID(), letter.ReplayCount)
}

// all returns the letters so far, the oldest first, and the number of broken records.
func (b *letterbox) all() (found []deadletter.Letter, broken int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A clipped slice is a snapshot, because letters are only appended, and an append to the clipped slice makes a
	// copy.
	return slices.Clip(b.letters), b.broken
}

// requeued returns the number of letters whose replay has no outcome yet.
func (b *letterbox) requeued() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ledger.Requeued()
}

// stored returns the number of letters. A letter that is refused again in a replay gets another record, but counts
// once, as in the summary.
func (b *letterbox) stored() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ledger.IDs)
}
