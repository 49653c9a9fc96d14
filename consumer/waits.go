package consumer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Wait is something that the worker waits for.
type Wait struct {
	// For says what is missing, and what ends the wait: "topic orders does not exist; create it, or check
	// KAFKA_TOPICS".
	For string
	// Since is when the wait began. Failed attempts do not reset it.
	Since time.Time
}

// The keys of waits. Some kinds have a single wait, others one for each topic or partition.
const (
	waitOutside     = "outside"
	waitLedger      = "ledger"
	waitLettersRead = "letters read"
	waitTopics      = "topics"
	waitPredecessor = "predecessor"
	waitJoin        = "join"
	waitOffsets     = "offsets"
	waitDecode      = "decode " // followed by the partition
	waitUnknown     = "unknown "
	waitLetters     = "letters"
	waitEntries     = "entries"
	waitTake        = "take"
	waitUneven      = "uneven"
	waitMissing     = "missing "
	// waitPrepared is for the letters' topic, before the first event is fetched.
	waitPrepared = "prepared"
)

// waits holds what the worker waits for now. The zero value is ready to use.
type waits struct {
	mu  sync.Mutex
	all map[string]Wait
}

// begin records a new wait, or updates the text of an existing one.
func (w *waits) begin(key, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[string]Wait)
	}
	wait, lasts := w.all[key]
	if !lasts {
		wait.Since = time.Now()
	}
	wait.For = what
	w.all[key] = wait
}

func (w *waits) end(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, key)
}

// only ends all waits of the given kind, except those for the given topics.
func (w *waits) only(kind string, topics []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.all, func(key string, _ Wait) bool {
		topic, ofKind := strings.CutPrefix(key, kind)
		return ofKind && !slices.Contains(topics, topic)
	})
}

// since returns the time at which a wait began, or the zero time if there is none.
func (w *waits) since(key string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[key].Since
}

// list returns the waits, the oldest first. Of several waits with the same text it returns only the oldest.
func (w *waits) list() []Wait {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.SortedFunc(maps.Values(w.all), func(a, b Wait) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.For, b.For))
	})
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(wait Wait) bool {
		was := seen[wait.For]
		seen[wait.For] = true
		return was
	})
}

// WaitFor adds a wait for something outside Run, such as another topic, before Run starts. An empty string ends that
// wait.
func (c *Consumer) WaitFor(what string) {
	if what == "" {
		c.waits.end(waitOutside)
		return
	}
	c.waits.begin(waitOutside, what)
	c.enter(Waiting)
}
