package main

import (
	"io"
	"time"
	"unicode/utf8"

	"leadhit-sync/deadletter"
)

const lettersSchema = "letters.v1"

// letterView is the JSON form of a letter, for scripts. Its names never change; new ones may be added.
type letterView struct {
	ID          string     `json:"id"`
	Topic       string     `json:"topic"`
	Partition   int        `json:"partition"`
	Offset      int64      `json:"offset"`
	Item        *int       `json:"item,omitempty"`
	OrderID     string     `json:"order_id"`
	Status      string     `json:"status"`
	Stage       string     `json:"stage"`
	Cause       string     `json:"cause"`
	Message     string     `json:"message"`
	Code        int        `json:"code"`
	Fingerprint string     `json:"fingerprint"`
	FailedAt    time.Time  `json:"failed_at"`
	EventTime   *time.Time `json:"event_time"`
	Attempts    int        `json:"attempts"`
	ReplayCount int        `json:"replay_count"`
	ReplayRun   string     `json:"replay_run,omitempty"`
	Group       string     `json:"group"`
	Version     string     `json:"version"`
	DecidedBy   string     `json:"decided_by,omitempty"`
	Value       *valueView `json:"value"`
}

// valueView describes a value, and holds it on request. The hash identifies a value without showing personal data. It
// is there even if the value was too large for the topic. An operator can compare it with the hash of an event that the
// shop has, without opening either.
type valueView struct {
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
	Omitted bool   `json:"omitted,omitempty"`
	Text    string `json:"text,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

// shownView is a letter with the key and headers of its event. A letter in a list has neither: they would make a list
// of many letters long, and may contain personal data.
type shownView struct {
	letterView

	Key     *bytesView   `json:"key"` // null where the record has none
	Headers []headerView `json:"headers"`
}

// headerView keeps the order and the repeats of headers, which a JSON object could not: Kafka allows both (KIP-82).
type headerView struct {
	Key string `json:"key"`
	bytesView
}

// bytesView holds bytes as text or, if they are not text, in Base64. It holds neither for null.
type bytesView struct {
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

// printLettersJSON writes {"schema":"letters.v1","letters":[…]}, without keys, headers and values.
func printLettersJSON(w io.Writer, found deadletter.Listing) error {
	views := make([]letterView, len(found.Letters))
	for i, l := range found.Letters {
		views[i] = viewLetter(l)
	}
	return printJSON(w, map[string]any{
		"schema": lettersSchema, "letters": views,
		"read": found.Read, "matched": found.Matched, "total": found.Total, "broken": found.Broken,
		"causes": counts(found.Causes), "topics": counts(found.Topics),
	}, "  ")
}

// counts is never null in JSON.
func counts(of map[string]int) map[string]int {
	if of == nil {
		return map[string]int{}
	}
	return of
}

// printLetterJSON writes one letter in the same form, with the event's key and headers and, only if reveal is set, its
// value.
func printLetterJSON(w io.Writer, l deadletter.Letter, reveal bool) error {
	v := shownView{letterView: viewLetter(l), Headers: []headerView{}}
	switch {
	// The key and the headers are printed without reveal, because they tell which event it is.
	case !reveal, v.Value == nil:
	case utf8.Valid(l.Value):
		v.Value.Text = string(l.Value)
	default:
		v.Value.Base64 = l.Value
	}
	if l.Key != nil {
		key := viewBytes(l.Key)
		v.Key = &key
	}
	for _, h := range l.Headers {
		v.Headers = append(v.Headers, headerView{h.Key, viewBytes(h.Value)})
	}
	return printJSON(w, map[string]any{"schema": lettersSchema, "letters": []shownView{v}}, "  ")
}

func viewLetter(l deadletter.Letter) letterView {
	v := letterView{
		ID: l.ID(), Topic: l.Topic, Partition: l.Partition, Offset: l.Offset,
		OrderID: l.OrderID, Status: l.Status,
		Stage: stageWord(l.Stage), Cause: l.Cause, Message: l.Message, Code: l.Code, Fingerprint: l.Fingerprint(),
		FailedAt: l.FailedAt.UTC(), Attempts: l.Attempts, ReplayCount: l.ReplayCount, ReplayRun: l.ReplayRun,
		Group: l.Group, Version: l.Version, DecidedBy: l.DecidedBy,
	}
	if l.Item >= 0 {
		v.Item = &l.Item
	}
	// JSON cannot express a year beyond 9999, which results if a producer counts in another unit than milliseconds.
	if t := l.Time.UTC(); !t.IsZero() && t.Year() >= 0 && t.Year() <= 9999 {
		v.EventTime = &t
	}
	if digest := l.Digest(); digest != nil {
		v.Value = &valueView{Size: digest.Size, SHA256: digest.SHA256, Omitted: l.Omitted != nil}
	}
	return v
}

// viewBytes distinguishes null from empty, because producers do: Text is nil for null, and points to "" for empty.
func viewBytes(b []byte) bytesView {
	switch text := string(b); {
	case b == nil:
		return bytesView{}
	case utf8.ValidString(text):
		return bytesView{Text: &text}
	}
	return bytesView{Base64: b}
}
