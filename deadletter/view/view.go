package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// View is what one reader has read of the letters' topic and the ledger. One goroutine at a time may use it.
type View struct {
	// Retention is how long the letters' topic keeps a record; 0 means for ever, or unknown.
	Retention time.Duration
	// Read counts the records in the letters' topic. Malformed counts those that are not letters or cannot be read.
	// MalformedEntries counts the records in the ledger that cannot be followed.
	Read, Malformed, MalformedEntries int

	own     string
	headers []string // names of the headers that filters may ask for
	groups  map[string]*group
	toAll   []ledger.Entry // entries without a group, for groups that appear later
	runs    []*run         // oldest first
	byName  map[string]*run
	texts   map[texts]*shared
	orders  map[string]int32 // a number for each order, from 1, because numbers are cheap to count
}

// Letter is a letter as it is now.
type Letter struct {
	// Letter is the letter's newest record, without the event's key, headers and value. FailedAt is the record's time
	// if no header has it.
	deadletter.Letter

	// Ledger is the letter's state. Its Known is false for a letter that has expired. Of such a letter, only the id,
	// Ledger and Outcome are set.
	Ledger fold.Status
	// Outcome is the last entry that closed the letter, or ended its replay without a call. Its Event is empty if there
	// is no such entry, or if the letter has been reopened or replayed since.
	Outcome Outcome
	// First is when the letter first failed. FailedAt is later if a replay failed again.
	First time.Time
	// Written is the time of the record in the letters' topic. Expires is when Kafka may delete the record; zero if
	// Kafka never does, or if View.Retention is unknown.
	Written, Expires time.Time
	// Place is the newest record's partition and offset in the letters' topic.
	Place event.Place
	// Records counts the letter's records. A letter that failed again has several, and so does one that was stored
	// twice.
	Records int
}

// Outcome is an entry that closed a letter, or ended its replay without a call.
type Outcome struct {
	Event ledger.Event // LetterResolved, LetterSuperseded, LetterDismissed or LetterFailed
	At    time.Time
	// By is the writer of the entry. A person sets Reason; a worker sets Note and Cause.
	By, Reason, Note, Cause string
}

// group is what the topics say about the letters of one consumer group.
type group struct {
	fold    fold.Fold
	letters map[ledger.ID]*kept
	all     []*kept            // the same letters, because visiting them in a map is many times slower
	lost    map[ledger.ID]bool // ids that an entry named before the letter was read; the letter may have expired
	ended   map[ledger.ID]Outcome
	replays map[ledger.ID][]*replay
}

// kept is a letter in compact form. A reader keeps hundreds of thousands in memory.
type kept struct {
	*shared

	order   string
	headers *[]string // values, by index in View.headers; nil if the letter has none of them
	// Times in milliseconds, noTime for none.
	first, failed, event, written int64
	at                            int64 // offset in the letters' topic
	offset                        int64 // of the event
	source, item                  int32 // the event's partition, and the letter's item
	number                        int32 // of the order in View.orders; 0 if it is unknown
	partition                     int32 // of the letters' topic
	attempts, count, records      int32
	size                          int               // of the value
	sum                           [sha256.Size]byte // of the value
	value                         hasValue
	// The next four fields are copied from the fold, because a reader that visits every letter must not look each one
	// up there. state is an index in fold.States; n is the number of replays that counted.
	state     uint8
	overtaken bool
	n         int32
	key       uint64
}

func (k *kept) id() ledger.ID {
	return ledger.ID{Topic: k.topic, Partition: int(k.source), Offset: k.offset, Item: int(k.item)}
}

func stateNumber(s fold.State) uint8 { return uint8(max(0, slices.Index(fold.States(), s))) }

type hasValue uint8

const (
	valueNone hasValue = iota
	valueStored
	valueOmitted
)

// texts holds what many letters have in common.
type texts struct {
	topic, group, status, stage, cause, message, decidedBy, version, run string
	code                                                                 int
	// order is set only if the message contains it, because only in that case does the fingerprint depend on it.
	order string
}

type shared struct {
	texts

	fingerprint string
}

// New returns an empty View of a group. Filters may ask for the event's headers only by the given names; other headers
// are dropped to save memory.
func New(own string, headers ...string) *View {
	v := &View{
		own: own, headers: headers, groups: map[string]*group{}, byName: map[string]*run{}, texts: map[texts]*shared{},
		orders: map[string]int32{},
	}
	v.group(own)
	return v
}

func (v *View) group(name string) *group {
	g := v.groups[name]
	if g == nil {
		g = &group{
			letters: map[ledger.ID]*kept{}, lost: map[ledger.ID]bool{},
			ended: map[ledger.ID]Outcome{}, replays: map[ledger.ID][]*replay{},
		}
		v.groups[name] = g
		for _, e := range v.toAll {
			v.follow(g, e)
		}
	}
	return g
}

