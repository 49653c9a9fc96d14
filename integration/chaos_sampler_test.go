package integration_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/audit"
)

// sampler reads a group's commits continuously, metadata included.
type sampler struct {
	run *run

	mu      sync.Mutex
	samples []audit.Sample // those that differ from the previous one
	last    map[audit.Place]audit.Sample
	rounds  int
	began   time.Time
	at      time.Time     // time of the last response
	longest time.Duration // longest time without a response
	stalled time.Duration // the test's own longest delay, caused by a busy machine
}

// sample starts taking samples ten times a second, or less often while the group's coordinator does not respond. The
// returned function ends the sampling.
func (r *run) sample(t *testing.T) (s *sampler, stop func()) {
	t.Helper()
	now := time.Now()
	s = &sampler{run: r, last: make(map[audit.Place]audit.Sample), began: now, at: now}
	from := dial(t, r.broker.addrs)
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			s.ask(ctx, from)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	asking.Go(func() { s.watchStalls(ctx) })
	stop = func() {
		cancel()
		asking.Wait()
	}
	t.Cleanup(stop)
	return s, stop
}

// watchStalls measures how late a tick can be on this machine. A worker may have abandoned a call whose response is
// that late.
func (s *sampler) watchStalls(ctx context.Context) {
	const tick = 100 * time.Millisecond
	for ctx.Err() == nil {
		slept := time.Now()
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
		s.stalled = max(s.stalled, time.Since(slept)-tick) // read only after this goroutine has ended
	}
}

// ask takes one sample of every partition. Without a response, for example because the coordinator is dead, there is no
// sample.
func (s *sampler) ask(ctx context.Context, from *broker) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var partitions []int
	for p := range s.run.partitions {
		partitions = append(partitions, p)
	}
	answer, err := from.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: s.run.group, Topics: map[string][]int{s.run.topic: partitions},
	})
	taken := time.Now() // after the response, so the commit is older
	if cmpErr(err, errorOf(answer)) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	s.longest = max(s.longest, taken.Sub(s.at))
	s.at = taken
	for _, p := range answer.Topics[s.run.topic] {
		if p.Error != nil || p.CommittedOffset < 0 {
			continue
		}
		place := audit.Place{Topic: s.run.topic, Partition: p.Partition}
		if last, known := s.last[place]; known && last.Next == p.CommittedOffset && last.Metadata == p.Metadata {
			continue // the earlier sample is the stricter one
		}
		sample := audit.Sample{Place: place, Taken: taken, Next: p.CommittedOffset, Metadata: p.Metadata}
		s.last[place] = sample
		s.samples = append(s.samples, sample)
	}
}

// reached reports whether, according to the last samples, all partitions are committed up to ends.
func (s *sampler) reached(ends map[audit.Place]int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for place, end := range ends {
		if s.last[place].Next < end {
			return false
		}
	}
	return true
}

// pace returns the average number of samples per second.
func (s *sampler) pace() float64 { return float64(s.rounds) / s.at.Sub(s.began).Seconds() }
