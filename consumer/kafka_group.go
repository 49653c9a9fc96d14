package consumer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
)

const (
	heartbeat = time.Second
	// rebuildAfter is how many failures in a row make us build the group's client anew, with the brokers in another order:
	// it only ever asks the first one that accepts a connection, and a frozen broker still does that.
	rebuildAfter = 5
	// compareEvery is how often the leader compares what it assigned with the partitions there are.
	compareEvery = 10 * time.Second
)

// membership joins the group, again and again, until ctx ends.
func (c *Consumer) membership(ctx, work context.Context) error {
	var missing, joining trouble
	brokers := c.options.Cluster.Brokers()
	rand.Shuffle(len(brokers), func(i, j int) { brokers[i], brokers[j] = brokers[j], brokers[i] })
	for ctx.Err() == nil {
		c.enter(Waiting)
		if !c.waitForTopics(ctx, &missing) {
			return nil
		}
		// Before the first join nothing may be created. After it the worker waits here, where it holds no partitions.
		if c.mayCreate.Load() && !c.prepare(ctx) {
			return nil
		}
		c.enter(Joining)
		balancer := &balancer{}
		group, err := kafka.NewConsumerGroup(c.groupConfig(balancer, brokers))
		if err != nil {
			return err
		}
		c.follow(ctx, work, group, balancer, &joining)
		if ctx.Err() != nil {
			c.enter(Draining)
		}
		// Leaves the group; its error is always nil. A join that is under way is waited for: given up, it would leave a
		// member behind that nobody speaks for, and its partitions without an owner for a whole session.
		_ = group.Close()
		if joining.tries > 0 { // turned, not shuffled: the one that does not answer must not come first again
			brokers = append(brokers[1:len(brokers):len(brokers)], brokers[0])
		}
	}
	return nil
}

func (c *Consumer) groupConfig(b *balancer, brokers []string) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID:                c.options.Group,
		Brokers:           brokers,
		Dialer:            c.options.Cluster.Dialer(),
		Topics:            c.options.Topics,
		GroupBalancers:    []kafka.GroupBalancer{b},
		HeartbeatInterval: heartbeat,
		SessionTimeout:    c.options.Dispatch.Session,
		RebalanceTimeout:  rebalanceTimeout,
		JoinGroupBackoff:  heartbeat,
		StartOffset:       kafka.FirstOffset,
		// Its own watch ends generations in a storm when a topic is deleted, and can leave none with any partition.
		WatchPartitionChanges: false,
	}
}

// waitForTopics waits until all topics exist: one that is missing would leave all of them without an owner, in a group
// that looks healthy. False: ctx has ended.
func (c *Consumer) waitForTopics(ctx context.Context, trouble *trouble) bool {
	for {
		topology, err := c.options.Cluster.Topics(ctx, c.options.Topics...)
		if err == nil {
			err = describe(topology)
		}
		switch {
		case err == nil:
			trouble.over(c.log, "all topics are there")
			c.found(topology)
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, broker.ErrUnauthorised):
			trouble.tell(c.log, "Kafka does not let us in; check the user, the password's file and the ACLs; trying again", err)
		case errors.Is(err, broker.ErrUnknownPartition):
			trouble.tell(c.log, "waiting for topics that do not exist yet; create them, or check KAFKA_TOPICS", err)
		default:
			trouble.tell(c.log, "waiting for Kafka; check KAFKA_BROKERS if this goes on", err)
		}
		if !trouble.wait(ctx) {
			return false
		}
	}
}

// describe returns the first error of a topic, by name.
func describe(t broker.Topology) error {
	var all []error
	names := make([]string, 0, len(t.Topics))
	for name := range t.Topics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, t.Topics[name].Err)
	}
	return errors.Join(all...)
}

// follow lives through the generations of one membership, until ctx ends or the group must be joined anew.
func (c *Consumer) follow(ctx, work context.Context, group *kafka.ConsumerGroup, b *balancer, trouble *trouble) {
	for {
		gen, err := group.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			trouble.tell(c.log, joinTrouble(err), err)
			if trouble.tries%rebuildAfter == 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			continue
		}
		trouble.over(c.log, "joined after all")
		if c.generation(ctx, work, group, gen, b.take()) {
			return
		}
		c.enter(Joining)
	}
}

// joinTrouble says in words what keeps us out of the group.
func joinTrouble(err error) string {
	switch {
	case errors.Is(err, kafka.GroupCoordinatorNotAvailable):
		return "the group's coordinator is not there yet (a new cluster makes __consumer_offsets first); waiting"
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return "the group id is in use by consumers of another protocol; choose another KAFKA_GROUP, or stop them"
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return "Kafka refuses the user or password; check KAFKA_SASL_USERNAME and the password's file"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return "Kafka does not allow reading as this group; grant Read on it"
	case errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.IllegalGeneration):
		return "the group rebalances; joining again"
	}
	return "cannot join the group; trying again"
}