// Letter takes the next record from the letters' topic. It returns the letter, for callers that show it.
func (v *View) Letter(r event.Record) (deadletter.Letter, error) {
	v.Read++
	l, err := deadletter.Parse(r)
	if err != nil { // another program's record, or a letter from a later release
		v.Malformed++
		return deadletter.Letter{}, err
	}
	if l.FailedAt.IsZero() {
		l.FailedAt = r.Time
	}
	texts := v.share(l)
	id := ledger.ID{Topic: texts.topic, Partition: l.Partition, Offset: l.Offset, Item: l.Item}
	g := v.group(cmp.Or(l.Group, v.own))
	k := g.letters[id]
	failed := millis(l.FailedAt)
	if k == nil {
		k = &kept{
			shared: texts, offset: l.Offset, source: int32(l.Partition), item: int32(l.Item), first: failed, count: -1,
		}
		g.letters[id], g.all = k, append(g.all, k)
	}
	k.first = min(k.first, failed)
	k.records++
	// As in the Fold, the record with the highest count is valid, and the last one if several have that count.
	if l.ReplayCount > int(k.count) || l.ReplayCount == int(k.count) && r.Offset >= k.at {
		k.shared = texts
		v.keep(k, l, r)
	}
	g.fold.Add(fold.Letter{
		ID: id, Order: k.order, Key: fold.KeyHash(l.Key), Count: l.ReplayCount, Offset: r.Offset,
	})
	g.restate(id)
	return l, nil
}

// keep stores what a list or a filter needs, in a fixed size as far as possible, because a view holds 200,000 letters
// or more. The value itself stays in Kafka; its size and hash distinguish two values.
func (v *View) keep(k *kept, l deadletter.Letter, r event.Record) {
	if l.OrderID != k.order {
		k.order, k.number = l.OrderID, v.number(l.OrderID)
	}
	k.failed, k.event, k.written = millis(l.FailedAt), millis(l.Time), millis(r.Time)
	k.at, k.partition = r.Offset, int32(r.Partition)
	k.attempts, k.count = int32(l.Attempts), int32(l.ReplayCount)
	k.value, k.headers = valueNone, v.named(l.Headers)
	switch {
	case l.Omitted != nil:
		k.value, k.size, k.sum = valueOmitted, l.Omitted.Size, [sha256.Size]byte{}
		if len(l.Omitted.SHA256) == hex.EncodedLen(len(k.sum)) { // Decode panics if a foreign hash is too long
			_, _ = hex.Decode(k.sum[:], []byte(l.Omitted.SHA256))
		}
	case l.Value != nil:
		k.value, k.size, k.sum = valueStored, len(l.Value), sha256.Sum256(l.Value)
	}
}

// number returns the number of an order, and assigns one to a new order.
func (v *View) number(order string) int32 {
	n := v.orders[order]
	if n == 0 && order != "" {
		n = int32(len(v.orders)) + 1
		v.orders[order] = n
	}
	return n
}

// share returns the letter's strings. All letters with the same strings share one copy.
func (v *View) share(l deadletter.Letter) *shared {
	t := texts{
		l.Topic, l.Group, l.Status, l.Stage, l.Cause, l.Message, l.DecidedBy, l.Version, l.ReplayRun, l.Code, "",
	}
	if l.OrderID != "" && strings.Contains(l.Message, l.OrderID) {
		t.order = l.OrderID
	}
	s := v.texts[t]
	if s == nil {
		s = &shared{t, l.Fingerprint()}
		v.texts[t] = s
	}
	return s
}

// named returns the values of the headers that filters may ask for, taking the last value for each name.
func (v *View) named(headers []event.Header) *[]string {
	var values []string
	for i, name := range v.headers {
		for _, h := range slices.Backward(headers) {
			if h.Key != name {
				continue
			}
			if values == nil {
				values = make([]string, len(v.headers))
			}
			values[i] = string(h.Value)
			break
		}
	}
	if values == nil {
		return nil
	}
	return &values
}

// Entry takes the next record from the ledger. It returns the entry, and whether it changed the state of a letter. The
// Event is empty if the entry is malformed or no group follows it.
func (v *View) Entry(r event.Record) (e ledger.Entry, counted bool) {
	e, err := ledger.Parse(r.Value)
	if err != nil {
		v.MalformedEntries++
		return ledger.Entry{}, false
	}
	if !e.For(e.Group) {
		return ledger.Entry{}, false
	}
	if e.Event == ledger.RunStart || e.Event == ledger.RunStop {
		v.frame(e)
		return e, false
	}
	if e.Group != "" {
		return e, v.follow(v.group(e.Group), e)
	}
	v.toAll = append(v.toAll, e)
	for name, g := range v.groups {
		counted = v.follow(g, e) && name == v.own || counted
	}
	return e, counted
}

