package broker

import (
	"bytes"
	"context"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// OldRelease names the release of a broker that takes these requests, if it is too old.
func OldRelease(versions []kafka.ApiVersion) string { return oldRelease(versions) }

// RightsOf reads the field of an answer.
func RightsOf(operations int32) Rights { return rightsOf(operations) }

// SendLate gives a commit up under ctx, and then lets a connection come to it after all. It returns whether the commit
// counts as sent, and how many bytes of it left.
func (c *Cluster) SendLate(ctx context.Context) (sent bool, left int) {
	x := &exchange{message: &offsetcommit.Request{GroupID: "sync"}}
	_, sent, _ = c.roundTrip(ctx, toCoordinator{x, "sync"}, x)
	var connection, none bytes.Buffer
	x.Required(map[protocol.ApiKey]int16{protocol.OffsetCommit: 7})
	_, _ = x.RawExchange(struct {
		io.Reader
		io.Writer
	}{&none, &connection})
	return sent, connection.Len()
}

// RoomBytes is the process's room for large responses; LargeResponse is the largest that needs none.
const (
	RoomBytes     = roomBytes
	LargeResponse = largeResponse
)

// Enter takes room for a response, as a connection does. Its read is the connection's end, leave that of the one that fetches.
func (c *Cluster) Enter(ctx context.Context, size int64) (read, leave func(), err error) {
	r := &room{of: c.room}
	return r.read, r.leave, r.take(ctx, size)
}

// RoomIsFree says that no large response holds any room.
func (c *Cluster) RoomIsFree() bool {
	free := c.room.TryAcquire(roomBytes)
	if free {
		c.room.Release(roomBytes)
	}
	return free
}

// ParseGroupList returns how many groups were read from the body of a response.
func ParseGroupList(body []byte) (groups int, err error) {
	l := &groupList{}
	err = l.parse(body)
	return len(l.groups), err
}
