// Package fold derives the states of letters from the letters' topic and the ledger. Workers, commands and the desk
// agree on these states, because all of them use [Fold]:
//
//	letters := fold.Fold{Horizon: fold.WorkerHorizon}
//	letters.Add(fold.Letter{…})   // the next record in the letters' topic
//	letters.Follow(entry)         // the next entry in the ledger
//	letters.Letter(id)            // the letter's status
//
// The states and their transitions:
//
//	open ──replay──▶ requeued ──▶ resolved, or superseded: final
//	 ▲ │                └──▶ refused again, or failed: open
//	 │ └──dismissed──▶ dismissed
//	 └──reopened── dismissed, resolved, superseded
//
// The package is pure: no Kafka, clock or goroutine.
package fold

import (
	"iter"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// State is the state of a letter.
type State string

// The states. Resolved and Superseded are final: only a [ledger.LetterReopened] leads back to Open.
const (
	Open       State = "open"
	Requeued   State = "requeued" // a replay counted, and has no outcome yet
	Resolved   State = "resolved"
	Superseded State = "superseded"
	Dismissed  State = "dismissed"
)

// States returns all states of a letter, in the order in which a letter passes through them.
func States() []State {
	return []State{Open, Requeued, Resolved, Superseded, Dismissed}
}

// WorkerHorizon is how many of the newest records in the letters' topic a worker reads. The number is limited because a
// worker needs about 200 bytes of memory for each record. Replays of older letters need the force option.
const WorkerHorizon = 200_000

// maxReplays limits the count of replays, because a foreign letter may have any count. No real letter is replayed
// that often.
const maxReplays = 1 << 30

// Letter is what the [Fold] needs to know about a record in the letters' topic.
type Letter struct {
	ID    ledger.ID
	Order string // "" if the mapping found none
	Key   uint64 // KeyHash of the record's key
	// Count is the value of the dlq.replay.count header. Offset is the record's place in the letters' topic; -1 if the
	// writer does not know it yet.
	Count  int
	Offset int64
	// Stored is the record's timestamp; zero if it is not known. Only Counts needs it.
	Stored time.Time
}

// Status is what the Fold knows about a letter.
type Status struct {
	Letter // the newest record; only ID is set unless Known

	State State
	Known bool // the letter was read, and is within the Horizon
	N     int  // replays that counted
	// Overtaken says that LeadHit accepted a newer event of the same order, so a replay needs Force. Newer is that
	// event's id.
	Overtaken bool
	Newer     string
	// Replay is the last replay that counted; nil if there is none. It must not be changed. Sorting requeued letters by
	// Turn yields the order of their last replays in the ledger.
	Replay *ledger.Entry
	Turn   int64
	// Former says that a replay before the last one has no outcome: the letter was dismissed, reopened and replayed
	// again, or another replay was requested before that one had ended.
	Former bool
	// Unanswered says that the last replay that counted has no outcome: the letter is still requeued, or was dismissed
	// before the replay had an outcome. The replay's call may nevertheless have been sent.
	Unanswered bool
}

// Fold derives the state of every letter from the letters' topic and the ledger. The zero value is ready to use. One
// goroutine at a time may use it.
//
// Pass each topic in its own order; how the two interleave does not matter, because only the ledger decides which
// entries count. So all readers agree on which of two operators was first, however far each has read the letters. A
// copy of an entry that counted never counts.
type Fold struct {
	// Horizon is how many of the newest records in the letters' topic are kept; 0 keeps all. Set it before adding the
	// first letter. What the ledger says about older letters is kept.
	Horizon int

	letters map[place]*letter
	byOrder map[string]*letter // the first known letter of each order; letter.next links to the others
	byKey   map[uint64]*letter // the same for letters without an order, by record key
	topics  map[string]int32
	names   []string // topics by number
	recent  []recent // the last Horizon records, oldest first
	turns   int64
	tallies map[source]*tally
}

// place is a compact form of [ledger.ID]. A worker keeps up to 200,000 letters in memory.
type place struct {
	offset                 int64
	topic, partition, item int32
}

// recent is one record in the letters' topic.
type recent struct {
	letter *letter
	offset int64
}

// letter is the state of one letter. What the ledger says and what the letters' topic says are kept separate, so the
// order in which the two are read does not matter.
type letter struct {
	place place
	order string
	key   uint64
	at    int64 // offset of the newest record
	time  int64 // when that record was stored, in milliseconds since 1970; 0: not known
	next  *letter
	*history

	count int32 // number of replays, according to the newest record
	n     int32 // number of replays that counted
	known bool
	// answered says that replay n has an outcome in the ledger. ended says that replay n no longer needs an outcome.
	answered, ended, resolved, superseded, dismissed, overtaken bool
	counted                                                     counted
}

// history is kept only for the few letters that need it.
type history struct {
	replay *ledger.Entry
	turns  []int64 // of the replays since the last outcome in the ledger, up to n
	newer  string
	seen   []seen // operators' entries that must not count again, about replay n or a later one
}

// seen identifies an operator's entry. A write without a response is retried, so the ledger may hold an entry twice.
type seen struct {
	event ledger.Event
	by    string
	at    int64 // Unix time in nanoseconds, so that the time zone does not matter
}

// Add takes the next record from the letters' topic. A worker also adds each letter that it has stored itself, because
// it may read the topic much later. Add reports whether the letter is new.
func (f *Fold) Add(l Letter) bool {
	s := f.get(l.ID)
	is := !s.known
	if is || l.Count > int(s.count) || l.Count == int(s.count) && l.Offset >= s.at {
		f.unlink(s)
		f.recount(s, uncounted) // while s still has its old time
		s.known, s.order, s.key, s.at, s.time = true, l.Order, l.Key, l.Offset, 0
		if !l.Stored.IsZero() {
			s.time = l.Stored.UnixMilli()
		}
		s.count = int32(min(max(l.Count, 0), maxReplays))
		f.link(s)
		f.count(s)
	}
	if f.Horizon > 0 && l.Offset >= 0 {
		f.forgetBeyond(recent{s, l.Offset})
	}
	return is
}

// forgetBeyond adds a record, and forgets those beyond the Horizon. Counting records rather than letters makes a reader
// that has just started at the Horizon agree with one that has followed the topic for weeks.
func (f *Fold) forgetBeyond(r recent) {
	f.recent = append(f.recent, r)
	for len(f.recent) > f.Horizon {
		old := f.recent[0]
		f.recent = f.recent[1:]
		s := old.letter
		if s.at != old.offset {
			continue // the letter has a later record
		}
		f.unlink(s)
		s.known, s.order, s.key = false, "", 0
		f.count(s)
		if s.history == nil && s.blank() {
			delete(f.letters, s.place)
		}
	}
}

// Letter returns the status of a letter. The second result is false if neither topic mentions it.
func (f *Fold) Letter(id ledger.ID) (Status, bool) {
	topic, ok := f.topics[id.Topic]
	s := f.letters[placeOf(id, topic)]
	if !ok || s == nil || s.blank() {
		return Status{}, false
	}
	return f.status(s), true
}

// blank reports whether nothing is known about the letter: none of its records is in memory, and none of its entries
// counted.
func (s *letter) blank() bool {
	return !s.known && s.n == 0 && !s.answered && !s.dismissed && !s.overtaken
}

func (s *letter) final() bool { return s.resolved || s.superseded }

// Letters yields the status of each letter in the given states, or of every letter if no state is given, in no
// particular order.
func (f *Fold) Letters(in ...State) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for _, s := range f.letters {
			if s.blank() || len(in) > 0 && !slices.Contains(in, s.state()) {
				continue
			}
			if !yield(f.status(s)) {
				return
			}
		}
	}
}

