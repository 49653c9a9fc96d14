package main

import (
	"time"
	"unicode/utf8"

	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

const lettersSchema = "letters.v1"

// letterView is the JSON form of a letter, for scripts. Its member names never change; new ones may be added.
type letterView struct {
	ID        string `json:"id"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	// Item is the item's index, from 0. It is absent if the event names one order, or none.
	Item *int `json:"item,omitempty"`
	// OrderID and Status are "" if the mapping found none.
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	// Stage is mapping or call.
	Stage   string `json:"stage"`
	Cause   string `json:"cause"`
	Message string `json:"message"`
	// Code is LeadHit's JSON-RPC error code or the HTTP status, or 0 if there was neither.
	Code        int    `json:"code"`
	Fingerprint string `json:"fingerprint"`
	// FailedAt is the time of the last failure, by the worker's clock. EventTime is the timestamp of the event's
	// record, or null if JSON cannot express it.
	FailedAt  time.Time  `json:"failed_at"`
	EventTime *time.Time `json:"event_time"`
	// Attempts counts the calls of the delivery or replay that failed last.
	Attempts    int    `json:"attempts"`
	ReplayCount int    `json:"replay_count"`
	ReplayRun   string `json:"replay_run,omitempty"`
	// Group and Version are those of the worker that wrote the letter's newest record.
	Group     string     `json:"group"`
	Version   string     `json:"version"`
	DecidedBy string     `json:"decided_by,omitempty"`
	Value     *valueView `json:"value"` // null if the event has none

	// State follows from the ledger. A letter in any state may be overtaken. A replay of an overtaken letter that is
	// open would end as superseded.
	State         fold.State   `json:"state"`
	Overtaken     bool         `json:"overtaken,omitempty"`
	Newer         string       `json:"newer,omitempty"`   // the newer event, which LeadHit accepted
	Outcome       *outcomeView `json:"outcome,omitempty"` // of the last replay, or of the dismissal
	FirstFailedAt *time.Time   `json:"first_failed_at"`
	ExpiresAt     *time.Time   `json:"expires_at"` // null if never or unknown
}

// outcomeView is the ledger entry that closed a letter, or that ended its replay without a call.
type outcomeView struct {
	Event  ledger.Event `json:"event"`
	At     *time.Time   `json:"at"`
	By     string       `json:"by"`
	Reason string       `json:"reason,omitempty"`
	Note   string       `json:"note,omitempty"`
	Cause  string       `json:"cause,omitempty"`
}

// valueView describes a value, and contains the value on request. The hash identifies the value without showing
// personal data: an operator can compare it with the hash of the shop's own copy. The hash is present even if the value
// was too large for the topic.
type valueView struct {
	Size   int    `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	// Omitted says that the value was too large for the letters' topic. Only the source topic has the value.
	Omitted bool `json:"omitted,omitempty"`
	// Text or Base64 is the value itself. Both are absent unless an operator gave a reason to see the value.
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

// shownView is a letter with the key and headers of its event. A letter in a list has neither, because keys and headers
// would make a list of many letters long, and may contain personal data.
type shownView struct {
	letterView

	Key     *bytesView    `json:"key"` // null if the record has none
	Headers []headerView  `json:"headers"`
	History []historyStep `json:"history,omitempty"`
}

// headerView is one header. Headers form a list, because a JSON object would lose their order, and all but one of
// several headers with the same key (KIP-82).
type headerView struct {
	Key string `json:"key"`
	bytesView
}

// bytesView contains bytes as text or, if they are not text, in Base64. It contains neither for null.
type bytesView struct {
	// Text is set if the bytes are UTF-8, else Base64, because JSON would replace invalid bytes.
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

// letterLine is a letter as one line of JSON.
type letterLine struct {
	Schema string `json:"schema"`
	letterView
}

// json returns {"schema":"letters.v1","letters":[…]}, without keys, headers and values.
func (found foundLetters) json() any {
	views := make([]letterView, len(found.Letters))
	for i, l := range found.Letters {
		views[i] = viewLetter(l)
	}
	return map[string]any{
		"schema": lettersSchema, "letters": views,
		"read": found.Read, "matched": found.Matched, "total": found.Total, "broken": found.Broken,
		"causes": counts(found.Causes), "topics": counts(found.Topics),
	}
}

// counts turns nil into an empty map, because JSON would show null.
func counts(of map[string]int) map[string]int {
	if of == nil {
		return map[string]int{}
	}
	return of
}

// showLetter returns the JSON form of one letter, with the event's key and headers and, only if reveal is set, its
// value. The history is left out if it was not requested.
func showLetter(l shownLetter, reveal bool) shownView {
	v := shownView{letterView: viewLetter(l.Letter.Letter), Headers: []headerView{}, History: l.history}
	switch {
	// The key and the headers are printed without reveal, because they identify the event.
	case !reveal, v.Value == nil:
	case utf8.Valid(l.Event.Value):
		v.Value.Text = string(l.Event.Value)
	default:
		v.Value.Base64 = l.Event.Value
	}
	if l.Event.Key != nil {
		key := viewBytes(l.Event.Key)
		v.Key = &key
	}
	for _, h := range l.Event.Headers {
		v.Headers = append(v.Headers, headerView{h.Key, viewBytes(h.Value)})
	}
	return v
}

// json returns {"schema":"letters.v1","letters":[…]} with this letter alone.
func (l shownLetter) json(reveal bool) any {
	return map[string]any{"schema": lettersSchema, "letters": []shownView{showLetter(l, reveal)}}
}

func viewLetter(l view.Letter) letterView {
	v := letterView{
		ID: l.ID(), Topic: l.Topic, Partition: l.Partition, Offset: l.Offset,
		OrderID: l.OrderID, Status: l.Status,
		Stage: deadletter.StageName(l.Stage), Cause: l.Cause, Message: l.Message, Code: l.Code, Fingerprint: l.Fingerprint(),
		FailedAt: l.FailedAt.UTC(), Attempts: l.Attempts, ReplayCount: l.ReplayCount, ReplayRun: l.ReplayRun,
		Group: l.Group, Version: l.Version, DecidedBy: l.DecidedBy,
		State: l.Ledger.State, Overtaken: l.Ledger.Overtaken, Newer: l.Ledger.Newer,
		FirstFailedAt: jsonTime(l.First), ExpiresAt: jsonTime(l.Expires),
	}
	if l.Item >= 0 {
		v.Item = &l.Item
	}
	v.EventTime = jsonTime(l.Time)
	if digest := l.Digest(); digest != nil {
		v.Value = &valueView{Size: digest.Size, SHA256: digest.SHA256, Omitted: l.Omitted != nil}
	}
	if is := l.Outcome; is.Event != "" {
		v.Outcome = &outcomeView{is.Event, jsonTime(is.At), is.By, is.Reason, is.Note, is.Cause}
	}
	return v
}

// jsonTime returns nil for the zero time, and for a year that JSON cannot express. A year beyond 9999 results if a
// producer counts time in a unit other than milliseconds.
func jsonTime(t time.Time) *time.Time {
	if t = t.UTC(); t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	return &t
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
