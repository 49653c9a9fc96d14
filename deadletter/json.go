package deadletter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const listSchema = "letters.v1"

// letterView is a letter as scripts see it. Names stay; new ones may come.
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

// shownView is a letter with its event: the record's key and headers too.
type shownView struct {
	letterView

	Key     *bytesView   `json:"key"` // null where the record has none
	Headers []headerView `json:"headers"`
}

type headerView struct {
	Key string `json:"key"`
	bytesView
}

// bytesView shows bytes as text or, where they are none, in Base64. Of null both are absent.
type bytesView struct {
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

// ListJSON writes the listing as one JSON object, {"schema":"letters.v1","letters":[…]}, without keys, headers and values.
func (p Printer) ListJSON(w io.Writer, found Listing) error {
	views := make([]letterView, len(found.Letters))
	for i, l := range found.Letters {
		views[i] = view(l)
	}
	return writeJSON(w, map[string]any{
		"schema": listSchema, "letters": views,
		"read": found.Read, "matched": found.Matched, "total": found.Total, "broken": found.Broken,
		"causes": counts(found.Causes), "topics": counts(found.Topics),
	})
}

// counts is never null in JSON.
func counts(of map[string]int) map[string]int {
	if of == nil {
		return map[string]int{}
	}
	return of
}

// ShowJSON writes one letter in the same form, with the event's key and headers, and with its value if Reveal says so.
func (p Printer) ShowJSON(w io.Writer, l Letter) error {
	v := shownView{letterView: view(l), Headers: []headerView{}}
	if l.Key != nil {
		key := viewBytes(l.Key)
		v.Key = &key
	}
	for _, h := range l.Headers {
		v.Headers = append(v.Headers, headerView{h.Key, viewBytes(h.Value)})
	}
	if p.Reveal && v.Value != nil {
		if utf8.Valid(l.Value) {
			v.Value.Text = string(l.Value)
		} else {
			v.Value.Base64 = l.Value
		}
	}
	return writeJSON(w, map[string]any{"schema": listSchema, "letters": []shownView{v}})
}

func view(l Letter) letterView {
	v := letterView{
		ID: l.ID(), Topic: l.Topic, Partition: l.Partition, Offset: l.Offset,
		OrderID: l.OrderID, Status: l.Status,
		Stage: l.Stage.word(), Cause: l.Cause, Message: l.Message, Code: l.Code, Fingerprint: l.Fingerprint(),
		FailedAt: l.FailedAt.UTC(), Attempts: l.Attempts, ReplayCount: l.ReplayCount, ReplayRun: l.ReplayRun,
		Group: l.Group, Version: l.Version, DecidedBy: l.DecidedBy, Value: describe(l),
	}
	if l.Item >= 0 {
		v.Item = &l.Item
	}
	// JSON has no word for a year beyond 9999, and a producer may have counted in another unit than milliseconds.
	if t := l.Time.UTC(); !t.IsZero() && t.Year() >= 0 && t.Year() <= 9999 {
		v.EventTime = &t
	}
	return v
}

func viewBytes(b []byte) bytesView {
	switch text := string(b); {
	case b == nil:
		return bytesView{}
	case utf8.ValidString(text):
		return bytesView{Text: &text}
	}
	return bytesView{Base64: b}
}

// writeJSON writes v with an escape for each rune that a terminal would obey or not show. Such runes stand within
// strings only, where an escape means the same.
func writeJSON(w io.Writer, v any) error {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // for people and jq, not for a page
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	var out bytes.Buffer
	for _, r := range plain.String() {
		if unicode.IsPrint(r) || r == '\n' {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
