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

// The events that package guard follows.
const (
	GuardPause  Event = "guard.pause"  // the workers of the group pause
	GuardResume Event = "guard.resume" // all earlier pauses end
)

// The events about one letter, which package fold follows. An operator writes the first three; a worker writes the
// rest.
const (
	LetterReplay     Event = "replay"     // call LeadHit again, as the letter's N-th replay
	LetterDismissed  Event = "dismissed"  // an operator closed the letter
	LetterReopened   Event = "reopened"   // a closed letter is open again
	LetterResolved   Event = "resolved"   // LeadHit accepted the call, or none is needed any more
	LetterSuperseded Event = "superseded" // LeadHit accepted a newer event of the order, so the replay was dropped
	LetterFailed     Event = "failed"     // the replay ended without a call; Cause says why
	LetterOvertaken  Event = "overtaken"  // LeadHit accepted a newer event of the order, so a replay needs Force
)

// The events that only people read.
const (
	LetterRevealed Event = "revealed" // an operator looked at a letter's value
	RunStart       Event = "run.start"
	RunStop        Event = "run.stop"
)

// The kinds of pause, as [Entry.Kind] returns them. They appear as metric label values, and in status and JSON output.
const (
	ByHand = "by hand" // written by an operator
	Flood  = "flood"   // written by the flood guard of a worker
)

const (
	version  = 1
	guardKey = "guard" // the record key of all entries that the guard follows
	runKey   = "run:"  // precedes the run's name in the record key of the run's start and end

	// Limits on one entry, in bytes except for maxCount and maxFingerprints. Our own entries need far less; the limits
	// keep a foreign entry from filling a terminal or the memory of all workers.
	maxName         = 256
	maxOrder        = 512
	maxCount        = 1 << 30
	maxReason       = 1024
	maxFingerprints = 256
)

// Entry is one entry in the ledger. If its event is unknown, only Event is set.
type Entry struct {
	Event Event
	// Group is the consumer group whose workers follow the entry, at most 256 bytes; "" addresses every group that
	// shares this ledger.
	Group string
	At    time.Time // UTC, whole milliseconds
	// By is the person or the worker that wrote the entry. Via is the program that was used, such as "cli" or
	// "worker". Each has at most 256 bytes.
	By, Via string
	Reason  string // at most 1 KiB
	// Only the flood guard sets Build and Fingerprints. Build names the version and mapping of the worker that wrote
	// the letters, in at most 256 bytes. Fingerprints group these letters by cause, code and kind of message; there are
	// at most 256.
	Build        string
	Fingerprints []string

	// ID is the id of the letter that the entry is about, as in the letter's dlq.id header. N is the number of replays
	// that the writer had seen; in a replay, it is that replay's own number. Order is the letter's order, at most 512
	// bytes; it is for human readers.
	ID    string
	N     int
	Order string
	// Letter and Force apply to a replay. Letter is the letter's offset in the letters' topic. Force says that the
	// replay is sent even if LeadHit accepted a newer event of the order.
	Letter int64
	Force  bool
	// A worker sets Note, Newer and Cause. Note says why a resolved letter needs no call. Newer is the id of the event
	// that LeadHit accepted instead. Cause says why a replay ended without a call. Note and Cause have at most 256
	// bytes.
	Note, Newer, Cause string
	// Run names the run that the entry belongs to. In the entry that starts a run, Filter and Count say what was
	// requested. Why says how the run ended. Run and Why have at most 256 bytes, Filter has at most 1 KiB.
	Run, Filter, Why string
	Count            int
}

// ErrTooLong reports an entry with a field, such as its list of fingerprints, that exceeds its limit.
var ErrTooLong = errors.New("too long")

// guard reports whether the entry is a pause or a resume.
func (e Entry) guard() bool { return e.Event == GuardPause || e.Event == GuardResume }

// letter reports whether the entry is about one letter.
func (e Entry) letter() bool {
	switch e.Event {
	case LetterReplay, LetterDismissed, LetterReopened, LetterResolved, LetterSuperseded, LetterFailed, LetterOvertaken,
		LetterRevealed:
		return true
	default:
		return false
	}
}

func (e Entry) run() bool { return e.Event == RunStart || e.Event == RunStop }

// For reports whether this release knows the entry's event and the entry addresses the group.
func (e Entry) For(group string) bool {
	return (e.guard() || e.letter() || e.run()) && (e.Group == "" || e.Group == group)
}

// Kind returns the kind of a pause: ByHand or Flood.
func (e Entry) Kind() string {
	if len(e.Fingerprints) > 0 {
		return Flood
	}
	return ByHand
}

// form is an entry as JSON. The JSON names are an interface, because other releases read them.
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
	ID           string    `json:"id,omitempty"`
	N            *int      `json:"n,omitempty"` // present, even if zero, in entries about a letter
	Order        string    `json:"order,omitempty"`
	Letter       *int64    `json:"letter,omitempty"` // present, even if zero, in a replay
	Force        bool      `json:"force,omitempty"`
	Note         string    `json:"note,omitempty"`
	Newer        string    `json:"newer,omitempty"`
	Cause        string    `json:"cause,omitempty"`
	Run          string    `json:"run,omitempty"`
	Filter       string    `json:"filter,omitempty"`
	Why          string    `json:"why,omitempty"`
	Count        int       `json:"count,omitempty"`
}