// follow lets the fold decide whether an entry counts, as the workers do, so that people and workers see the same
// states.
func (v *View) follow(g *group, e ledger.Entry) bool {
	id, err := ledger.ParseID(e.ID)
	if err != nil {
		return false // a pause or a resume
	}
	counted := g.fold.Follow(e)
	g.restate(id)
	if g.letters[id] == nil {
		g.lost[id] = true
	}
	v.answer(g, id, e, counted)
	if !counted {
		return false
	}
	switch e.Event {
	case ledger.LetterResolved, ledger.LetterSuperseded, ledger.LetterDismissed, ledger.LetterFailed:
		g.ended[id] = Outcome{e.Event, e.At, e.By, e.Reason, e.Note, e.Cause}
	case ledger.LetterReopened, ledger.LetterReplay:
		delete(g.ended, id)
	default:
	}
	return true
}

// restate copies a letter's state from the fold, after the fold has taken a record about the letter.
func (g *group) restate(id ledger.ID) {
	if k := g.letters[id]; k != nil {
		status, _ := g.fold.Letter(id)
		k.state, k.n = stateNumber(status.State), int32(status.N)
		k.overtaken, k.key = status.Overtaken, status.Key
	}
}

// Find returns the letter with the given id. If the view's group has no such letter, Find looks for one in another
// group; the letter's Group names that group. An expired letter of the view's group is found as long as the ledger
// mentions it.
func (v *View) Find(id ledger.ID) (Letter, bool) {
	for _, name := range append([]string{v.own}, slices.Sorted(maps.Keys(v.groups))...) {
		g := v.groups[name]
		if status, ok := g.fold.Letter(id); ok && (status.Known || name == v.own) {
			return v.found(g, id, status), true
		}
	}
	return Letter{}, false
}

// Letters yields the letters that match, sorted by topic, partition, offset and item. They are selected when the loop
// starts.
func (v *View) Letters(f Filter) iter.Seq[Letter] {
	return func(yield func(Letter) bool) {
		for _, found := range v.match(f) {
			if !yield(v.letter(found)) {
				return
			}
		}
	}
}

// Elsewhere counts the letters of other groups that match, by group.
func (v *View) Elsewhere(f Filter) map[string]int {
	counts := map[string]int{}
	for name, g := range v.groups {
		if name == v.own {
			continue
		}
		f := f.prepare(v.headers)
		for _, k := range g.all {
			if f.match(k) {
				counts[name]++
			}
		}
	}
	return counts
}

// Expired counts the open and requeued letters of the view's group that are gone from the letters' topic. Overtaken
// letters do not count.
func (v *View) Expired() int {
	count, g := 0, v.group(v.own)
	for id := range g.lost {
		is, _ := g.fold.Letter(id)
		if g.letters[id] == nil && (is.State == fold.Open || is.State == fold.Requeued) && !is.Overtaken {
			count++
		}
	}
	return count
}

// letter returns a kept letter in its full form.
func (v *View) letter(m match) Letter {
	status, _ := m.group.fold.Letter(m.kept.id())
	return v.found(m.group, m.kept.id(), status)
}

// found returns the letter in its full form. If the letter has expired, only its id, state and outcome are set.
func (v *View) found(g *group, id ledger.ID, status fold.Status) Letter {
	l := Letter{Ledger: status, Outcome: g.ended[id]}
	l.Topic, l.Partition, l.Offset, l.Item = id.Topic, id.Partition, id.Offset, id.Item
	k := g.letters[id]
	if k == nil {
		return l
	}
	t := k.texts
	l.Letter = deadletter.Letter{
		Record: event.Record{Place: l.Letter.Place, Time: moment(k.event)}, Item: id.Item,
		OrderID: k.order, Status: t.status, Stage: t.stage, Cause: t.cause, Message: t.message, DecidedBy: t.decidedBy,
		Code: t.code, Attempts: int(k.attempts), FailedAt: moment(k.failed), Group: t.group, Version: t.version,
		ReplayCount: int(k.count), ReplayRun: t.run,
	}
	switch k.value {
	case valueStored:
		l.Letter = l.WithoutEvent(k.digest())
	case valueOmitted:
		l.Omitted = k.digest()
	case valueNone:
	}
	l.First, l.Written, l.Records = moment(k.first), moment(k.written), int(k.records)
	l.Place = event.Place{Partition: int(k.partition), Offset: k.at}
	l.Expires = v.expires(k)
	return l
}

// digest returns the size and hash of the letter's value.
func (k *kept) digest() *deadletter.Digest {
	return &deadletter.Digest{Size: k.size, SHA256: hex.EncodeToString(k.sum[:])}
}

// expires returns the time from which Kafka may delete the letter's newest record; zero if Kafka never does, or if that
// is unknown.
func (v *View) expires(k *kept) time.Time {
	if v.Retention <= 0 || k.written == noTime {
		return time.Time{}
	}
	return moment(k.written).Add(v.Retention)
}

// noTime stands for the zero time. It cannot be 0 or -1, because times are whole milliseconds, and a producer may send
// any value.
const noTime = -1 << 63

func millis(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == noTime {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
