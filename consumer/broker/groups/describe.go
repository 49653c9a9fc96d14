package groups

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// States of a group without members.
const (
	Empty = "Empty" // it may have commits
	Dead  = "Dead"  // it does not exist
)

// Group is what a coordinator knows about a group.
type Group struct {
	// State is Kafka's word: Stable, Empty, Dead, and others while the group rebalances.
	State string
	// ProtocolType is "consumer" for consumers. Other clients, such as Kafka Connect, have another type.
	ProtocolType string
	// Protocol is the name of the members' assignment strategy, such as range; "" unless the group is stable.
	Protocol string
	Members  []GroupMember
	// Kind is empty for a classic group, which kafka-go can join. For other groups it is the name of their kind, such
	// as consumer (KIP-848), and Members and Protocol are not known.
	Kind string
	// Rights are the operations that Kafka allows us on the group.
	Rights inspect.Rights
}

// GroupMember is one member of a group.
type GroupMember struct {
	// ID is the coordinator's name for the member.
	ID string
	// ClientID is the member's own name for its program. Host is the address of its machine.
	ClientID, Host string
}

// GroupAt returns what one broker knows about a group, which need not exist. Its error is [kafkaerr.ErrCoordinator] if
// that broker does not coordinate the group, and [kafkaerr.ErrUnauthorised] if we are not allowed to see the group.
// Unlike a search for the coordinator, GroupAt never creates __consumer_offsets.
func (c *Coordinators) GroupAt(ctx context.Context, node int, group string) (Group, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	g, err := c.describe(ctx, exchange.ToNode(node), group)
	if err != nil || g.State != Dead {
		return g, err
	}
	// The group does not exist, or is of a kind that this request does not know. A broker that is too old for the list
	// below has no groups of other kinds.
	if list, ok, err := c.listed(ctx, node, group); err == nil && ok {
		g.State, g.Kind = list.state, list.protocolType
	}
	return g, nil
}

// Members returns the members of a group, as the group's coordinator reports them. Finding the coordinator creates
// __consumer_offsets, as a join does.
func (c *Coordinators) Members(ctx context.Context, group string) ([]GroupMember, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	node, err := c.node(ctx, group)
	if err != nil {
		return nil, groupError(group, err)
	}
	g, err := c.describe(ctx, exchange.ToNode(node), group)
	if err != nil {
		c.forget(group)
	}
	return g.Members, err
}

func (c *Coordinators) describe(ctx context.Context, to exchange.Route, group string) (Group, error) {
	x := exchange.Request{Message: &describegroups.Request{
		Groups: []string{group}, IncludeAuthorizedOperations: true,
	}}
	response, _, err := exchange.Ask[*describegroups.Response](ctx, c.pool, to, x)
	if err != nil {
		return Group{}, groupError(group, err)
	}
	if len(response.Groups) != 1 {
		return Group{}, groupError(group, exchange.ErrLeftOut)
	}
	d := response.Groups[0]
	if d.ErrorCode != 0 {
		return Group{}, groupError(group, kafka.Error(d.ErrorCode))
	}
	g := Group{
		State: d.GroupState, ProtocolType: d.ProtocolType, Protocol: d.ProtocolData,
		Rights: inspect.RightsOf(d.AuthorizedOperations),
	}
	for _, m := range d.Members {
		g.Members = append(g.Members, GroupMember{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost})
	}
	return g, nil
}

func groupError(group string, err error) error {
	return fmt.Errorf("group %s: %w", group, kafkaerr.New("describe", "", -1, err))
}