// Order yields the status of each known letter of one order, in no particular order.
func (f *Fold) Order(order string) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for s := f.byOrder[order]; s != nil; s = s.next {
			if !yield(f.status(s)) {
				return
			}
		}
	}
}

func (f *Fold) status(s *letter) Status {
	is := Status{
		Letter: Letter{ID: f.id(s), Order: s.order, Key: s.key, Count: int(s.count), Offset: s.at},
		State:  s.state(), Known: s.known, N: int(s.n), Overtaken: s.overtaken,
		Unanswered: s.n > 0 && !s.answered && (!s.known || s.count < s.n),
	}
	if s.time != 0 {
		is.Stored = time.UnixMilli(s.time).UTC()
	}
	if s.history != nil {
		is.Newer, is.Replay = s.newer, s.replay
		is.Turn, is.Former = s.turn()
	}
	if !is.Known {
		is.Letter = Letter{ID: is.ID}
	}
	return is
}

// turn returns the turn of the last replay, and reports whether an earlier replay has no outcome.
func (s *letter) turn() (turn int64, former bool) {
	if len(s.turns) == 0 {
		return 0, false
	}
	last := len(s.turns) - 1
	return s.turns[last], last > 0 && (!s.known || s.count+1 < s.n)
}

func (f *Fold) id(s *letter) ledger.ID {
	return ledger.ID{
		Topic: f.names[s.place.topic], Partition: int(s.place.partition), Offset: s.place.offset, Item: int(s.place.item),
	}
}

