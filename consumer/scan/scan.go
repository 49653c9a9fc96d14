// Package scan reads a range of a topic without joining a group. Commands that list records use it; the worker does
// not.
//
//	for record, err := range scan.Records(ctx, cluster, scan.Range{Topic: "orders"}) {
//		…
//	}
//
// # Promises
//
// [Records] yields the readable records of the range in offset order, one partition after another, and each offset at
// most once. It commits nothing. The range is fixed at the start: without Follow it ends where the log ended then, or
// at the first open transaction unless Uncommitted is set. Records that retention removes during the read are skipped.
//
// # Errors
//
// Failures due to leader changes and dead brokers are retried. A partition that makes no progress for half a minute
// yields its error, which ends the loop. A missing topic, a missing permission and corrupt data end it at once, because
// a retry cannot help.
//
// # Goroutines
//
// While the caller handles the records of one fetch, a goroutine makes the next fetch. The goroutine has ended when the
// loop ends.
package scan

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

const (
	// wait is how long one fetch waits for records. When following, the partitions take turns, so a record may wait
	// this long for each of the other partitions.
	wait = 250 * time.Millisecond
	// fetchBytes is more than a worker requests: a command reads one partition at a time while a person waits.
	fetchBytes = 1 << 20
	// patience is how long a partition may go without a success. A cluster takes 9 to 12 seconds to replace a leader.
	patience = 30 * time.Second
)

// Range says what to read. With only a Topic it is the whole log as of now.
type Range struct {
	Topic string
	// Partitions are read in this order. None means all.
	Partitions []int
	// From is the first event that is read; if zero, the log's start.
	From Position
	// Until is the first event that is not read; if zero, the log's end when reading begins.
	Until Position
	// Follow continues at the log's end until the context ends, and reads several partitions round robin. Until is
	// ignored, and the end of the context is not an error.
	Follow bool
	// Uncommitted reads records of open and aborted transactions too. It is for our own topics: we write them without
	// transactions, and another producer's open transaction must not hide what we wrote.
	Uncommitted bool
	// Progress, if not nil, is called after each fetch that made progress, with the number of offsets read and the
	// number in the range. When following, the total grows.
	Progress func(done, total int64)
}

// Position is a point in every partition of a topic: an offset, or a time if one is set. A time means the first event
// at or after that time. An offset outside the log is moved to the log's start or end.
type Position struct {
	Offset int64
	// Time, unless zero, is used instead of Offset.
	Time time.Time
}

func (p Position) zero() bool { return p.Offset == 0 && p.Time.IsZero() }

// Records reads the range from the cluster. After an error it yields nothing more. The topic must be one of the
// cluster's Options.Topics, if there are any.
func Records(ctx context.Context, cluster *broker.Cluster, r Range) iter.Seq2[event.Record, error] {
	return func(yield func(event.Record, error) bool) {
		s := &scan{cluster: cluster, Range: r}
		err := s.locate(ctx)
		if err == nil {
			err = s.read(ctx, yield)
		}
		switch {
		case err == nil, errors.Is(err, errStopped):
		case r.Follow && ctx.Err() != nil:
		default:
			yield(event.Record{}, fmt.Errorf("read %s: %w", r.Topic, err))
		}
	}
}

var (
	// errStopped says that the caller left its loop, after which yield must not be called again.
	errStopped = errors.New("the caller has left the loop")
	// errNothing ends a wait that could last forever, because a new leader may lack records that the old one had.
	errNothing = fmt.Errorf("the broker returned nothing for %v, although the log had more records when reading began",
		patience)
)

type scan struct {
	Range

	cluster *broker.Cluster
	parts   []*part
	done    int64
}

// part is one partition's share of the range. The offsets from next up to, but not including, end are still to be read.
type part struct {
	partition int
	next, end int64
}

// locate turns the range into offsets.
func (s *scan) locate(ctx context.Context) error {
	if err := s.choose(ctx); err != nil {
		return err
	}
	var bounds map[int]inspect.Bounds
	err := retry(ctx, func() (err error) {
		bounds, err = s.cluster.Bounds(ctx, s.Topic, s.Partitions)
		return err
	})
	if err != nil {
		return err
	}
	from, err := s.offsets(ctx, s.From)
	if err != nil {
		return err
	}
	until, err := s.offsets(ctx, s.Until)
	if err != nil {
		return err
	}
	for _, partition := range s.Partitions {
		b := s.ends(bounds[partition])
		p := &part{partition: partition, next: b.First, end: b.Last}
		if !s.From.zero() {
			p.next = min(max(from[partition], b.First), b.Last)
		}
		if !s.Until.zero() && !s.Follow {
			p.end = max(min(until[partition], b.Last), p.next)
		}
		s.parts = append(s.parts, p)
	}
	return nil
}

// ends returns b, with Last moved to the log's end if the range reads uncommitted records.
func (s *scan) ends(b inspect.Bounds) inspect.Bounds {
	if s.Uncommitted {
		b.Last = b.End
	}
	return b
}

// choose checks that the topic exists, and fills Partitions if none were named.
func (s *scan) choose(ctx context.Context) error {
	var topic inspect.TopicInfo
	err := retry(ctx, func() error {
		topology, err := s.cluster.Topics(ctx, s.Topic)
		if topic = topology.Topics[s.Topic]; err != nil || topic.Missing {
			return err
		}
		return topic.Err
	})
	if err != nil {
		return err
	}
	if topic.Missing {
		return topic.Err // a retry cannot help: no topic is created here
	}
	if len(s.Partitions) > 0 {
		return nil
	}
	s.Partitions = make([]int, topic.Partitions)
	for i := range s.Partitions {
		s.Partitions[i] = i
	}
	return nil
}

