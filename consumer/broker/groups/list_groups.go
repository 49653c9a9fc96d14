package groups

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/wire"
)

// listGroupsVersion is the first version whose response has the groups' states.
const listGroupsVersion = 4

type listedGroup struct{ name, protocolType, state string }

// listed returns the group with the given name from a broker's list; ok is false if the list does not contain it.
func (c *Coordinators) listed(ctx context.Context, node int, name string) (g listedGroup, ok bool, err error) {
	x := exchange.Request{Message: &exchange.Newer{
		Key: protocol.ListGroups, Version: listGroupsVersion,
		Body: []byte{1, 0}, // no state filter, no tags
	}}
	response, _, err := exchange.Ask[*exchange.Newer](ctx, c.pool, exchange.ToNode(node), x)
	var groups []listedGroup
	if err == nil {
		groups, err = parseGroupList(response.Body)
	}
	if err != nil {
		return g, false, groupError(name, err)
	}
	for _, g := range groups {
		if g.name == name {
			return g, true, nil
		}
	}
	return g, false, nil
}

// parseGroupList reads a response: throttle time, error, groups.
func parseGroupList(body []byte) (groups []listedGroup, _ error) {
	c := wire.Cursor{B: body}
	c.Int32()
	code := c.Int16()
	for count := c.Compact(); count > 0 && !c.Bad; count-- {
		g := listedGroup{name: c.CompactString(), protocolType: c.CompactString(), state: c.CompactString()}
		c.Tags()
		groups = append(groups, g)
	}
	if c.Bad {
		return nil, errShort
	}
	return groups, kafkaerr.FromCode(code)
}

var errShort = errors.New("response is cut short")
