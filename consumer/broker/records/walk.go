package records

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"leadhit-sync/consumer/broker/wire"
	"leadhit-sync/consumer/event"
)

// Attribute bits of a batch or message.
const (
	codecBits      = 0x07
	brokerTimeBit  = 0x08
	transactionBit = 0x10
	controlBit     = 0x20
)

const (
	prefixSize = 17 // offset, length, leader's epoch or checksum, magic: common to all formats
	batchSize  = 61 // a batch's header
	crcStart   = 21 // a batch's checksum covers everything from here on

	maxUnpacked = 128 << 20 // one record, or one compressed set of an old format
)

// walk goes through the record set in a fetch response.
//
// The set is what the leader has on disk. It may start before the requested offset, and end in the middle of a batch.
// It may contain aborted transactions, markers, and batches that compaction has thinned out or emptied.
type walk struct {
	of         event.Partition
	asked      int64 // the requested offset
	limit      Limit // the size limit
	decompress func(codec int8, packed []byte) (io.ReadCloser, error)
	aborted    []abortedTransaction // not reached yet, by first offset
	dropped    map[int64]bool       // producers inside an aborted transaction
	names      map[string]string    // header keys seen so far: a topic's records share a few

	out  []event.Record
	size int   // bytes of out, overhead included
	next int64 // where to continue: after all that was returned, skipped or found empty
	full bool  // limit is reached; next is inside the batch
}

// records walks the set. An error after complete records is not returned, because the next fetch starts after them.
func (w *walk) records(set []byte) error {
	for len(set) > 0 && !w.full {
		entry, rest, err := cut(set)
		if err == nil && entry == nil {
			// This is the batch that MaxBytes cut off. A broker sends the first batch whole.
			if w.next == w.asked {
				return w.unreadable(set, fmt.Errorf("%w: the first batch is cut short", ErrCorrupt))
			}
			return nil
		}
		if err == nil {
			err = w.entry(entry)
		}
		if err != nil {
			if w.next > w.asked {
				return nil
			}
			return w.unreadable(set, err)
		}
		set = rest
	}
	return nil
}

// cut splits the first batch or message off the set. It returns no entry if the set ends in the middle of one. In all
// formats the length follows the offset. The length does not include these two fields, which take 12 bytes.
func cut(set []byte) (entry, rest []byte, err error) {
	if len(set) < prefixSize {
		return nil, set, nil
	}
	length := int64(int32(binary.BigEndian.Uint32(set[8:])))
	if length < prefixSize-12 {
		return nil, set, fmt.Errorf("%w: a batch of %d bytes", ErrCorrupt, length)
	}
	if length+12 > int64(len(set)) {
		return nil, set, nil
	}
	return set[: length+12 : length+12], set[length+12:], nil
}

func (w *walk) entry(entry []byte) error {
	switch magic := entry[16]; magic {
	case 0, 1:
		return w.message(entry)
	case 2:
		return w.batch(entry)
	default:
		return fmt.Errorf("%w: record format %d is not known", ErrCorrupt, magic)
	}
}

// header is the header of a batch of record format 2.
type header struct {
	base, last int64 // offsets; last stays the same when compaction removes the last record
	attributes int16
	firstTime  int64 // milliseconds since 1970
	maxTime    int64
	producer   int64
	count      int32
	body       []byte
}

// parseHeader trusts nothing until the checksum matches, and not everything even then, because a broken producer can
// send nonsense with a correct checksum.
func parseHeader(b []byte) (header, error) {
	if len(b) < batchSize {
		return header{}, fmt.Errorf("%w: a batch of %d bytes", ErrCorrupt, len(b))
	}
	c := wire.Cursor{B: b}
	h := header{base: c.Int64()}
	c.Take(4 + 4 + 1) // length, leader's epoch, magic
	want := uint32(c.Int32())
	if got := crc32.Checksum(b[crcStart:], crc32.MakeTable(crc32.Castagnoli)); got != want {
		return h, fmt.Errorf("%w: checksum of the batch at offset %d is %08x, want %08x", ErrCorrupt, h.base, got, want)
	}
	h.attributes = c.Int16()
	h.last = h.base + int64(c.Int32())
	h.firstTime, h.maxTime, h.producer = c.Int64(), c.Int64(), c.Int64()
	c.Take(2 + 4) // producer's epoch, sequence
	h.count, h.body = c.Int32(), c.B
	if h.last < h.base || h.count < 0 {
		return h, fmt.Errorf("%w: the batch at offset %d ends before it starts", ErrCorrupt, h.base)
	}
	return h, nil
}

// batch adds a batch's records, or skips the batch. It also advances w.next past a control batch, which has an offset
// but no event.
func (w *walk) batch(b []byte) error {
	h, err := parseHeader(b)
	if err != nil {
		return err
	}
	// The broker lists aborted transactions by their first offsets only. Only an abort marker shows where a transaction
	// ends, so the set is walked from its start, even through batches before the requested offset (KIP-98).
	for len(w.aborted) > 0 && w.aborted[0].first <= h.last {
		w.dropped[w.aborted[0].producer] = true
		w.aborted = w.aborted[1:]
	}
	switch {
	case h.attributes&controlBit != 0:
		if isAbort(h.body) {
			delete(w.dropped, h.producer)
		}
	case h.attributes&transactionBit != 0 && w.dropped[h.producer]:
	case h.last < w.asked:
	default:
		if err := w.batchRecords(h); err != nil {
			return fmt.Errorf("batch at offset %d: %w", h.base, err)
		}
	}
	if !w.full {
		w.next = max(w.next, h.last+1)
	}
	return nil
}

