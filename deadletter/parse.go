package deadletter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
)

// errNotALetter reports a record without the headers that name the place of a letter's event.
var errNotALetter = errors.New("not a dead letter")

// headerError reports a letter's header that cannot be read. It never quotes the header's value.
type headerError struct {
	Header string // its name
	Reason string
}

func (e *headerError) Error() string {
	return "header " + e.Header + ": " + e.Reason
}

// Parse reads a letter back and restores its event, with the original headers in order and under their own names.
//
// It also reads letters that Kafka Connect wrote; their Item is NoItem. Of several headers with the same name, the last
// counts, because Connect appends its headers. A record without the place of its event is an error, as is a header that
// cannot be read. The letter shares the record's bytes.
func Parse(r event.Record) (Letter, error) {
	added := fields(r.Headers)
	l := Letter{Record: event.Record{Key: r.Key, Value: r.Value}, Item: NoItem}
	for _, h := range r.Headers {
		if name, kept := strings.CutPrefix(h.Key, keptPrefix); kept || !reserved(h.Key) {
			l.Headers = append(l.Headers, event.Header{Key: name, Value: h.Value})
		}
	}
	if !added.has(connectTopic) && !added.has(headerID) {
		return Letter{}, errNotALetter
	}
	err := errors.Join(added.version(), added.source(&l), added.failure(&l), added.replay(&l), added.omitted(&l))
	if err != nil {
		return Letter{}, fmt.Errorf("parse letter: %w", err)
	}
	return l, nil
}

// fields are a record's headers. Only the headers that a letter adds are looked up. A record has about twenty headers,
// so searching the list costs less than building a map for each letter.
type fields []event.Header

// find returns the value of the last header with the given name.
func (f fields) find(name string) (value []byte, ok bool) {
	for _, h := range slices.Backward(f) {
		if h.Key == name {
			return h.Value, true
		}
	}
	return nil, false
}

func (f fields) has(name string) bool {
	_, ok := f.find(name)
	return ok
}

func (f fields) text(name string) string {
	value, _ := f.find(name)
	return string(value)
}

// integer reads a whole number. It leaves target alone if the header is absent.
func (f fields) integer(name string, target *int) error {
	text, ok := f.find(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return &headerError{name, "not an integer"}
	}
	*target = n
	return nil
}

// version refuses a letter with a schema version other than ours, because reading it as ours could lose a field, such
// as the replay count.
func (f fields) version() error {
	version := schema
	if err := f.integer(headerSchema, &version); err != nil {
		return err
	}
	if version != schema {
		return &headerError{
			headerSchema,
			fmt.Sprintf("got version %d, want %d; use a newer release", version, schema),
		}
	}
	return nil
}

func (f fields) source(l *Letter) error {
	id, ours := f.find(headerID)
	if !ours {
		id = []byte(f.text(connectTopic) + "/" + f.text(connectPartition) + "/" + f.text(connectOffset))
	}
	if err := parseID(string(id), l); err != nil {
		return err
	}
	// If the headers contradict each other about the place, a replay could read the wrong event.
	differs := func(name, want string) bool {
		value, ok := f.find(name)
		return ok && string(value) != want
	}
	if differs(connectTopic, l.Topic) || differs(connectPartition, strconv.Itoa(l.Partition)) ||
		differs(connectOffset, strconv.FormatInt(l.Offset, 10)) {
		return &headerError{headerID, "does not agree with " + connectPrefix + "topic, partition and offset"}
	}
	text, ok := f.find(headerTimestamp)
	if !ok || string(text) == noTimestamp {
		return nil
	}
	ms, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return &headerError{headerTimestamp, "not an integer"}
	}
	l.Time = time.UnixMilli(ms).UTC()
	return nil
}

// parseID reads topic/partition/offset or topic/partition/offset#item.
func parseID(id string, l *Letter) error {
	place, item, several := strings.Cut(id, "#")
	topic, numbers, _ := strings.Cut(place, "/")
	number, rest, _ := strings.Cut(numbers, "/")
	partition, err := strconv.ParseUint(number, 10, 31)
	offset, errOffset := strconv.ParseUint(rest, 10, 63)
	var errItem error
	if several {
		var n uint64
		n, errItem = strconv.ParseUint(item, 10, 31)
		l.Item = int(n)
	}
	if !isTopic(topic) || err != nil || errOffset != nil || errItem != nil {
		return &headerError{headerID, "not topic/partition/offset with a legal topic name and numbers of 0 or more"}
	}
	l.Topic, l.Partition, l.Offset = topic, int(partition), int64(offset)
	return nil
}

// isTopic reports whether a name has only characters and a length that Kafka accepts for a topic.
func isTopic(name string) bool {
	for _, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= maxTopic
}

func (f fields) failure(l *Letter) error {
	l.OrderID, l.Status = unquoteIfOdd(f.text(headerOrderID)), unquoteIfOdd(f.text(headerStatus))
	l.Stage = f.text(connectStage)
	l.DecidedBy = f.text(headerDecidedBy)
	l.Cause, l.Message = f.text(connectException), f.text(connectMessage)
	l.Group, l.Version = f.text(connectName), f.text(headerVersion)
	if text, ok := f.find(headerFailedAt); ok {
		at, err := time.Parse(time.RFC3339Nano, string(text))
		// In UTC, the year may have five digits although it has four in the header's zone.
		if err != nil || at.UTC().Year() < 0 || at.UTC().Year() > 9999 {
			return &headerError{headerFailedAt, "not an RFC 3339 time"}
		}
		l.FailedAt = at.UTC()
	}
	return errors.Join(f.integer(headerCode, &l.Code), f.integer(headerAttempts, &l.Attempts))
}

func (f fields) replay(l *Letter) error {
	l.ReplayRun = f.text(headerReplayRun)
	return f.integer(headerReplayCount, &l.ReplayCount)
}

func (f fields) omitted(l *Letter) error {
	switch value, _ := f.find(headerValue); {
	case len(value) == 0:
		return nil
	case string(value) != valueOmitted:
		return &headerError{headerValue, fmt.Sprintf("must be absent or %q", valueOmitted)}
	case l.Value != nil:
		return &headerError{headerValue, fmt.Sprintf("is %q, but there is a value", valueOmitted)}
	}
	l.Omitted = &Digest{SHA256: f.text(headerValueSHA256)}
	return f.integer(headerValueSize, &l.Omitted.Size)
}
