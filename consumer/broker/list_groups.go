package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	// listGroupsVersion is the first whose response has the groups' states. kafka-go knows older ones only.
	listGroupsVersion = 4
	// maxList bounds a response: 100,000 groups with long names.
	maxList = 32 << 20
)

// groupList is a ListGroups request to one broker, and its outcome. kafka-go routes it; we write and read it, with the
// encoding that Kafka calls flexible.
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
	return nodeIn(cluster, l.node)
}

// Required takes the request over from kafka-go. Which versions the broker speaks does not show here: kafka-go has cut
// them to its own.
func (l *groupList) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads its response.
func (l *groupList) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const id = 1
	b := binary.BigEndian.AppendUint16(nil, uint16(protocol.ListGroups))
	b = binary.BigEndian.AppendUint16(b, listGroupsVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint16(b, uint16(len(l.clientID)))
	b = append(b, l.clientID...)
	b = append(b, 0, 1, 0) // no tags of the header, no filter of states, no tags
	if _, err := rw.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxList {
		return nil, fmt.Errorf("response of %d bytes", n)
	}
	body, err := io.ReadAll(io.LimitReader(rw, int64(n)))
	if err == nil && len(body) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return answer{l}, l.parse(body)
}

// parse reads the response: correlation id, throttle time, error, groups.
func (l *groupList) parse(body []byte) error {
	r := flexible{rest: body}
	r.take(4)
	r.tags()
	r.take(4)
	code := r.take(2)
	count := r.length()
	for i := 0; i < count && r.err == nil; i++ {
		g := listedGroup{name: r.text(), protocolType: r.text(), state: r.text()}
		r.tags()
		l.groups = append(l.groups, g)
	}
	if r.err != nil {
		return r.err
	}
	return codeError(int16(binary.BigEndian.Uint16(code)))
}

// flexible reads what Kafka calls flexible: lengths are varints, and one more than they are.
type flexible struct {
	rest []byte
	err  error
}

var errShort = errors.New("response is cut short")

// take returns the next bytes; zeros after an error.
func (r *flexible) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.err, r.rest = errShort, nil
		return make([]byte, min(max(n, 0), 8))
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *flexible) varint() int {
	n, read := binary.Uvarint(r.rest)
	if read <= 0 || n > maxList {
		r.err, r.rest = errShort, nil
		return 0
	}
	r.rest = r.rest[read:]
	return int(n)
}

func (r *flexible) length() int { return max(r.varint()-1, 0) }

func (r *flexible) text() string { return string(r.take(r.length())) }

func (r *flexible) tags() {
	for n := r.varint(); n > 0 && r.err == nil; n-- {
		r.varint() // the tag's number
		r.take(r.varint())
	}
}

// listed returns a group of a broker's list; ok is false where it has none of that name.
func (c *Cluster) listed(ctx context.Context, node int, name string) (g listedGroup, ok bool, err error) {
	request := &groupList{node: node, clientID: c.clientID}
	if _, err := c.transport.RoundTrip(ctx, c.addr, kafka.Request(request)); err != nil {
		return g, false, groupError(name, err)
	}
	for _, g := range request.groups {
		if g.name == name {
			return g, true, nil
		}
	}
	return g, false, nil
}