// offsets returns the offset of the position in each partition: the first event at or after a time, or a fixed offset.
func (s *scan) offsets(ctx context.Context, at Position) (offsets map[int]int64, err error) {
	if !at.Time.IsZero() {
		err = retry(ctx, func() (err error) {
			offsets, err = s.cluster.OffsetsAt(ctx, s.Topic, s.Partitions, at.Time)
			return err
		})
		return offsets, err
	}
	offsets = make(map[int]int64, len(s.Partitions))
	for _, partition := range s.Partitions {
		offsets[partition] = at.Offset
	}
	return offsets, nil
}

// read reads one partition after another, each to its end. With Follow, it then reads all partitions in turn.
func (s *scan) read(ctx context.Context, yield func(event.Record, error) bool) error {
	for _, p := range s.parts {
		if err := s.readPart(ctx, p, yield); err != nil {
			return err
		}
	}
	for s.Follow && len(s.parts) > 0 {
		for _, p := range s.parts {
			if err := s.step(ctx, p, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// readPart reads the rest of one partition's share. It fails after half a minute without progress.
func (s *scan) readPart(ctx context.Context, p *part, yield func(event.Record, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer cancel()
	fetched := make(chan fetched, 1)
	begin := func(p part) {
		fetching.Go(func() { fetched <- s.fetch(ctx, &p) })
	}
	if p.next < p.end {
		begin(*p)
	}
	last := time.Now()
	for p.next < p.end {
		before := p.next
		got := <-fetched
		if got.err != nil {
			return got.err
		}
		if next := got.batch.Next; next < p.end {
			begin(part{p.partition, next, p.end})
		}
		if err := s.deliver(p, got.batch, yield); err != nil {
			return err
		}
		switch {
		case p.next > before:
			last = time.Now()
		case time.Since(last) >= patience:
			return fmt.Errorf("partition %d at %d: %w", p.partition, p.next, errNothing)
		}
	}
	return nil
}

// fetched is a batch, or the error that ended its fetch.
type fetched struct {
	batch broker.Batch
	err   error
}

// step advances one partition by one successful fetch.
func (s *scan) step(ctx context.Context, p *part, yield func(event.Record, error) bool) error {
	got := s.fetch(ctx, p)
	if got.err != nil {
		return got.err
	}
	return s.deliver(p, got.batch, yield)
}

// fetch fetches the next records of a part, and retries until it succeeds.
func (s *scan) fetch(ctx context.Context, p *part) fetched {
	var batch broker.Batch
	err := retry(ctx, func() (err error) {
		batch, err = s.cluster.Fetch(ctx, broker.FetchRequest{
			Topic: s.Topic, Partition: p.partition, Offset: p.next, MaxBytes: fetchBytes, MaxWait: wait,
			Uncommitted: s.Uncommitted,
		})
		if errors.Is(err, kafkaerr.ErrOffsetOutOfRange) {
			batch.Next, err = s.resume(ctx, p)
		}
		return err
	})
	return fetched{batch, err}
}

// deliver yields the records of a fetch. A broker returns whole batches, so a fetch may return records beyond the
// range. They are dropped here.
func (s *scan) deliver(p *part, batch broker.Batch, yield func(event.Record, error) bool) error {
	for _, r := range batch.Records {
		if !s.Follow && r.Offset >= p.end {
			break
		}
		if !yield(r, nil) {
			return errStopped
		}
	}
	s.advance(p, batch.Next)
	return nil
}

// resume returns where to continue when the offset is out of range. Either the record there has expired, or the log was
// truncated below the offset. In the second case, nothing is left of the range, and Follow continues at the log's end.
func (s *scan) resume(ctx context.Context, p *part) (int64, error) {
	bounds, err := s.cluster.Bounds(ctx, s.Topic, []int{p.partition})
	if err != nil {
		return p.next, err
	}
	b := s.ends(bounds[p.partition])
	if p.next < b.First {
		return b.First, nil
	}
	if s.Follow {
		p.next, p.end = b.Last, b.Last
		return b.Last, nil
	}
	return max(p.next, p.end), nil
}

// advance moves a part forward. It reports progress in offsets, not records, because only the number of offsets is
// known from the start. Aborted and compacted records count as read.
func (s *scan) advance(p *part, next int64) {
	if s.Follow {
		p.end = max(p.end, next)
	}
	next = min(next, p.end)
	if next == p.next {
		return
	}
	s.done += next - p.next
	p.next = next
	if s.Progress != nil {
		left := int64(0)
		for _, p := range s.parts {
			left += p.end - p.next
		}
		s.Progress(s.done, s.done+left)
	}
}

// retry calls a function until it succeeds, for at most half a minute. A final error is returned at once.
func retry(ctx context.Context, do func() error) error {
	pace := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(patience))
	for {
		err := do()
		if err == nil || final(err) || ctx.Err() != nil {
			return err
		}
		pause := pace.NextBackOff()
		if pause == backoff.Stop {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// final reports whether a retry cannot help. An unknown partition is not final, because a broker reports that briefly
// when it loses a partition.
func final(err error) bool {
	return errors.Is(err, kafkaerr.ErrUnauthorised) || errors.Is(err, records.ErrCorrupt)
}