// loginRefused says that Kafka was reached and lets nobody like us in: it is no question of rights to a topic.
func loginRefused(err error) bool {
	return errors.Is(err, kafka.SASLAuthenticationFailed) || errors.Is(err, kafka.UnsupportedSASLMechanism) ||
		errors.Is(err, kafka.IllegalSASLState) || errors.Is(err, broker.ErrTLS)
}

// generation lives through one generation and reports whether the membership is over: ctx has ended, or the group must
// be joined anew.
func (c *Consumer) generation(ctx, work context.Context, group *kafka.ConsumerGroup, gen *kafka.Generation, led map[string]int) bool {
	over := make(chan struct{})
	fetching, stop := context.WithCancel(work)
	defer stop()
	// Registered before any work: kafka-go does not go on to the next generation until this returns. It is also the one
	// bridge from the generation's context, of which each derived context would cost a goroutine.
	gen.Start(func(generation context.Context) {
		select {
		case <-generation.Done():
		case <-ctx.Done():
		case <-fetching.Done():
		}
		stop()
		<-over
	})
	member := broker.Member{Group: gen.GroupID, Generation: int(gen.ID), ID: gen.MemberID}
	own := assigned(gen)
	c.counts.generations.Add(1)
	c.joined(member, own, led != nil)
	var hands sync.WaitGroup
	defer hands.Wait()
	if led == nil {
		c.counts.unowned.Store(0) // the leader knows
	} else {
		hands.Go(func() {
			c.compare(fetching, led)
			stop()
		})
	}
	end, leave := c.live(fetching, work, newGeneration(member, len(own)), own)
	stop()
	c.pace(ctx, end)
	if leave = leave || ctx.Err() != nil; leave {
		// The group's end must be known before the generation's: kafka-go would join once more, only to leave. Next
		// returns when Close has begun; it can bring no generation as long as this one lasts.
		hands.Go(func() { _ = group.Close() })
		_, _ = group.Next(work)
	}
	close(over)
	return leave
}

// pace keeps a worker whose every commit is refused from joining without end: kafka-go is back in the same generation
// within milliseconds.
func (c *Consumer) pace(ctx context.Context, end dispatch.End) {
	if end == dispatch.Fenced {
		c.fences.wait(ctx)
		return
	}
	c.fences = trouble{}
}

func assigned(gen *kafka.Generation) []broker.TopicPartition {
	var own []broker.TopicPartition
	for topic, partitions := range gen.Assignments {
		for _, p := range partitions {
			own = append(own, broker.TopicPartition{Topic: topic, Partition: p.ID})
		}
	}
	slices.SortFunc(own, func(a, b broker.TopicPartition) int {
		if d := strings.Compare(a.Topic, b.Topic); d != 0 {
			return d
		}
		return a.Partition - b.Partition
	})
	return own
}

func (c *Consumer) joined(m broker.Member, own []broker.TopicPartition, leads bool) {
	c.log.Info("joined the group", slog.Int("generation", m.Generation), slog.String("member", m.ID),
		slog.Int("partitions", len(own)), slog.Bool("leader", leads))
}

// compare returns when the partitions that this member, as the leader, has assigned are no longer those that there are:
// partitions were added, or a topic was missing when the group rebalanced. Only the leader's return makes the group
// assign anew. It returns at the end of ctx too.
func (c *Consumer) compare(ctx context.Context, led map[string]int) {
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	var trouble trouble
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		topology, err := c.options.Cluster.Topics(ctx, c.options.Topics...)
		if err == nil {
			c.counts.unowned.Store(int64(unowned(topology, led)))
			err = describe(topology)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// Not known for sure: a topic that comes and goes would make a storm of generations.
			trouble.tell(c.log, "cannot compare what is assigned with the partitions there are; if a topic is gone for good, "+
				"take it out of KAFKA_TOPICS, for the group assigns none of them without it", err)
			continue
		}
		trouble.over(c.log, "all topics are there again")
		for topic, info := range topology.Topics {
			if info.Partitions != led[topic] {
				c.log.InfoContext(ctx, "the topic's partitions have changed; the group assigns anew", slog.String("topic", topic),
					slog.Int("assigned", led[topic]), slog.Int("partitions", info.Partitions))
				return
			}
		}
	}
}

// unowned counts the partitions that there are and that nobody was assigned.
func unowned(t broker.Topology, led map[string]int) int {
	n := 0
	for topic, info := range t.Topics {
		n += max(info.Partitions-led[topic], 0)
	}
	return n
}

// balancer is kafka-go's range balancer, which notes what it assigned. It is asked on the leader only.
type balancer struct {
	kafka.RangeGroupBalancer
	mu       sync.Mutex
	assigned map[string]int
}

// AssignGroups assigns, and counts the partitions of each topic that a member was given.
func (b *balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	assignments := b.RangeGroupBalancer.AssignGroups(members, partitions)
	counts := map[string]int{}
	for _, topics := range assignments {
		for topic, given := range topics {
			counts[topic] += len(given)
		}
	}
	b.mu.Lock()
	b.assigned = counts
	b.mu.Unlock()
	return assignments
}

// take returns what was assigned since the last time; nil if another member leads.
func (b *balancer) take() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := b.assigned
	b.assigned = nil
	return counts
}
