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

// The events that the [Guard] follows.
const (
	GuardPause  Event = "guard.pause"  // the workers of the group pause
	GuardResume Event = "guard.resume" // the pauses before it end
)

// The kinds of pause, as [Entry.Kind] returns them. They are labels of metrics and values in status and JSON output.
const (
	ByHand = "by hand" // written by an operator
	Flood  = "flood"   // written by the flood guard of a worker
)

const (
	version  = 1
	guardKey = "guard" // the record key of all events that the guard follows

	// Limits of one entry, in bytes and in number. Ours need far less; the limits keep a foreign entry from filling a
	// terminal or the memory of all workers.
	maxName         = 256
	maxReason       = 1024
	maxFingerprints = 256
)

// Entry is one entry of the ledger: a pause or a resume. Of an entry about another event only Event is read.
type Entry struct {
	Event Event
	// Group is the consumer group whose workers follow the entry, at most 256 bytes; "" addresses every group that
	// shares this ledger.
	Group string
	At    time.Time // UTC, whole milliseconds
	// By is the person or the worker that wrote the entry. Via is the program that it came through: "cli" or
	// "worker". At most 256 bytes each.
	By, Via string
	Reason  string // at most 1 KiB
	// Build and Fingerprints are set by the flood guard alone. Build names the version and mapping that wrote the
	// letters, in at most 256 bytes. Fingerprints group these letters by cause, code and kind of message; there are
	// at most 256.
	Build        string
	Fingerprints []string
}

// ErrTooLong reports a text that exceeds its limit in an entry.
var ErrTooLong = errors.New("too long")

// guard reports whether the entry is a pause or a resume.
func (e Entry) guard() bool { return e.Event == GuardPause || e.Event == GuardResume }

// For reports whether the workers of a group follow the entry: it is a pause or a resume, and addresses their group.
func (e Entry) For(group string) bool { return e.guard() && (e.Group == "" || e.Group == group) }

// Kind returns the kind of a pause: ByHand or Flood.
func (e Entry) Kind() string {
	if len(e.Fingerprints) > 0 {
		return Flood
	}
	return ByHand
}

// form is an entry as JSON. Its names are an interface: other releases read them.
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

// Record returns the key and the value of a pause or a resume as it is stored. It refuses an entry that Parse would
// refuse; the error may wrap [ErrTooLong].
func (e Entry) Record() (key, value []byte, err error) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if err := e.check(); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false) // people read it in Kafka's tools
	stored := form{version, e.Event, e.Group, e.At, e.By, e.Via, e.Reason, e.Build, e.Fingerprints}
	if err := to.Encode(stored); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	return []byte(guardKey), bytes.TrimSpace(text.Bytes()), nil
}

// Parse reads a stored value. An entry about an event that this release does not know is no error. A pause or resume
// that cannot be followed is one: readers skip it.
func Parse(value []byte) (Entry, error) {
	var f struct {
		Version int   `json:"v"`
		Event   Event `json:"ev"`
	}
	if err := json.Unmarshal(value, &f); err != nil {
		return Entry{}, fmt.Errorf("not a ledger entry: %w", err)
	}
	e := Entry{Event: f.Event}
	switch {
	case f.Event == "":
		return Entry{}, errors.New("not a ledger entry: ev is missing")
	case !e.guard():
		return e, nil
	case f.Version != version:
		return Entry{}, fmt.Errorf("ledger entry %s: version %d is not %d", f.Event, f.Version, version)
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

// check reports what is wrong with a pause or a resume. Logs and terminals show its texts, so these must be printable.
func (e Entry) check() error {
	switch {
	case !e.guard():
		return errors.New("neither a pause nor a resume")
	case e.At.IsZero():
		return errors.New("at is missing")
	case e.At.UTC().Year() < 0 || e.At.UTC().Year() > 9999:
		// RFC 3339 has four digits for the year. A time in another zone may leave this range in UTC.
		return errors.New("at is not a year of four digits")
	case e.By == "":
		return errors.New("by is missing")
	case len(e.Fingerprints) > maxFingerprints:
		return fmt.Errorf("fingerprints: %w: %d of at most %d", ErrTooLong, len(e.Fingerprints), maxFingerprints)
	}
	err := errors.Join(text("group", e.Group, maxName), text("by", e.By, maxName), text("via", e.Via, maxName),
		text("reason", e.Reason, maxReason), text("build", e.Build, maxName))
	for _, p := range e.Fingerprints {
		err = errors.Join(err, text("fingerprint", p, maxName))
	}
	return err
}

// text reports a value that exceeds its limit in bytes, or could change how a terminal shows the rest of a line.
func text(name, value string, limit int) error {
	if len(value) > limit {
		return fmt.Errorf("%s: %w: %d of at most %d bytes", name, ErrTooLong, len(value), limit)
	}
	for _, r := range value {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return fmt.Errorf("%s: contains %U; only printable text is allowed", name, r)
		}
	}
	return nil
}
