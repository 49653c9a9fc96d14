package groups

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/leavegroup"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// Remove removes a member from its group, as if the member had left: the group rebalances at once, and the member's
// commits are refused from then on. It is not an error if the member is already gone. Kafka accepts this request from
// any client, so the caller must know that the member's process has ended.
func (c *Coordinators) Remove(ctx context.Context, group, member string) error {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	// kafka-go swaps the throttle time and the error in later versions of the response.
	x := exchange.Request{Message: &leavegroup.Request{GroupID: group, MemberID: member}, First: true}
	response, _, err := ask[*leavegroup.Response](ctx, c, group, x)
	if err == nil {
		err = kafkaerr.FromCode(response.ErrorCode)
	}
	if err != nil && !errors.Is(err, kafka.UnknownMemberId) && !errors.Is(err, kafka.GroupIdNotFound) {
		c.forget(group)
		return fmt.Errorf("group %s: %w", group, kafkaerr.New("remove a member", "", -1, err))
	}
	return nil
}
