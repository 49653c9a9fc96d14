package exchange

import (
	"encoding/binary"
	"io"

	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/wire"
)

// Newer is a message in a version that kafka-go does not know, in the encoding that Kafka calls flexible (KIP-482). A
// broker that does not support the version closes the connection.
type Newer struct {
	Key     protocol.ApiKey
	Version int16
	// Body is the message without its header.
	Body []byte
}

// ApiKey makes Newer a protocol.Message.
func (n *Newer) ApiKey() protocol.ApiKey { return n.Key }

const sizeBytes = 4 // the size field of a message, which counts the bytes after it

// exchange writes the request and reads its response.
func (n *Newer) exchange(rw io.ReadWriter, id uint32, clientID string) (protocol.Message, error) {
	b := make([]byte, sizeBytes, 64+len(clientID)+len(n.Body))
	b = binary.BigEndian.AppendUint16(b, uint16(n.Key))
	b = binary.BigEndian.AppendUint16(b, uint16(n.Version))
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(b, clientID...)
	b = append(b, 0) // no tagged fields in the header
	b = append(b, n.Body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-sizeBytes))
	if _, err := rw.Write(b); err != nil {
		return nil, err
	}
	// The connection has compared the size with its limit, and the id with the request's. It has the whole response in
	// memory.
	var size [sizeBytes]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	c := wire.Cursor{B: make([]byte, binary.BigEndian.Uint32(size[:]))}
	if _, err := io.ReadFull(rw, c.B); err != nil {
		return nil, err
	}
	c.Int32() // the id
	c.Tags()
	if c.Bad {
		return nil, io.ErrUnexpectedEOF
	}
	return &Newer{Key: n.Key, Version: n.Version, Body: c.B}, nil
}
