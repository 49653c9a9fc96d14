package mapping

import (
	"bytes"
	"fmt"
	"strings"
)

// The causes of a refusal, see the package comment.
const (
	causeNotJSON             = "NotJSON"
	causeDuplicateName       = "DuplicateName"
	causeEmptyValue          = "EmptyValue"
	causeTooLarge            = "TooLarge"
	causeTooDeep             = "TooDeep"
	causeUnsupportedEncoding = "UnsupportedEncoding"
	causeMissingOrderID      = "MissingOrderID"
	causeBadOrderID          = "BadOrderID"
	causeMissingStatus       = "MissingStatus"
	causeFieldError          = "FieldError"
)

const (
	maxValue = 4 << 20 // bytes of a record's value
	maxDepth = 512     // objects and arrays within one another
	maxText  = 512     // bytes of an order id or a status

	frameLen = 5 // Confluent: a zero byte, then the schema's id, big-endian
)

// Decode says what the record asks for: at least one outcome, each for one order. The preset plain gives exactly one.
func (m *Mapping) Decode(r Record) []Outcome {
	return []Outcome{m.decode(r)}
}

func (m *Mapping) decode(r Record) Outcome {
	switch {
	case r.Value == nil && isCloudEvent(r.Headers):
		return refuse(causeMissingStatus, "a CloudEvent without data")
	case r.Value == nil:
		return Outcome{Action: Ignore, Message: "a tombstone"}
	case len(r.Value) == 0:
		return refuse(causeEmptyValue, "the value is empty, which is neither a tombstone nor JSON")
	case len(r.Value) > maxValue:
		return refuse(causeTooLarge, fmt.Sprintf("the value has %d bytes, more than %d", len(r.Value), maxValue))
	}

	doc, framed := unframe(r.Value)
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	s, _ := m.scanners.Get().(*scanner)
	out := s.document(doc)
	s.release()
	m.scanners.Put(s)

	if out.Cause == causeNotJSON && (framed || hasHeader(r.Headers, "__value_schema_id")) {
		return refuse(causeUnsupportedEncoding, "the value is framed for a schema registry and holds no JSON")
	}
	return out
}

// unframe takes Confluent's frame off. JSON text never begins with a zero byte, so nothing else is mistaken for one.
func unframe(value []byte) (doc []byte, framed bool) {
	if len(value) >= frameLen && value[0] == 0 {
		return value[frameLen:], true
	}
	return value, false
}

// isCloudEvent tells whether all four headers stand that the Kafka binding of CloudEvents requires in binary mode.
func isCloudEvent(headers []Header) bool {
	return hasHeader(headers, "ce_specversion") && hasHeader(headers, "ce_type") &&
		hasHeader(headers, "ce_source") && hasHeader(headers, "ce_id")
}

func hasHeader(headers []Header, name string) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Key, name) {
			return true
		}
	}
	return false
}

func refuse(cause, message string) Outcome {
	return Outcome{Action: Refuse, Cause: cause, Message: message}
}
