package groups

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/wire"
)

// listGroupsVersion is the first version whose response has the groups' states. kafka-go knows only older versions.
const listGroupsVersion = 4

// groupList is a ListGroups request to one broker, and its outcome. kafka-go routes the request. We encode it and
// decode the response, in the encoding that Kafka calls flexible.
type groupList struct {
	node     int
	clientID string
	groups   []listedGroup
}

type listedGroup struct{ name, protocolType, state string }

var _ protocol.RawExchanger = (*groupList)(nil)

// ApiKey is called by the pool.
func (l *groupList) ApiKey() protocol.ApiKey { return protocol.ListGroups }

// Broker is called by the pool.
func (l *groupList) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return exchange.Node(cluster, l.node)
}

// Required makes kafka-go leave the exchange to RawExchange. The versions that the broker supports are unknown here,
// because kafka-go has reduced them to those that it knows itself.
func (l *groupList) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads its response.
func (l *groupList) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const id = 1
	b := binary.BigEndian.AppendUint16(nil, uint16(protocol.ListGroups))
	b = binary.BigEndian.AppendUint16(b, listGroupsVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint16(b, uint16(len(l.clientID)))
	b = append(b, l.clientID...)
	b = append(b, 0, 1, 0) // no header tags, no state filter, no tags
	if _, err := rw.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
		return nil, err
	}
	// The connection has checked the size against its limit, and has the whole response in memory.
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	return l, l.parse(body)
}

// parse reads the response: correlation id, throttle time, error, groups.
func (l *groupList) parse(body []byte) error {
	c := wire.Cursor{B: body}
	c.Int32()
	tags(&c)
	c.Int32()
	code := c.Int16()
	for count := compact(&c); count > 0 && !c.Bad; count-- {
		g := listedGroup{name: text(&c), protocolType: text(&c), state: text(&c)}
		tags(&c)
		l.groups = append(l.groups, g)
	}
	if c.Bad {
		return errShort
	}
	return kafkaerr.FromCode(code)
}

var errShort = errors.New("response is cut short")

// compact reads a length in the flexible encoding (KIP-482): a varint that is one more than the length.
func compact(c *wire.Cursor) int { return max(c.Uvarint()-1, 0) }

func text(c *wire.Cursor) string { return string(c.Take(compact(c))) }

// tags skips tagged fields, each of which has a number and a size.
func tags(c *wire.Cursor) {
	for n := c.Uvarint(); n > 0 && !c.Bad; n-- {
		c.Uvarint()
		c.Take(c.Uvarint())
	}
}

// listed returns the group with the given name from a broker's list; ok is false if the list does not contain it.
func (c *Coordinators) listed(ctx context.Context, node int, name string) (g listedGroup, ok bool, err error) {
	request := &groupList{node: node, clientID: c.pool.ClientID}
	if _, err := c.pool.Transport.RoundTrip(ctx, c.pool.Addr, kafka.Request(request)); err != nil {
		return g, false, groupError(name, err)
	}
	for _, g := range request.groups {
		if g.name == name {
			return g, true, nil
		}
	}
	return g, false, nil
}