// isAbort reports whether a marker's type is abort (0), not commit (1). A marker is the only record in its batch. The
// batch is never compressed. The marker's key holds a version and the type.
func isAbort(body []byte) bool {
	c := wire.Cursor{B: body}
	c.Varint() // length
	c.Int8()   // attributes
	c.Varint() // time
	c.Varint() // offset
	key := wire.Cursor{B: c.Bytes(c.Varint())}
	key.Int16() // version
	return key.Int16() == 0 && !key.Bad && !c.Bad
}

func (w *walk) batchRecords(h header) (err error) {
	source := recordSource{plain: wire.Cursor{B: h.body}}
	if codec := int8(h.attributes & codecBits); codec != 0 {
		unpacked, err := w.decompress(codec, h.body)
		if err != nil {
			return err
		}
		defer func() { _ = unpacked.Close() }() // all that is needed has been read
		source.stream = bufio.NewReaderSize(unpacked, 16<<10)
	}
	// Allocate memory for at most 1024 records, and for more as they arrive. The count is only a hint: the checksum
	// proves that the broker sent it, not that it is true.
	w.out = slices.Grow(w.out, int(min(h.count, 1024)))
	for range h.count {
		body, err := source.next()
		if err != nil {
			return err
		}
		if err := w.record(h, body); err != nil || w.full {
			return err
		}
	}
	return nil
}

// recordSource yields the records of a batch, each without its length.
type recordSource struct {
	plain   wire.Cursor
	stream  *bufio.Reader // nil if the batch is not compressed
	peeked  int           // how many bytes of the last record are still in the stream's buffer
	scratch bytes.Buffer  // for records that are larger than the stream's buffer
}

// next returns the next record's bytes, which are valid until the next call.
func (s *recordSource) next() ([]byte, error) {
	if s.stream == nil {
		n := s.plain.Varint()
		body := s.plain.Bytes(n)
		if s.plain.Bad || n < 0 {
			return nil, fmt.Errorf("%w: a record is cut short", ErrCorrupt)
		}
		return body, nil
	}
	_, _ = s.stream.Discard(s.peeked) // cannot fail: these bytes are in the buffer
	s.peeked = 0
	n, err := binary.ReadVarint(s.stream)
	if err != nil {
		return nil, fmt.Errorf("%w: compressed record: %w", ErrCorrupt, orTruncated(err))
	}
	if n < 0 || n > maxUnpacked {
		return nil, fmt.Errorf("%w: compressed record of %d bytes", ErrCorrupt, n)
	}
	if n <= int64(s.stream.Size()) {
		body, err := s.stream.Peek(int(n))
		if err != nil {
			return nil, fmt.Errorf("%w: compressed record: %w", ErrCorrupt, orTruncated(err))
		}
		s.peeked = len(body)
		return body, nil
	}
	s.scratch.Reset()
	// CopyN grows the buffer as it reads bytes, not to the claimed length.
	if _, err := io.CopyN(&s.scratch, s.stream, n); err != nil {
		return nil, fmt.Errorf("%w: compressed record: %w", ErrCorrupt, orTruncated(err))
	}
	return s.scratch.Bytes(), nil
}

func orTruncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (w *walk) record(h header, body []byte) error {
	c := wire.Cursor{B: body}
	c.Int8() // attributes
	sinceFirst := c.Varint()
	offset := h.base + c.Varint()
	if c.Bad || offset > h.last {
		return fmt.Errorf("%w: a record beyond the end of its batch", ErrCorrupt)
	}
	if offset < w.next || w.cannotHold(len(body)) {
		return nil
	}
	// One allocation holds the record's key, value and headers.
	c.B = bytes.Clone(c.B)
	r := event.Record{Place: event.Place{Offset: offset}, Time: unixTime(h.firstTime + sinceFirst)}
	if h.attributes&brokerTimeBit != 0 {
		r.Time = unixTime(h.maxTime)
	}
	r.Key = c.Bytes(c.Varint())
	r.Value = c.Bytes(c.Varint())
	if err := w.headers(&r, &c); err != nil {
		return err
	}
	w.keep(r, len(body))
	return nil
}

// headers reads a record's headers. It compares their count with the number of bytes that are left, before it allocates
// memory for that many headers.
func (w *walk) headers(r *event.Record, c *wire.Cursor) error {
	count := c.Varint()
	if c.Bad || count < 0 || count > int64(len(c.B))/2 { // a header takes at least two bytes
		return fmt.Errorf("%w: the record at offset %d is cut short", ErrCorrupt, r.Offset)
	}
	if count > 0 {
		r.Headers = make([]event.Header, count)
	}
	for i := range r.Headers {
		r.Headers[i] = event.Header{Key: w.name(c.Bytes(c.Varint())), Value: c.Bytes(c.Varint())}
	}
	if c.Bad {
		return fmt.Errorf("%w: a header of the record at offset %d is cut short", ErrCorrupt, r.Offset)
	}
	return nil
}

func (w *walk) name(key []byte) string {
	if name, ok := w.names[string(key)]; ok {
		return name
	}
	name := string(key)
	w.names[name] = name
	return name
}

// cannotHold reports whether one more record of size bytes would exceed the limit; the first record never does. If the
// limit would be exceeded, cannotHold ends the walk before that record.
func (w *walk) cannotHold(size int) bool {
	w.full = len(w.out) > 0 && w.size+size+w.limit.Overhead > w.limit.Bytes
	return w.full
}

func (w *walk) keep(r event.Record, size int) {
	r.Topic, r.Partition = w.of.Topic, w.of.Number
	w.out = append(w.out, r)
	w.size += size + w.limit.Overhead
	w.next = r.Offset + 1
}

// unixTime returns the zero time for -1, which means no time. Any other number counts as a time, however odd.
func unixTime(ms int64) time.Time {
	if ms == -1 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
