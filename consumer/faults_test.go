package consumer_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/retry"
)

func (c *chaos) onCall(what change, try int) conduct {
	r := c.world.random("leadhit", what, try)
	if c.in(&c.down) {
		return fails(what, try)
	}
	does := answers(time.Duration(r.Int64N(int64(400*time.Millisecond))))(what, try)
	does.after = time.Duration(r.Int64N(int64(100 * time.Millisecond)))
	switch r.IntN(20) {
	case 0:
		return fails(what, try)
	case 1: // executed, but the response is lost
		does.after, does.verdict = callTimeout, retry.Verdict{Kind: retry.Again, Cause: "Timeout"}
	case 2:
		does.before = time.Duration(r.Int64N(int64(callTimeout)))
	}
	return does
}

func (c *chaos) onLetter(what change, _ int) conduct {
	r := c.world.random("letter", what, time.Now())
	does := conduct{before: time.Duration(r.Int64N(int64(200 * time.Millisecond)))}
	switch n := r.IntN(10); {
	case c.in(&c.full), n == 0:
		does.undone = true
	case n == 1:
		does.lost = true
	}
	return does
}

// commitFault is what happens to a commit.
type commitFault struct {
	code *kerr.Error   // the response; with RequestTimedOut the commit is applied anyway
	late time.Duration // how much later it is applied
	drop bool          // it gets no response
	hang bool          // the connection breaks
}

func (c *chaos) breakCommits() {
	faults := []commitFault{
		{code: kerr.CoordinatorLoadInProgress},
		{code: kerr.CoordinatorNotAvailable},
		{code: kerr.NotCoordinator},
		{code: kerr.IllegalGeneration},
		{code: kerr.UnknownMemberID},
		{code: kerr.RebalanceInProgress},
		{code: kerr.UnknownTopicOrPartition},
		{code: kerr.RequestTimedOut},
		{drop: true},
		{hang: true},
		{late: 2 * time.Second},
		{late: 7 * time.Second},
		{late: 12 * time.Second},
	}
	fault := faults[c.random.IntN(len(faults))]
	c.logs.add("chaos", fmt.Sprintf("commits: %+v", fault))
	if fault.code == kerr.RequestTimedOut {
		c.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: fault.code})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 1 + c.random.IntN(3) {
		c.commits = append(c.commits, fault)
	}
}

func (c *chaos) onCommit(r kmsg.Request) (kmsg.Response, error, bool) {
	c.mu.Lock()
	c.total.add(func() { c.total.commits++ })
	if len(c.commits) == 0 {
		c.mu.Unlock()
		return nil, nil, false
	}
	fault := c.commits[0]
	c.commits = c.commits[1:]
	c.mu.Unlock()
	c.fake.KeepControl()
	switch {
	case fault.late > 0:
		c.fake.SleepControl(func() { time.Sleep(fault.late) })
		return nil, nil, false
	case fault.drop:
		return nil, nil, true
	case fault.hang:
		return nil, errors.New("hang up"), true
	}
	return refuseCommit(r, fault.code), nil, true
}

// limitMetadata makes the brokers accept less metadata than the workers expect.
func (c *chaos) limitMetadata(limit int) {
	for n := range int32(chaosPartitions) {
		c.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "orders", Partitions: []int32{n},
			Err: kerr.OffsetMetadataTooLarge, Count: -1,
			When: func(r kmsg.Request) bool {
				request, _ := r.(*kmsg.OffsetCommitRequest)
				for _, p := range request.Topics[0].Partitions {
					if p.Partition == n && p.Metadata != nil && len(*p.Metadata) > limit {
						return true
					}
				}
				return false
			},
		})
	}
}

// refuseCommit returns a response that has the given error code for all partitions of a commit.
func refuseCommit(r kmsg.Request, code *kerr.Error) kmsg.Response {
	request, _ := r.(*kmsg.OffsetCommitRequest)
	response, _ := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, topic := range request.Topics {
		answer := kmsg.NewOffsetCommitResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, code.Code
			answer.Partitions = append(answer.Partitions, one)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

// breakRequests makes the next requests of a random kind fail.
func (c *chaos) breakRequests() {
	faults := []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition},
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownServerError},
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition},
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange},
		{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress},
		{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: kerr.CoordinatorNotAvailable},
		{Keys: []kmsg.Key{kmsg.SyncGroup}, Group: group, Err: kerr.RebalanceInProgress},
		{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: group, Err: kerr.CoordinatorLoadInProgress},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable},
		{Keys: []kmsg.Key{kmsg.LeaveGroup}, Group: group, Err: kerr.NotCoordinator},
	}
	fault := faults[c.random.IntN(len(faults))]
	fault.Count = 1 + c.random.IntN(6)
	c.logs.add("chaos", fmt.Sprintf("%v: %v × %d", fault.Keys, fault.Err, fault.Count))
	c.fake.Fault(fault)
}

// delay returns the time that slow brokers add to each response.
func (c *chaos) delay() time.Duration {
	if !c.in(&c.slow) {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.delays.Int64N(int64(time.Second)))
}
