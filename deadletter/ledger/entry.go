package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// Topic returns the name of the ledger that belongs to a letters' topic.
func Topic(letters string) string { return letters + ".ledger" }

// Event says what an entry is about.
type Event string

// The events of the guard.
const (
	GuardPause  Event = "guard.pause"
	GuardResume Event = "guard.resume"
)

const (
	version  = 1
	guardKey = "guard"

	// What an entry of the guard may hold, in bytes and in number: more than any of ours needs.
	maxName         = 256
	maxReason       = 1024
	maxFingerprints = 256
)

// Entry is one entry.
type Entry struct {
	Event Event
	// Group is the consumer group whose workers follow the entry; "" is every group that has this ledger. 256 bytes.
	Group string
	At    time.Time // UTC, whole milliseconds
	// By is who wrote it, a person or a worker; Via says by which way: "cli" or "worker". 256 bytes each.
	By, Via string
	Reason  string // 1 KiB
	// Build and Fingerprints are a flood guard's: what wrote the letters, 256 bytes, and how these are grouped by cause, code and kind of message, 256 at most.
	Build        string
	Fingerprints []string
}

// ErrTooLong is for a text that does not fit into an entry.
var ErrTooLong = errors.New("too long")

// Guard says whether the entry is a pause or a resume.
func (e Entry) Guard() bool { return e.Event == GuardPause || e.Event == GuardResume }

// For says whether the workers of a group follow the entry.
func (e Entry) For(group string) bool { return e.Group == "" || e.Group == group }

// form is an entry as JSON.
type form struct {
	Version      int       `json:"v"`
	Event        Event     `json:"ev"`
	Group        string    `json:"group,omitempty"`
	At           time.Time `json:"at,omitzero"`
	By           string    `json:"by,omitempty"`
	Via          string    `json:"via,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Build        string    `json:"build,omitempty"`
	Fingerprints []string  `json:"fingerprints,omitempty"`
}

// Record returns an entry of the guard as it is stored. An error, perhaps [ErrTooLong], says what Parse would not take.
func (e Entry) Record() (key, value []byte, err error) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if err := e.check(); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false) // people read it in Kafka's tools
	if err := to.Encode(form{version, e.Event, e.Group, e.At, e.By, e.Via, e.Reason, e.Build, e.Fingerprints}); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	return []byte(guardKey), bytes.TrimSpace(text.Bytes()), nil
}

// Parse reads a stored value.
func Parse(value []byte) (Entry, error) {
	var f struct {
		Version int   `json:"v"`
		Event   Event `json:"ev"`
	}
	if err := json.Unmarshal(value, &f); err != nil {
		return Entry{}, fmt.Errorf("no ledger entry: %w", err)
	}
	e := Entry{Event: f.Event}
	switch {
	case f.Event == "":
		return Entry{}, errors.New("no ledger entry: it has no ev")
	case !e.Guard():
		return e, nil
	case f.Version != version:
		return Entry{}, fmt.Errorf("ledger entry %s of version %d: only %d is known", f.Event, f.Version, version)
	}
	var all form
	if err := json.Unmarshal(value, &all); err != nil {
		return Entry{}, fmt.Errorf("ledger entry %s: %w", f.Event, err)
	}
	e = Entry{all.Event, all.Group, all.At.UTC(), all.By, all.Via, all.Reason, all.Build, all.Fingerprints}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	return e, nil
}

// check says what is wrong with an entry of the guard. It is shown in logs and on terminals, so it holds plain text.
func (e Entry) check() error {
	switch {
	case !e.Guard():
		return errors.New("not an entry of the guard")
	case e.At.IsZero():
		return errors.New("it has no at")
	case e.At.UTC().Year() < 0 || e.At.UTC().Year() > 9999:
		// At the ends of the calendar another zone may lie beyond the four digits of a year, and JSON has no word for that.
		return errors.New("its at is no year of four digits")
	case e.By == "":
		return errors.New("it has no by")
	case len(e.Fingerprints) > maxFingerprints:
		return fmt.Errorf("fingerprints: %w: %d of at most %d", ErrTooLong, len(e.Fingerprints), maxFingerprints)
	}
	err := errors.Join(
		text("group", e.Group, maxName), text("by", e.By, maxName), text("via", e.Via, maxName), text("reason", e.Reason, maxReason), text("build", e.Build, maxName))
	for _, p := range e.Fingerprints {
		err = errors.Join(err, text("fingerprint", p, maxName))
	}
	return err
}

func text(name, value string, most int) error {
	if len(value) > most {
		return fmt.Errorf("%s: %w: %d of at most %d bytes", name, ErrTooLong, len(value), most)
	}
	for _, r := range value {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return fmt.Errorf("%s: it holds %U, want text that can be printed", name, r)
		}
	}
	return nil
}
