package records

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// UnreadableError says that a partition's next batch cannot be read: its checksum is wrong, its format or compression
// is not known, or it cannot be unpacked. The error matches ErrCorrupt. A retry returns the same error, unless the
// network changed the bytes.
type UnreadableError struct {
	// First and Last bound the offsets of the batch's events, as far as the batch's header can be trusted. To skip the
	// batch, continue at Last + 1.
	First, Last int64
	Err         error
}

// Error names the offsets and the cause.
func (e *UnreadableError) Error() string {
	if e.First == e.Last {
		return fmt.Sprintf("the event at offset %d cannot be read: %v", e.First, e.Err)
	}
	return fmt.Sprintf("the events at offsets %d to %d cannot be read: %v", e.First, e.Last, e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// unreadable adds the offsets to an error about the first entry of a set. It returns errors other than ErrCorrupt
// unchanged.
func (w *walk) unreadable(set []byte, err error) error {
	if !errors.Is(err, ErrCorrupt) || len(set) < prefixSize {
		return err
	}
	const lastDelta, longestBatch = 23, 1 << 24
	base := int64(binary.BigEndian.Uint64(set))
	e := &UnreadableError{First: max(base, w.asked), Last: max(base, w.asked), Err: err}
	if magic := set[16]; magic == 2 && len(set) >= lastDelta+4 {
		if delta := int64(int32(binary.BigEndian.Uint32(set[lastDelta:]))); delta >= 0 && delta < longestBatch {
			e.Last = max(base+delta, w.asked)
		}
	}
	if set[16] < 2 { // the offset of a compressed message is that of its last event
		e.First = w.asked
	}
	return e
}
