package broker

import (
	"context"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/listgroups"
)

// Group is what its coordinator knows of a group.
type Group struct {
	// State is Kafka's word: Stable, Empty, Dead for one that does not exist, and others while it rebalances.
	State string
	// ProtocolType is consumer for consumers, another word for others such as Kafka Connect.
	ProtocolType string
	// Protocol is how the members share the partitions, by its name; "" while nobody has joined.
	Protocol string
	Members  []GroupMember
	// Listed says that the coordinator has such a group. One that is listed and Dead all the same is of another kind, such
	// as the consumer groups of KIP-848.
	Listed bool
	// ListedType is the protocol's type in that list.
	ListedType string
	// Rights are ours to the group; zero where the broker is too old to say.
	Rights Rights
}

// GroupMember is one member of a group.
type GroupMember struct {
	// ClientID is what the member calls its program, Host where it runs.
	ClientID, Host string
}

// GroupAt asks one broker about a group, which need not exist. Its error is [ErrCoordinator] if that broker does not
// coordinate the group, and [ErrUnauthorised] if we may not see it. Unlike a search for the coordinator, this never makes
// __consumer_offsets.
func (c *Cluster) GroupAt(ctx context.Context, node int, group string) (Group, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()

	x := &exchange{clientID: c.clientID, message: &describegroups.Request{
		Groups: []string{group}, IncludeAuthorizedOperations: true,
	}}
	response, _, err := c.roundTrip(ctx, toNode(x, node), x)
	if err != nil {
		return Group{}, groupError(group, err)
	}
	described, ok := response.(*describegroups.Response)
	if !ok || len(described.Groups) != 1 {
		return Group{}, groupError(group, fmt.Errorf("response is a %T: %w", response, errUnanswered))
	}
	d := described.Groups[0]
	if d.ErrorCode != 0 {
		return Group{}, groupError(group, kafka.Error(d.ErrorCode))
	}
	g := Group{
		State: d.GroupState, ProtocolType: d.ProtocolType, Protocol: d.ProtocolData, Rights: rightsOf(d.AuthorizedOperations),
	}
	for _, m := range d.Members {
		g.Members = append(g.Members, GroupMember{ClientID: m.ClientID, Host: m.ClientHost})
	}
	g.ListedType, g.Listed, err = c.listed(ctx, node, group)
	return g, err
}

// listed says whether a broker lists a group as one of its own, and as what.
func (c *Cluster) listed(ctx context.Context, node int, group string) (protocolType string, found bool, err error) {
	x := &exchange{clientID: c.clientID, message: &listgroups.Request{}}
	response, _, err := c.roundTrip(ctx, toNode(x, node), x)
	if err != nil {
		return "", false, groupError(group, err)
	}
	list, ok := response.(*listgroups.Response)
	if !ok {
		return "", false, groupError(group, fmt.Errorf("response is a %T: %w", response, errUnanswered))
	}
	if err := codeError(list.ErrorCode); err != nil {
		return "", false, groupError(group, err)
	}
	i := slices.IndexFunc(list.Groups, func(g listgroups.ResponseGroup) bool { return g.GroupID == group })
	if i < 0 {
		return "", false, nil
	}
	return list.Groups[i].ProtocolType, true, nil
}

func groupError(group string, err error) error {
	return fmt.Errorf("group %s: %w", group, newError("describe", "", -1, err))
}

// Coordinator returns the broker that should coordinate a group: the leader of its partition of __consumer_offsets.
// NoLeader says that there is none, or that it is not known.
func (o OffsetsTopic) Coordinator(group string) int {
	if len(o.Leaders) == 0 {
		return NoLeader
	}
	// Java's String.hashCode, without the sign, as Kafka takes it.
	var hash uint32
	for _, unit := range utf16.Encode([]rune(group)) {
		hash = 31*hash + uint32(unit)
	}
	return o.Leaders[int(hash&math.MaxInt32)%len(o.Leaders)]
}