// state derives the letter's state. A record with the count n is the outcome of replay n, unless the ledger has a final
// outcome.
func (s *letter) state() State {
	switch {
	case s.resolved:
		return Resolved
	case s.superseded:
		return Superseded
	case s.dismissed:
		return Dismissed
	case s.n > 0 && !s.ended && (!s.known || s.count < s.n):
		return Requeued
	default:
		return Open
	}
}

// Older returns the letters that must be marked as overtaken before an accepted event counts as finished. They belong
// to the event's order, or have its key and no order; they are older than the event, and not marked yet. Closed letters
// are included, because they may be reopened and replayed long after the event.
func (f *Fold) Older(accepted ledger.ID, order string, key uint64) []ledger.ID {
	if len(f.letters) == 0 { // as in most groups
		return nil
	}
	var ids []ledger.ID
	collect := func(first *letter) {
		for s := first; s != nil; s = s.next {
			if id := f.id(s); !s.overtaken && older(id, accepted) {
				ids = append(ids, id)
			}
		}
	}
	if order == "" {
		return f.olderByKey(accepted, key)
	}
	collect(f.byOrder[order])
	if key != 0 {
		collect(f.byKey[key])
	}
	// An event about several orders has one key, but other events about one of these orders have that order's id as
	// their key.
	if own := KeyHash([]byte(order)); own != 0 && own != key {
		collect(f.byKey[own])
	}
	return ids
}

// older reports whether a letter is older than the event that LeadHit accepted. The log orders the events of one
// partition. Across partitions the order is unknown, so a letter from another partition counts as older.
func older(id, accepted ledger.ID) bool {
	return id.Topic != accepted.Topic || id.Partition != accepted.Partition || id.Offset < accepted.Offset
}

// olderByKey does the work of Older for an event whose order is unknown. The event's key may be the order's id. It
// visits all letters.
func (f *Fold) olderByKey(accepted ledger.ID, key uint64) []ledger.ID {
	var ids []ledger.ID
	for _, s := range f.letters {
		id := f.id(s)
		if key != 0 && (s.key == key || KeyHash([]byte(s.order)) == key) && !s.overtaken && older(id, accepted) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ledger.ID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}

// get returns the letter with the given id. If there is none, get creates it.
func (f *Fold) get(id ledger.ID) *letter {
	if f.letters == nil {
		f.letters, f.topics = map[place]*letter{}, map[string]int32{}
		f.byOrder, f.byKey = map[string]*letter{}, map[uint64]*letter{}
	}
	topic, ok := f.topics[id.Topic]
	if !ok {
		topic = int32(len(f.names))
		f.names = append(f.names, id.Topic)
		f.topics[id.Topic] = topic
	}
	p := placeOf(id, topic)
	s := f.letters[p]
	if s == nil {
		s = &letter{place: p, at: -1}
		f.letters[p] = s
	}
	return s
}

func placeOf(id ledger.ID, topic int32) place {
	return place{id.Offset, topic, int32(id.Partition), int32(id.Item)}
}

// link puts a known letter into the chain of its order or key.
func (f *Fold) link(s *letter) {
	switch {
	case s.order != "":
		s.next, f.byOrder[s.order] = f.byOrder[s.order], s
	case s.key != 0:
		s.next, f.byKey[s.key] = f.byKey[s.key], s
	}
}

// unlink takes a letter out of its chain.
func (f *Fold) unlink(s *letter) {
	switch {
	case !s.known:
	case s.order != "":
		if f.byOrder[s.order] = without(f.byOrder[s.order], s); f.byOrder[s.order] == nil {
			delete(f.byOrder, s.order)
		}
	case s.key != 0:
		if f.byKey[s.key] = without(f.byKey[s.key], s); f.byKey[s.key] == nil {
			delete(f.byKey, s.key)
		}
	}
	s.next = nil
}

func without(first, gone *letter) *letter {
	if first == gone {
		return gone.next
	}
	for s := first; s != nil; s = s.next {
		if s.next == gone {
			s.next = gone.next
			break
		}
	}
	return first
}
