package broker

import (
	"bytes"
	"io"
	"net"

	"github.com/segmentio/kafka-go/compress"
)

// Aborted is an aborted transaction of a fetch response.
type Aborted = abortedTransaction

// NewAborted makes one.
func NewAborted(producer, first int64) Aborted { return Aborted{producer, first} }

// Walk goes through a record set as Fetch does.
func Walk(set []byte, asked int64, limit int, aborted ...Aborted) (Batch, error) {
	w := newWalk(asked, limit, aborted, func(codec int8, r io.Reader) (io.ReadCloser, error) {
		known := compress.Compression(codec).Codec()
		if known == nil {
			return nil, ErrCorrupt
		}
		return known.NewReader(r), nil
	})
	err := w.records(set)
	return Batch{Records: w.out, Next: w.next}, err
}

// ParseFetch reads a fetch response and returns its record set.
func ParseFetch(body []byte, version int16, partition int) ([]byte, error) {
	f, err := parseFetch(body, version, partition)
	return f.set, err
}

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