// form returns the entry as it is stored.
func (e Entry) form() form {
	f := form{
		version, e.Event, e.Group, e.At, e.By, e.Via, e.Reason, e.Build, e.Fingerprints, e.ID, nil, e.Order, nil, e.Force,
		e.Note, e.Newer, e.Cause, e.Run, e.Filter, e.Why, e.Count,
	}
	if e.letter() {
		f.N = &e.N
	}
	if e.Event == LetterReplay {
		f.Letter = &e.Letter
	}
	return f
}

// entry returns the entry that the stored form represents.
func (f form) entry() Entry {
	e := Entry{
		f.Event, f.Group, f.At.UTC(), f.By, f.Via, f.Reason, f.Build, f.Fingerprints, f.ID, 0, f.Order, 0, f.Force, f.Note,
		f.Newer, f.Cause, f.Run, f.Filter, f.Why, f.Count,
	}
	if f.N != nil {
		e.N = *f.N
	}
	if f.Letter != nil {
		e.Letter = *f.Letter
	}
	return e
}

// key returns the record's key. In Kafka's tools, the key shows which entries belong together.
func (e Entry) key() string {
	switch {
	case e.letter():
		return e.ID
	case e.run():
		return runKey + e.Run
	default:
		return guardKey
	}
}

// Record returns an entry's key and value as Kafka stores them. It refuses an entry that Parse would refuse; the error
// may wrap [ErrTooLong].
func (e Entry) Record() (key, value []byte, err error) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if err := e.check(); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false) // people read it in Kafka's tools
	if err := to.Encode(e.form()); err != nil {
		return nil, nil, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	return []byte(e.key()), bytes.TrimSpace(text.Bytes()), nil
}

// Parse reads a stored value. An entry whose event this release does not know is not an error. A malformed entry with a
// known event is an error, and readers skip it.
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
		return Entry{}, errors.New(`not a ledger entry: "ev" is missing`)
	case !e.For(""):
		return e, nil
	case f.Version != version:
		return Entry{}, fmt.Errorf("ledger entry %s: got version %d, want %d", f.Event, f.Version, version)
	}
	var all form
	if err := json.Unmarshal(value, &all); err != nil {
		return Entry{}, fmt.Errorf("ledger entry %s: %w", f.Event, err)
	}
	e = all.entry()
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("ledger entry %s: %w", e.Event, err)
	}
	return e, nil
}

// check reports what is wrong with an entry of a known event. Logs and terminals show the strings of an entry, so these
// strings must be printable.
func (e Entry) check() error {
	switch {
	case !e.guard() && !e.letter() && !e.run():
		return errors.New("unknown event")
	case e.At.IsZero():
		return errors.New(`"at" is missing`)
	case e.At.UTC().Year() < 0 || e.At.UTC().Year() > 9999:
		// Years in RFC 3339 have four digits. A time in another zone may have a year in UTC that does not.
		return errors.New(`the year in "at" does not have four digits`)
	case e.By == "":
		return errors.New(`"by" is missing`)
	case len(e.Fingerprints) > maxFingerprints:
		return fmt.Errorf("fingerprints: list %w: got %d, want at most %d", ErrTooLong, len(e.Fingerprints), maxFingerprints)
	case e.run() && e.Run == "":
		return errors.New(`"run" is missing`)
	case e.Count < 0:
		return errors.New(`"count" is negative`)
	}
	err := errors.Join(e.checkLetter(), e.checkTexts())
	for _, p := range e.Fingerprints {
		err = errors.Join(err, text("fingerprint", p, maxName))
	}
	return err
}

// checkLetter reports what is wrong with an entry about a letter.
func (e Entry) checkLetter() error {
	if !e.letter() {
		return nil
	}
	least := 0
	if e.Event == LetterReplay {
		least = 1 // replays are counted from 1
	}
	switch _, err := ParseID(e.ID); {
	case err != nil:
		return err
	case e.N < least || e.N > maxCount:
		return fmt.Errorf(`"n" is %d, want %d to %d`, e.N, least, maxCount)
	case e.Letter < 0:
		return errors.New(`"letter" is negative`)
	}
	return nil
}

func (e Entry) checkTexts() error {
	return errors.Join(
		text("group", e.Group, maxName), text("by", e.By, maxName), text("via", e.Via, maxName),
		text("reason", e.Reason, maxReason), text("build", e.Build, maxName), text("id", e.ID, maxID),
		text("order", e.Order, maxOrder), text("note", e.Note, maxName), text("newer", e.Newer, maxID),
		text("cause", e.Cause, maxName), text("run", e.Run, maxName), text("filter", e.Filter, maxReason),
		text("why", e.Why, maxName))
}

// text returns an error for a value that exceeds its limit in bytes, or could change how a terminal shows the rest of a
// line.
func text(name, value string, limit int) error {
	if len(value) > limit {
		return fmt.Errorf("%s: %w: got %d bytes, want at most %d", name, ErrTooLong, len(value), limit)
	}
	for _, r := range value {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return fmt.Errorf("%s: contains %U; only printable text is allowed", name, r)
		}
	}
	return nil
}
