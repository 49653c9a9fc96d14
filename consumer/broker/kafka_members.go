package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Membership is what Kafka knows of a group's members.
type Membership struct {
	// Exists says that the group has members, or had some whose offsets are still kept.
	Exists bool
	// Members are the client ids of those that are in it now.
	Members []string
}

// Members asks the brokers, one after another, who is in a group: only its coordinator knows. It creates nothing; to ask for the
// coordinator would create __consumer_offsets on a cluster that has had no group yet. Its error is [ErrUnauthorised] if we may not
// describe the group, and [ErrCoordinator] while the group has a coordinator that cannot be asked.
func (c *Cluster) Members(ctx context.Context, group string) (Membership, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()

	x := &exchange{message: &metadata.Request{TopicNames: []string{offsetsTopic}}, clientID: c.clientID}
	response, _, err := c.roundTrip(ctx, x, x)
	if err != nil {
		return Membership{}, membersError(group, err)
	}
	described, ok := response.(*metadata.Response)
	if !ok {
		return Membership{}, membersError(group, fmt.Errorf("response is a %T", response))
	}
	var failed error
	for _, b := range described.Brokers {
		found, err := c.membersAt(ctx, b.NodeID, group)
		switch {
		case err == nil:
			return found, nil
		case errors.Is(err, ErrUnauthorised):
			return found, err
		case failed == nil || !errors.Is(err, ErrCoordinator): // what keeps the coordinator from answering says more
			failed = err
		}
	}
	for _, topic := range described.Topics {
		if topic.ErrorCode == int16(kafka.UnknownTopicOrPartition) && errors.Is(failed, ErrCoordinator) {
			return Membership{}, nil // there never was a group
		}
	}
	return Membership{}, failed
}

// membersAt asks one broker.
func (c *Cluster) membersAt(ctx context.Context, id int32, group string) (Membership, error) {
	x := &exchange{clientID: c.clientID, message: &describegroups.Request{Groups: []string{group}}}
	to := toLeader{x, func(cluster protocol.Cluster) (protocol.Broker, error) {
		broker, ok := cluster.Brokers[id]
		if !ok {
			return broker, fmt.Errorf("broker %d is not in the cluster", id)
		}
		return broker, nil
	}}
	response, _, err := c.roundTrip(ctx, to, x)
	if err != nil {
		return Membership{}, membersError(group, err)
	}
	described, ok := response.(*describegroups.Response)
	if !ok || len(described.Groups) != 1 {
		return Membership{}, membersError(group, fmt.Errorf("response is a %T: %w", response, errUnanswered))
	}
	found := described.Groups[0]
	if found.ErrorCode != 0 {
		return Membership{}, membersError(group, kafka.Error(found.ErrorCode))
	}
	m := Membership{Exists: found.GroupState != "Dead"}
	for _, member := range found.Members {
		m.Members = append(m.Members, member.ClientID)
	}
	return m, nil
}

func membersError(group string, err error) error {
	return fmt.Errorf("group %s: %w", group, newError("describe members", "", -1, err))
}
