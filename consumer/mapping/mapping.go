// Package mapping turns one Kafka record into the status changes that it asks for.
//
// A record goes in, a list of outcomes comes out: call LeadHit with an order id and a status, ignore, or refuse with a
// cause. Each record is judged alone and the same way each time: the package holds no state between records, starts no
// goroutine, and knows neither Kafka nor LeadHit nor the clock. [Mapping.Decode] returns no error and never panics on
// any bytes: what cannot be read becomes a refusal, and the caller makes a dead letter of it.
//
// # What it promises
//
// An order id is opaque. A JSON string is passed on unchanged, a JSON integer literal as its digits, however many: no
// trimming, no stripping of # or zeros, never through a float. What cannot be passed on unchanged is refused, for two
// orders must not become one.
//
// A message never quotes the payload: it says what kind of thing was found and where. The order id is the one exception.
// A refusal carries the order id and the status as far as they could be read.
//
// # Envelopes
//
// Opened in this order: Confluent framing around JSON, a byte order mark, JSON text, JSON in a string (once).
// A null value is a tombstone, to be ignored, unless the record bears the four ce_ headers of a CloudEvent: then it is
// an event without data, and refused for want of a status.
//
// # Causes
//
// NotJSON, DuplicateName, EmptyValue, TooLarge, TooDeep and UnsupportedEncoding speak of the value; MissingOrderID,
// BadOrderID, MissingStatus and FieldError of a field. They are metric labels: the names stay.
package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrUnknownPreset says that no preset bears the name given to [Load].
var ErrUnknownPreset = errors.New("unknown preset")

// Header is one header of a record. Names may repeat; a nil value differs from an empty one.
type Header struct {
	Key   string
	Value []byte
}

// Record is one Kafka record as it was read. Decode neither changes nor keeps its bytes.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	// Key and Value are nil where the record has none: a nil Value is a tombstone, an empty one is a broken event.
	Key, Value []byte
	Headers    []Header
}

// Action says what an outcome asks for.
type Action uint8

// The actions. The zero value is Refuse: an outcome that nobody filled in is looked at by a person, never skipped.
const (
	// Refuse: the record cannot be told to LeadHit; Cause and Message say why.
	Refuse Action = iota
	// Call: tell LeadHit that the order OrderID has the status Status.
	Call
	// Ignore: nothing is to be done.
	Ignore
)

// String returns the action's name as it stands in logs.
func (a Action) String() string {
	switch a {
	case Refuse:
		return "refuse"
	case Call:
		return "call"
	case Ignore:
		return "ignore"
	}
	return "unknown"
}

// Outcome is what one record asks for, for one order.
type Outcome struct {
	// OrderID is 1 to 512 bytes of valid UTF-8; empty where it was not read. Status likewise.
	OrderID, Status string
	Action          Action
	// Cause is one word of the package's list; empty unless Action is Refuse.
	Cause string
	// Message tells a person what was found, in at most 256 bytes and without payload. For Ignore it is the reason.
	Message string
}

// Mapping decodes the records of some topics. It is safe for concurrent use.
type Mapping struct {
	scanners sync.Pool // of *scanner
}

// Load returns the mapping of that name for the topics. The one preset so far is plain:
// {"order_id": "…", "status": "…"}, other members ignored, the status passed on as it stands, for LeadHit judges it.
//
// An unknown name is [ErrUnknownPreset]. Topics must be given, each once; Decode itself does not look at a record's
// topic, so that a replayed record can be decoded as the event it was.
func Load(name string, topics []string) (*Mapping, error) {
	if name != "plain" {
		return nil, fmt.Errorf("mapping %q: %w: the presets are: plain", name, ErrUnknownPreset)
	}
	if len(topics) == 0 {
		return nil, fmt.Errorf("mapping %s: no topics", name)
	}
	for i, topic := range topics {
		if strings.TrimSpace(topic) == "" {
			return nil, fmt.Errorf("mapping %s: topic %d of %d has no name", name, i+1, len(topics))
		}
		if slices.Contains(topics[:i], topic) {
			return nil, fmt.Errorf("mapping %s: topic %q is given twice", name, topic)
		}
	}
	return &Mapping{scanners: sync.Pool{New: func() any { return newScanner() }}}, nil
}
