package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// letterbox reads the dead-letter topic from its start. Its client is not the worker's, so that they share no fault.
type letterbox struct {
	client *kgo.Client

	mu      sync.Mutex
	letters []deadletter.Letter
	broken  int   // records that are not letters
	next    int64 // offset
}

// openLetterbox opens a reader of the topic, which must exist. It reads partition 0 without a group, so it neither
// commits nor appears among the members.
func openLetterbox(brokers []string) (*letterbox, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		letters: {0: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		return nil, err
	}
	return &letterbox{client: client}, nil
}

// read reads letters until ctx ends or, if upTo is 0 or more, until that offset. One goroutine at a time calls it:
// first beside the demo, then for the evidence, from where the first ended.
func (b *letterbox) read(ctx context.Context, upTo int64) error {
	for upTo < 0 || b.position() < upTo {
		fetches := b.client.PollFetches(ctx)
		if ctx.Err() != nil {
			if upTo < 0 {
				return nil
			}
			return fmt.Errorf("read %s: at offset %d of %d: %w", letters, b.position(), upTo, context.Cause(ctx))
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", letters, err)
		}
		fetches.EachRecord(b.take)
	}
	return nil
}

// take keeps a record. A record that is no letter is counted: the summary reports it, because the worker wrote it.
func (b *letterbox) take(r *kgo.Record) {
	record := event.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	letter, err := deadletter.Parse(record)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = r.Offset + 1
	if err != nil {
		b.broken++
		return
	}
	b.letters = append(b.letters, letter)
}

func (b *letterbox) position() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// all returns the letters so far, the oldest first, and how many records were not letters.
func (b *letterbox) all() (found []deadletter.Letter, broken int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A clipped slice is a snapshot: letters are only appended, and an append to it makes a copy.
	return slices.Clip(b.letters), b.broken
}
