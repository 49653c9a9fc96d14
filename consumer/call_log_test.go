package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
)

// An event's value lists "order:status" pairs, separated by commas. The statuses of an order are 1, 2, 3 … in log
// order. A character after the number is the change's fate.
const (
	fine     = ""
	refused  = "r" // LeadHit refuses it
	unmapped = "m" // the mapping refuses it
	ignored  = "i" // it needs no call
	aborted  = "a" // it belongs to an aborted transaction: no worker may see it
)

// change is one status change of an order.
type change struct {
	order string
	n     int
	fate  string
}

func (c change) status() string { return strconv.Itoa(c.n) + c.fate }

func parseChange(order, status string) change {
	digits := strings.TrimRight(status, "rmia")
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic("not a status of these tests: " + status)
	}
	return change{order, n, status[len(digits):]}
}

func parseChanges(value string) []change {
	var all []change
	for pair := range strings.SplitSeq(value, ",") {
		order, status, _ := strings.Cut(pair, ":")
		all = append(all, parseChange(order, status))
	}
	return all
}

// decode takes the place of the mapping.
func decode(_ context.Context, e *consumer.Event) ([]event.Item, error) {
	var items []event.Item
	for _, c := range parseChanges(string(e.Value)) {
		it := event.Item{Action: event.Call, OrderID: c.order, Status: c.status()}
		switch c.fate {
		case ignored:
			it.Action = event.Ignore
		case unmapped:
			it.Action, it.Cause = event.Refuse, "Unmapped"
		}
		items = append(items, it)
	}
	return items, nil
}

// ledger is the call log, the oracle of these tests: it sees everything that is produced, sent, stored and committed.
// It reports lost, concurrent and out-of-order calls, missing and unexpected letters, statuses that move backwards, and
// commits past an unfinished event.
type ledger struct {
	mu         sync.Mutex
	started    time.Time
	orders     map[string]*history
	logs       map[event.Partition]map[int64][]change // the changes in the event at each offset
	letters    map[change]int
	inAir, max int
	calls      int
	repeats    int // calls for changes that were already accepted, or stored as a letter
	sends      []send
	violations []string
}

// history records the outcome of each change of an order. The index of a change is its status minus one.
type history struct {
	changes    []outcome
	calling    int
	highest    int // the highest status ever sent
	calledBy   map[string]int
	acceptedUp int // the highest status that LeadHit has set
}

type outcome struct {
	fate     string
	calls    int
	accepted bool // by LeadHit, and the worker knows that
	stored   bool
	waived   bool // it need not be consumed
}

// send is one call, for tests that check its time and its worker.
type send struct {
	at     time.Time
	worker string
	change
}

func newLedger() *ledger {
	return &ledger{
		started: time.Now(), orders: map[string]*history{}, letters: map[change]int{},
		logs: map[event.Partition]map[int64][]change{},
	}
}

func (l *ledger) violate(format string, args ...any) {
	if len(l.violations) < 20 {
		l.violations = append(l.violations, fmt.Sprintf("%v: ", time.Since(l.started))+fmt.Sprintf(format, args...))
	}
}

// next returns the next change of an order.
func (l *ledger) next(order, fate string) change {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.orders[order]
	if h == nil {
		h = &history{calledBy: map[string]int{}}
		l.orders[order] = h
	}
	if fate == aborted {
		return change{order, len(h.changes) + 1, aborted}
	}
	h.changes = append(h.changes, outcome{fate: fate})
	return change{order, len(h.changes), fate}
}

// waive exempts the given orders' changes so far: they need not be consumed.
func (l *ledger) waive(orders ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, order := range orders {
		for i := range l.orders[order].changes {
			l.orders[order].changes[i].waived = true
		}
	}
}

// produced records which changes the event at an offset contains.
func (l *ledger) produced(at event.Partition, offset int64, changes []change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs[at] == nil {
		l.logs[at] = map[int64][]change{}
	}
	l.logs[at][offset] = changes
}

func (o outcome) finished() bool { return o.fate == ignored || o.accepted || o.stored || o.waived }

func (l *ledger) finished(changes []change) bool {
	for _, c := range changes {
		if !l.orders[c.order].changes[c.n-1].finished() {
			return false
		}
	}
	return true
}

