package consumer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const (
	// heartbeat is also how long a member may take to notice a rebalance, while the members that noticed it first are
	// idle.
	heartbeat   = 500 * time.Millisecond
	joinBackoff = time.Second
	// rebuildAfter is the number of consecutive failures after which the group's client is rebuilt with the brokers in
	// another order. The client looks up the coordinator only at the first broker that accepts a connection, and a
	// frozen broker still accepts connections.
	rebuildAfter = 5
)

// membership joins the group and runs its generations. One goroutine runs it. The worker leaves the group:
//   - when the worker stops (here);
//   - when joins keep failing or one times out, to try another broker (here, rebuildAfter);
//   - after a commit without a response, to join as a new member (generation.go);
//   - when the topics that the first call needs are not ready in time (prepare.go, prepareLimit).
type membership struct {
	*base

	starts  *starts
	fetcher *fetcher
	letters *letters
	leader  leader
	own     *ownTopics
	takes   *takes
	topics  *commitTopics

	predecessor predecessor
	prepared    bool // everything that the first call needs exists
	preparing   retrier
	memberID    string // in the last generation
	fences      retrier
}

// run joins the group, and rejoins it whenever a membership ends, until ctx ends.
func (m *membership) run(ctx, work context.Context) error {
	var missing, joining retrier
	brokers := m.options.Cluster.Brokers()
	rand.Shuffle(len(brokers), func(i, j int) { brokers[i], brokers[j] = brokers[j], brokers[i] })
	for ctx.Err() == nil {
		if !m.waitForTopics(ctx, &missing) {
			return nil
		}
		if !m.predecessor.remove(ctx) {
			return nil
		}
		// Before the first join, no topic may be created. Later, the worker waits here for its own topics, because here it
		// owns no partitions.
		if m.mayCreate.Load() && !m.prepare(ctx) {
			return nil
		}
		m.enter(Joining)
		balancer := &balancer{}
		group, err := kafka.NewConsumerGroup(m.groupConfig(balancer, brokers))
		if err != nil {
			return err
		}
		m.follow(ctx, work, group, balancer, &joining)
		if ctx.Err() != nil {
			m.enter(Draining)
		}
		// Close leaves the group; its error is always nil. Close waits for a join in flight. An abandoned join would
		// leave a member without a process, and its partitions without an owner for a whole session timeout.
		_ = group.Close()
		if joining.Failures() > 0 { // rotated, not shuffled: a broker that does not respond must not come first again
			brokers = append(brokers[1:len(brokers):len(brokers)], brokers[0])
		}
	}
	return nil
}

// groupConfig uses the worker's place, if it has one, as the client id of the membership, by which a successor
// recognises its dead predecessor. All other requests use the common client id.
func (m *membership) groupConfig(b *balancer, brokers []string) kafka.ConsumerGroupConfig {
	dialer := *m.options.Cluster.Dialer()
	dialer.ClientID = cmp.Or(m.options.Place, dialer.ClientID)
	return kafka.ConsumerGroupConfig{
		ID:                m.options.Group,
		Brokers:           brokers,
		Dialer:            &dialer,
		Topics:            m.options.Topics,
		GroupBalancers:    []kafka.GroupBalancer{b},
		HeartbeatInterval: heartbeat,
		SessionTimeout:    m.options.Dispatch.Session,
		RebalanceTimeout:  rebalanceTimeout,
		JoinGroupBackoff:  joinBackoff,
		StartOffset:       kafka.FirstOffset,
		// When a topic is deleted, kafka-go's own watch would end one generation after another, and none of them would
		// have partitions.
		WatchPartitionChanges: false,
	}
}

// waitForTopics waits until the topics exist. Before the first join, all of them must exist, so that a misspelt name is
// noticed. Later, one is enough, so that a deleted topic does not hold up the others. It returns false if ctx has
// ended.
func (m *membership) waitForTopics(ctx context.Context, again *retrier) bool {
	for {
		topology, err := m.options.Cluster.Topics(ctx, m.options.Topics...)
		if err == nil {
			err = describe(topology)
		}
		switch {
		case err == nil, m.Joined() && anyThere(topology):
			again.Over(m.log).InfoContext(ctx, "topics are available")
			m.waits.end(waitTopics)
			m.starts.found(topology)
			return true
		case ctx.Err() != nil:
			return false
		}
		r := topicsReason(topology, err)
		m.enter(Waiting)
		m.waits.begin(waitTopics, r.String())
		again.explain(m.log, r, err).WarnContext(ctx, "waiting to consume")
		if !again.Wait(ctx) {
			return false
		}
	}
}

