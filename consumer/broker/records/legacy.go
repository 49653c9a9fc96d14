package records

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"leadhit-sync/consumer/broker/wire"
	"leadhit-sync/consumer/event"
)

// message is a record of format 0 or 1, which producers wrote before Kafka 0.11. These formats have no transactions and
// no headers. Old logs still contain such records, and a broker returns them unchanged.
type message struct {
	offset     int64
	magic      int8
	attributes int8
	time       int64 // milliseconds since 1970; -1 is none
	key, value []byte
}

// parseMessage reads one message and verifies its checksum, which covers everything after the checksum.
func parseMessage(b []byte) (message, error) {
	c := wire.Cursor{B: b}
	m := message{offset: c.Int64(), time: -1}
	c.Take(4) // length
	want := uint32(c.Int32())
	if got := crc32.ChecksumIEEE(c.B); got != want {
		return m, fmt.Errorf("%w: checksum of the message at offset %d is %08x, want %08x",
			ErrCorrupt, m.offset, got, want)
	}
	m.magic, m.attributes = c.Int8(), c.Int8()
	if m.magic == 1 {
		m.time = c.Int64()
	}
	m.key = c.Bytes(int64(c.Int32()))
	m.value = c.Bytes(int64(c.Int32()))
	if c.Bad {
		return m, fmt.Errorf("%w: the message at offset %d is cut short", ErrCorrupt, m.offset)
	}
	return m, nil
}

// message adds the records of one message. A compressed message contains a whole set. A set that ends before the
// requested offset is not unpacked.
func (w *walk) message(b []byte) error {
	outer, err := parseMessage(b)
	if err != nil {
		return err
	}
	inner := []message{outer}
	if codec := outer.attributes & codecBits; codec != 0 && outer.offset >= w.asked {
		if inner, err = w.unpack(outer, codec); err != nil {
			return fmt.Errorf("message set that ends at offset %d: %w", outer.offset, err)
		}
	}
	for _, m := range inner {
		size := len(m.key) + len(m.value)
		if m.offset < w.next {
			continue
		}
		if w.cannotHold(size) {
			return nil
		}
		w.keep(event.Record{
			Place: event.Place{Offset: m.offset},
			Time:  unixTime(m.time),
			Key:   bytes.Clone(m.key), // keeps nil and empty distinct
			Value: bytes.Clone(m.value),
		}, size)
	}
	w.next = max(w.next, outer.offset+1)
	return nil
}

// unpack reads the set inside a compressed message. The outer message has the offset of the last inner one. In format 1
// the inner offsets count from 0, so that a broker need not recompress the set. In format 0 they are already log
// offsets, and relocate does not change them.
func (w *walk) unpack(outer message, codec int8) ([]message, error) {
	packed := outer.value
	if codec == lz4 && outer.magic == 0 {
		packed = withHeaderChecksum(packed)
	}
	unpacked, err := w.decompress(codec, packed)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unpacked.Close() }() // all that is needed has been read
	var set bytes.Buffer
	n, err := io.Copy(&set, io.LimitReader(unpacked, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n > maxUnpacked {
		return nil, fmt.Errorf("%w: more than %d bytes unpacked", ErrCorrupt, maxUnpacked)
	}

	var inner []message
	for rest := set.Bytes(); len(rest) > 0; {
		var entry []byte
		if entry, rest, err = cut(rest); err != nil {
			return nil, err
		}
		if entry == nil {
			return nil, fmt.Errorf("%w: the set is cut short", ErrCorrupt)
		}
		m, err := parseMessage(entry)
		if err != nil {
			return nil, err
		}
		inner = append(inner, m)
	}
	if len(inner) == 0 {
		return nil, fmt.Errorf("%w: the set is empty", ErrCorrupt)
	}
	relocate(inner, outer)
	return slices.Clip(inner), nil
}

// relocate turns the inner offsets into log offsets. If the topic uses LogAppendTime, the broker has written its time
// only into the outer message, to leave the compressed bytes as they are (KIP-32).
func relocate(inner []message, outer message) {
	base := outer.offset - inner[len(inner)-1].offset
	for i := range inner {
		inner[i].offset += base
		if outer.attributes&brokerTimeBit != 0 {
			inner[i].time = outer.time
		}
	}
}