// called records the start of a call and returns how many times this change has been sent.
func (l *ledger) called(worker string, c change) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	l.sends = append(l.sends, send{time.Now(), worker, c})
	if l.inAir++; l.inAir > l.max {
		l.max = l.inAir
	}
	h := l.orders[c.order]
	if c.fate != fine && c.fate != refused || h == nil || c.n > len(h.changes) || h.changes[c.n-1].fate != c.fate {
		l.violate("%s calls %s with %s, which nobody asked for", worker, c.order, c.status())
		return 1
	}
	if h.calling++; h.calling > 1 {
		l.violate("%s calls %s with %s, and another call about it is in flight", worker, c.order, c.status())
	}
	for i, earlier := range h.changes[:c.n-1] {
		// an event that the mapping refuses blocks nothing, because its order is a guess
		if earlier.fate != unmapped && !earlier.finished() {
			l.violate("%s calls %s with %s before %d is finished", worker, c.order, c.status(), i+1)
		}
	}
	if c.n < h.highest {
		l.violate("%s calls %s with %s after %d was sent", worker, c.order, c.status(), h.highest)
	}
	h.highest = max(h.highest, c.n)
	if h.changes[c.n-1].accepted || h.changes[c.n-1].stored {
		l.repeats++
	}
	h.changes[c.n-1].calls++
	return h.changes[c.n-1].calls
}

// carriedOut records that LeadHit has set the status, whether or not a worker learns of it.
func (l *ledger) carriedOut(c change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.orders[c.order]
	if c.n < h.acceptedUp {
		l.violate("the status of %s goes back from %d to %d", c.order, h.acceptedUp, c.n)
	}
	h.acceptedUp = max(h.acceptedUp, c.n)
}

// answered records the end of a call.
func (l *ledger) answered(c change, accepted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inAir--
	if h := l.orders[c.order]; h != nil && c.n <= len(h.changes) {
		h.calling--
		h.changes[c.n-1].accepted = h.changes[c.n-1].accepted || accepted
	}
}

// stored records a letter, whether or not the worker learns of it.
func (l *ledger) stored(c change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.letters[c]++
	if c.fate != refused && c.fate != unmapped {
		l.violate("a letter for %s, %s", c.order, c.status())
	}
}

// acknowledged records that a worker knows that its letter is stored.
func (l *ledger) acknowledged(c change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders[c.order].changes[c.n-1].stored = true
}

// commit checks what a worker is about to commit.
func (l *ledger) commit(r *kmsg.OffsetCommitRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			text := ""
			if p.Metadata != nil {
				text = *p.Metadata
			}
			l.commitOf(event.Partition{Topic: topic.Topic, Number: int(p.Partition)}, p.Offset, text)
		}
	}
}

func (l *ledger) commitOf(at event.Partition, next int64, text string) {
	frontier, open, err := claims(next, text)
	if err != nil {
		l.violate("commit of %v at %d: metadata %q: %v", at, next, text, err)
	}
	for offset, changes := range l.logs[at] {
		switch {
		case l.finished(changes), offset >= frontier, open[offset]:
		case offset < next:
			l.violate("commit of %v at %d, and %d is not finished", at, next, offset)
		default:
			l.violate("commit of %v at %d says %q, and %d is not finished", at, next, text, offset)
		}
	}
}

// claims parses a commit's metadata: all offsets below frontier are finished, except those in open.
func claims(committed int64, text string) (frontier int64, open map[int64]bool, err error) {
	if text == "" {
		return committed, nil, nil
	}
	fields := strings.Split(text, ",")
	if len(text) > 4096 || len(fields) < 4 || fields[0] != "1" {
		return 0, nil, errors.New("not the known form")
	}
	number := func(s string) int64 {
		n, wrong := strconv.ParseInt(s, 36, 64)
		err = errors.Join(err, wrong)
		return n
	}
	if at := number(fields[1]); at != committed {
		return 0, nil, fmt.Errorf("is about offset %d", at)
	}
	open = map[int64]bool{committed: true}
	last := committed
	for _, gap := range fields[4:] {
		last += number(gap)
		open[last] = true
	}
	return committed + number(fields[3]), open, err
}

// unfinished lists the changes that are not finished, each with its number of calls.
func (l *ledger) unfinished() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []string
	for _, name := range slices.Sorted(maps.Keys(l.orders)) {
		for i, o := range l.orders[name].changes {
			if !o.finished() {
				left = append(left, fmt.Sprintf("%s:%d%s (calls: %d)", name, i+1, o.fate, o.calls))
			}
		}
	}
	return left
}

// balance checks at the end that letters exist for the refused changes, and for no others.
func (l *ledger) balance() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, h := range l.orders {
		for i, o := range h.changes {
			due := o.fate == refused || o.fate == unmapped
			if got := l.letters[change{name, i + 1, o.fate}]; due != (got > 0) {
				l.violate("%d letters for %s:%d%s", got, name, i+1, o.fate)
			}
			if o.fate == fine && o.calls == 0 {
				l.violate("no call for %s:%d", name, i+1)
			}
		}
	}
}

// calledNow returns the calls made so far.
func (l *ledger) calledNow() []send {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sends)
}
