package broker

import (
	"bytes"
	"context"
	"io"
	"net"
	"reflect"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"golang.org/x/sync/semaphore"

	"leadhit-sync/consumer/event"
)

// Aborted is an aborted transaction of a fetch response.
type Aborted = abortedTransaction

// NewAborted makes one.
func NewAborted(producer, first int64) Aborted { return Aborted{producer, first} }

// Walk goes through a record set as Fetch does.
func Walk(set []byte, asked int64, limit int, aborted ...Aborted) (Batch, error) {
	w := newWalk(event.Partition{}, asked, limit, aborted, func(codec int8, packed []byte) (io.ReadCloser, error) {
		c := &Cluster{decoding: semaphore.NewWeighted(decoders)}
		return c.decompress(context.Background(), codec, packed)
	})
	err := w.records(set)
	return Batch{Records: w.out, Next: w.next}, err
}

// ParseFetch reads a fetch response and returns its record set.
func ParseFetch(body []byte, version int16, partition int) ([]byte, error) {
	f, err := parseFetch(body, version, partition)
	return f.set, err
}

// OldRelease names the release of a broker that takes these requests, if it is too old.
func OldRelease(versions []kafka.ApiVersion) string { return oldRelease(versions) }

// RightsOf reads the field of an answer.
func RightsOf(operations int32) Rights { return rightsOf(operations) }

// Subscription is what is left of a member's subscription.
func Subscription(metadata []byte) []byte { return subscription(metadata) }

// Bound wraps conn as the dial function does.
func Bound(conn net.Conn) net.Conn { return &boundConn{Conn: conn} }

// Pack compresses with a codec of kafka-go's.
func Pack(codec int8, data []byte) []byte {
	var packed bytes.Buffer
	w := compress.Compression(codec).Codec().NewWriter(&packed)
	_, _ = w.Write(data)
	_ = w.Close()
	return packed.Bytes()
}

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

// Decoding is how many decoders are taken, if nobody waits for one.
func (c *Cluster) Decoding() int {
	for free := int64(decoders); free > 0; free-- {
		if c.decoding.TryAcquire(free) {
			c.decoding.Release(free)
			return decoders - int(free)
		}
	}
	return decoders
}

// Decompress takes decoders for a batch's packed records. Closing the reader gives them back.
func (c *Cluster) Decompress(ctx context.Context, codec int8, packed []byte) (io.ReadCloser, error) {
	return c.decompress(ctx, codec, packed)
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

// Frame wraps conn as the dial function does.
func Frame(conn net.Conn, address string, configured ...string) net.Conn {
	d := &dial{configured: configured}
	return &framedConn{toldConn: toldConn{boundConn: boundConn{Conn: conn}, opened: time.Now()}, peer: d.peer(address), shapes: &d.shapes, silence: &d.silence}
}

// Silence explains err as a caller's whose connection is conn.
func Silence(conn net.Conn, err error) error {
	framed, ok := conn.(*framedConn)
	if !ok {
		return err
	}
	return framed.silence.explain(err)
}

// Shape returns the type of responses to an API, or nil if we never ask for one.
func Shape(key int16) reflect.Type { return shapeOf(key) }

// XXHash32 hashes fewer than 16 bytes.
func XXHash32(b []byte) uint32 { return xxHash32(b) }

// ParseGroupList returns how many groups were read from the body of a response.
func ParseGroupList(body []byte) (groups int, err error) {
	l := &groupList{}
	err = l.parse(body)
	return len(l.groups), err
}
