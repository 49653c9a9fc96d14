// Command planted is a naive worker with a deliberate fault, for tests of the tests: package audit must find each
// fault. It reads each partition one event at a time and commits after each event. The PLANTED environment variable
// selects the fault:
//
//	none             no fault: slow, but correct
//	commit-first     commits an event before the call
//	parallel         makes several calls at once, even for one order
//	403-to-letters   treats a 403 as a verdict on the event
//	letter-unawaited commits a refused event before its letter is stored
//	timer-commit     commits every few seconds, as auto-commit does
//	skip             no fault: makes no call for the status that LeadHit accepted last for the order
//	skip-after-rebalance  the same, but keeps the statuses of orders whose partition it has since lost
//	skip-after-refusal    the same, but forgets nothing when LeadHit refuses
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	w := &worker{
		planted: os.Getenv("PLANTED"), log: log,
		brokers: strings.Split(os.Getenv("KAFKA_BROKERS"), ","), topic: os.Getenv("KAFKA_TOPICS"),
		group: os.Getenv("KAFKA_GROUP"), url: os.Getenv("LEADHIT_URL"), keyFile: os.Getenv("LEADHIT_API_KEY_FILE"),
	}
	w.remembered.statuses = make(map[string]string)
	err := w.run(ctx)
	stop()
	if err != nil {
		log.Error("ended", "error", err)
		os.Exit(1)
	}
}

// worker is a consumer as in a tutorial. It understands the settings of leadhit-sync that the tests set.
type worker struct {
	planted                    string
	brokers                    []string
	topic, group, url, keyFile string
	letters                    *kafka.Writer
	log                        *slog.Logger
	remembered                 memory // of the whole process, for skip-after-rebalance
}

// run joins the group and starts a goroutine per partition in each generation, until ctx is done. Each generation waits
// for its goroutines before the next one starts.
func (w *worker) run(ctx context.Context) error {
	if err := w.openLetters(ctx); err != nil {
		return err
	}
	defer func() { _ = w.letters.Close() }()
	session, err := time.ParseDuration(os.Getenv("KAFKA_SESSION_TIMEOUT"))
	if err != nil {
		return err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: w.group, Brokers: w.brokers, Topics: []string{w.topic}, SessionTimeout: session, HeartbeatInterval: time.Second,
		JoinGroupBackoff: time.Second,
		StartOffset:      kafka.FirstOffset, // events before the first commit must not be lost either
	})
	if err != nil {
		return err
	}
	defer func() { _ = group.Close() }()
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			continue // Next waits before it retries
		}
		w.log.InfoContext(ctx, "joined the group", "generation", gen.ID)
		for _, partition := range gen.Assignments[w.topic] {
			gen.Start(func(generation context.Context) {
				p := &position{worker: w, gen: gen, partition: partition.ID, memory: w.memory()}
				if err := p.consume(generation, ctx, partition.Offset); err != nil && ctx.Err() == nil && generation.Err() == nil {
					w.log.ErrorContext(ctx, "gave up on the partition", "partition", partition.ID, "error", err)
				}
			})
		}
	}
}

// position is one partition in one generation.
type position struct {
	*worker

	gen       *kafka.Generation
	partition int
	memory    *memory
	finished  atomic.Int64 // the next offset; timer-commit reads it on another goroutine

	mu        sync.Mutex
	committed int64 // the highest offset that was sent in a commit
}

// consume reads until either context is done. It returns after all its calls have ended, so that no call by this owner
// overlaps with one by the next owner.
func (p *position) consume(generation, process context.Context, from int64) error {
	ctx, cancel := context.WithCancel(generation)
	defer cancel()
	defer context.AfterFunc(process, cancel)()
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: p.brokers, Topic: p.topic, Partition: p.partition, MaxWait: 200 * time.Millisecond,
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(max(from, kafka.FirstOffset)); err != nil {
		return err
	}
	// Deferred functions run in reverse order: first cancel, so that commitByTheClock ends, then the wait for it and
	// for parallel calls.
	var others errgroup.Group
	others.SetLimit(8)
	defer func() { _ = others.Wait() }()
	defer cancel()
	if p.planted == "timer-commit" {
		others.Go(func() error { return p.commitByTheClock(ctx) })
	}
	for {
		m, err := reader.ReadMessage(ctx)
		switch {
		case err != nil:
		case p.planted == "parallel":
			// Two events of one order may overlap now. Errors are dropped as well, as is usual in such code.
			others.Go(func() error { return p.handle(ctx, m) })
		default:
			err = p.handle(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// handle delivers one event and commits it, with the planted fault if there is one.
func (p *position) handle(ctx context.Context, m kafka.Message) error {
	if p.planted == "commit-first" {
		if err := p.commit(m.Offset + 1); err != nil {
			return err
		}
	}
	if !p.repeats(m) {
		cause, err := p.deliver(ctx, m)
		if err != nil {
			return err
		}
		p.remember(m, cause)
	}
	p.finished.Store(m.Offset + 1)
	if p.planted == "timer-commit" {
		return nil
	}
	return p.commit(m.Offset + 1)
}

// commit commits next, unless it has already sent that offset or a higher one. Parallel calls finish in any order.
func (p *position) commit(next int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if next <= p.committed {
		return nil
	}
	p.committed = next
	return p.gen.CommitOffsets(map[string]map[int]int64{p.topic: {p.partition: next}})
}

// commitByTheClock commits the last finished offset every 4 s. That is long enough for a crash to repeat many calls.
func (p *position) commitByTheClock(ctx context.Context) error {
	ticker := time.NewTicker(4 * time.Second)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
		_ = p.commit(p.finished.Load()) // if it fails, the next commit covers it
	}
	return nil
}
