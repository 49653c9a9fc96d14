package deadletter

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"leadhit-sync/consumer/event"
)

// The headers that a letter adds. Connect's tools expect that partition, offset and task.id are integers, that
// connector.name, stage and class.name are present, and that the message is never empty.
const (
	connectPrefix    = "__connect.errors."
	connectTopic     = connectPrefix + "topic"
	connectPartition = connectPrefix + "partition"
	connectOffset    = connectPrefix + "offset"
	connectName      = connectPrefix + "connector.name"
	connectTask      = connectPrefix + "task.id"
	connectStage     = connectPrefix + "stage"
	connectClass     = connectPrefix + "class.name"
	connectException = connectPrefix + "exception.class.name"
	connectMessage   = connectPrefix + "exception.message"

	ownPrefix         = "dlq."
	keptPrefix        = ownPrefix + "kept."
	headerSchema      = ownPrefix + "schema"
	headerID          = ownPrefix + "id"
	headerOrderID     = ownPrefix + "order_id"
	headerStatus      = ownPrefix + "status"
	headerFailedAt    = ownPrefix + "failed.at"
	headerTimestamp   = ownPrefix + "original.timestamp"
	headerDecidedBy   = ownPrefix + "decided.by"
	headerCode        = ownPrefix + "error.code"
	headerFingerprint = ownPrefix + "fingerprint"
	headerAttempts    = ownPrefix + "attempts"
	headerVersion     = ownPrefix + "worker.version"
	headerReplayCount = ownPrefix + "replay.count"
	headerReplayRun   = ownPrefix + "replay.run"
	headerValue       = ownPrefix + "value"
	headerValueSize   = ownPrefix + "value.size"
	headerValueSHA256 = ownPrefix + "value.sha256"

	addedHeaders = 25 // all of the above
)

const (
	schema       = 1
	valueOmitted = "omitted"
	noTimestamp  = "-1" // as in Kafka's protocol

	// failedAtLayout is RFC 3339, always in UTC and with milliseconds.
	failedAtLayout = "2006-01-02T15:04:05.000Z07:00"
)

// Limits on the text of one header, in bytes. They keep all added headers together below 8 KiB. Text that was cut ends
// in "…".
const (
	maxTopic   = 249 // Kafka's own limit
	maxGroup   = 255
	maxWord    = 128
	maxField   = 512
	maxMessage = 1024
)

// Encode returns the letter as Kafka stores it, without the place and time that Kafka will give it. The record shares
// the event's bytes.
func (l Letter) Encode() event.Record {
	headers := make([]event.Header, 0, len(l.Headers)+addedHeaders)
	for _, h := range l.Headers {
		if reserved(h.Key) {
			h.Key = keptPrefix + h.Key
		}
		headers = append(headers, h)
	}
	add := func(name, text string) {
		headers = append(headers, event.Header{Key: name, Value: []byte(text)})
	}
	l.addConnect(add)
	l.addOwn(add)
	record := event.Record{Key: l.Key, Value: l.Value, Headers: headers}
	if l.Omitted != nil {
		record.Value = nil
	}
	return record
}

func (l Letter) addConnect(add func(name, text string)) {
	class := "leadhit-sync/leadhit.Client"
	if l.Stage == StageMapping {
		class = "leadhit-sync/mapping.Mapping"
	}
	partition := strconv.Itoa(l.Partition)
	add(connectTopic, clean(l.Topic, maxTopic))
	add(connectPartition, partition)
	add(connectOffset, strconv.FormatInt(l.Offset, 10))
	add(connectName, clean(l.Group, maxGroup))
	add(connectTask, partition) // Connect numbers its tasks, and we number our work by partition
	add(connectStage, clean(l.Stage, maxWord))
	add(connectClass, class)
	add(connectException, clean(l.Cause, maxWord))
	add(connectMessage, l.storedMessage())
}

// addOwn adds our headers. All but the last five are always present, even if empty, because tools show headers as
// columns, and a column should not come and go.
func (l Letter) addOwn(add func(name, text string)) {
	add(headerSchema, strconv.Itoa(schema))
	add(headerID, clean(l.ID(), maxField))
	add(headerOrderID, quoteIfOdd(l.OrderID))
	add(headerStatus, quoteIfOdd(l.Status))
	add(headerFailedAt, l.FailedAt.UTC().Format(failedAtLayout))
	timestamp := noTimestamp
	if !l.Time.IsZero() {
		timestamp = strconv.FormatInt(l.Time.UnixMilli(), 10)
	}
	add(headerTimestamp, timestamp)
	add(headerCode, strconv.Itoa(l.Code))
	add(headerFingerprint, l.Fingerprint())
	add(headerAttempts, strconv.Itoa(l.Attempts))
	add(headerVersion, clean(l.Version, maxWord))
	add(headerReplayCount, strconv.Itoa(l.ReplayCount))
	if l.DecidedBy != "" {
		add(headerDecidedBy, clean(l.DecidedBy, maxField))
	}
	if l.ReplayRun != "" {
		add(headerReplayRun, clean(l.ReplayRun, maxWord))
	}
	if l.Omitted != nil {
		add(headerValue, valueOmitted)
		add(headerValueSize, strconv.Itoa(l.Omitted.Size))
		add(headerValueSHA256, clean(l.Omitted.SHA256, maxWord))
	}
}

// reserved reports whether a name is reserved for the headers that a letter adds. Whole prefixes are reserved, so that
// a later version may add names and still read letters from this one.
func reserved(name string) bool {
	return strings.HasPrefix(name, connectPrefix) || strings.HasPrefix(name, ownPrefix)
}

// clean turns text into one line of valid UTF-8 and cuts it to at most limit bytes.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case turnsText(r):
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return cut(strings.TrimSpace(text), limit)
}

// turnsText reports whether a rune changes the direction of the text around it. A message must not reorder the text on
// a terminal.
func turnsText(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' ||
		r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// cut shortens text to at most limit bytes, and marks shortened text with "…" at its end. It never splits a character.
func cut(text string, limit int) string {
	const mark = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// quoteIfOdd returns an order id or a status as header text, from which [unquoteIfOdd] restores the original. It quotes
// only text that has control characters or invalid UTF-8, or begins with a quotation mark. Such text is rare.
func quoteIfOdd(text string) string {
	text = cut(text, maxField)
	odd := strings.HasPrefix(text, `"`) || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl)
	if odd {
		return strconv.Quote(text)
	}
	return text
}

func unquoteIfOdd(text string) string {
	if !strings.HasPrefix(text, `"`) {
		return text
	}
	if plain, err := strconv.Unquote(text); err == nil {
		return plain
	}
	return text
}
