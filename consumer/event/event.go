// Package event defines the types that flow through the worker: a Kafka [Record] with its headers, and the [Place]
// where it is stored. An [Item] says what to do for one order of a record.
//
// The fetcher makes a Record, and everything after the fetcher only reads it: the mapping, the dispatcher's callers,
// the dead-letter writer, and the commands that list records. A Record owns its bytes, so keeping one record for a long
// time does not keep its neighbours in memory.
//
// A nil key or value differs from an empty one. In Kafka a nil value is a tombstone; an empty one is just a value.
package event

import (
	"strconv"
	"time"
)

// Partition identifies one partition of a topic.
type Partition struct {
	Topic  string
	Number int
}

// Place says where a record is stored. It identifies an event in letters, calls and logs.
type Place struct {
	Topic     string
	Partition int
	Offset    int64 // after the topic is recreated, the same offset identifies another event
}

// ID returns the place as text: topic/partition/offset. A method named String would be promoted to all types that embed
// a Place, and fmt would print only the place for them.
func (p Place) ID() string {
	id := make([]byte, 0, len(p.Topic)+32)
	id = append(append(id, p.Topic...), '/')
	id = append(strconv.AppendInt(id, int64(p.Partition), 10), '/')
	return string(strconv.AppendInt(id, p.Offset, 10))
}

// Header is one header of a record. Keys may repeat, in which case the last one counts.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record in the log. All its readers share its bytes, so they must not be changed.
type Record struct {
	Place

	// Time is the producer's, or the broker's if the topic uses LogAppendTime. It is zero if the record has none.
	Time time.Time
	// Key and Value are nil where the record has none.
	Key, Value []byte
	Headers    []Header
}