// describe joins the topics' errors, in the order of the topics' names.
func describe(t inspect.Topology) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		all = append(all, t.Topics[name].Err)
	}
	return errors.Join(all...)
}

func anyThere(t inspect.Topology) bool {
	for _, topic := range t.Topics {
		if topic.Err == nil {
			return true
		}
	}
	return false
}

// follow runs the generations of one membership, until ctx ends or the worker must leave the group.
func (m *membership) follow(ctx, work context.Context, group *kafka.ConsumerGroup, b *balancer, again *retrier) {
	for {
		gen, err := group.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			r := joinReason(err, m.options.Group, m.options.Dispatch.Session)
			m.waits.begin(waitJoin, r.String())
			again.explain(m.log, r, err).WarnContext(ctx, "waiting to join the group")
			if again.Failures()%rebuildAfter == 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			continue
		}
		m.waits.end(waitJoin)
		again.Over(m.log).InfoContext(ctx, "the group can be joined")
		if m.generation(ctx, work, group, gen, b.take()) {
			return
		}
		m.enter(Joining)
	}
}

// generation runs one generation and reports whether the membership is over: ctx has ended, or the worker must leave
// the group. led is what this member assigned as the group's leader, or nil if another member leads.
func (m *membership) generation(
	ctx, work context.Context, group *kafka.ConsumerGroup, gen *kafka.Generation, led *assignment,
) bool {
	over := make(chan struct{})
	fetching, stop := context.WithCancel(work)
	defer stop()
	// Start this function before any other work, because kafka-go does not start the next generation until the function
	// returns. Nothing else watches the generation's context, because each context derived from that one would cost a
	// goroutine.
	gen.Start(func(generation context.Context) {
		select {
		case <-generation.Done():
		case <-ctx.Done():
		case <-fetching.Done():
		}
		stop()
		<-over
	})
	member := groups.Member{Group: gen.GroupID, Generation: int(gen.ID), ID: gen.MemberID}
	own := assigned(gen)
	m.counts.generations.Add(1)
	m.log.InfoContext(ctx, "joined the group",
		slog.Int("generation", member.Generation), slog.String("member", member.ID),
		slog.Int("partitions", len(own)), slog.Bool("leader", led != nil))
	var hands sync.WaitGroup
	defer hands.Wait()
	if m.leader.leads(led); led != nil {
		hands.Go(func() {
			m.leader.compare(fetching, led)
			stop()
		})
	}
	end, leave := m.live(fetching, work, newGeneration(member, len(own)), own)
	stop()
	m.pace(ctx, end)
	if leave = leave || ctx.Err() != nil; leave {
		// Close the group before the generation ends; otherwise kafka-go would join once more, only to leave. Next
		// returns when Close has begun. It cannot return a generation while this one lasts.
		hands.Go(func() { _ = group.Close() })
		_, _ = group.Next(work)
	}
	close(over)
	return leave
}

// pace delays the next join after a fenced generation. Otherwise a worker whose commits are all refused would join in a
// loop, because kafka-go is back in the same generation within milliseconds.
func (m *membership) pace(ctx context.Context, end turn.End) {
	if end == turn.Fenced {
		m.fences.Wait(ctx)
		return
	}
	m.fences = retrier{}
}

// assigned returns the partitions that the leader gave us, sorted, without duplicates or negative numbers. The leader
// may be another program, and its assignment may contain either.
func assigned(gen *kafka.Generation) []event.Partition {
	var own []event.Partition
	for topic, partitions := range gen.Assignments {
		for _, p := range partitions {
			if p.ID >= 0 {
				own = append(own, event.Partition{Topic: topic, Number: p.ID})
			}
		}
	}
	slices.SortFunc(own, func(a, b event.Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), a.Number-b.Number)
	})
	return slices.Compact(own)
}
