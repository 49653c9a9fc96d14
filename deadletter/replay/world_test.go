package replay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

// world is both topics, and a worker that owns everything. The worker takes replays in the order of the ledger, makes
// one call every 20 ms, and writes the outcome when the call ends.
type world struct {
	t       *testing.T
	mu      sync.Mutex
	view    *view.View // all that is stored, which the worker knows at once
	letters []event.Record
	ledger  []ledger.Entry
	queue   []ledger.Entry
	calls   map[ledger.ID]int
	order   []ledger.ID // the letter of each call, in the order of the calls

	// refuses decides whether LeadHit refuses a call; nil accepts all calls.
	refuses func(id ledger.ID, call int) bool
	dead    bool // no worker runs
	broken  func(e ledger.Entry) error
}

func newWorld(t *testing.T, letters int) *world {
	t.Helper()
	w := &world{view: view.New(group), calls: map[ledger.ID]int{}}
	for i := range letters {
		w.store(id(i), 0, deadletter.Letter{})
	}
	return w
}

const group = "leadhit-sync"

func id(i int) ledger.ID {
	return ledger.ID{Topic: "orders", Partition: i % 3, Offset: int64(i), Item: ledger.NoItem}
}

// store appends a letter to the letters' topic. The caller sets only the fields of l that differ from those of an
// ordinary letter.
func (w *world) store(id ledger.ID, count int, l deadletter.Letter) {
	l.Topic, l.Partition, l.Offset, l.Item = id.Topic, id.Partition, id.Offset, id.Item
	if l.Group == "" {
		l.Group = group
	}
	if l.OrderID == "" {
		l.OrderID = fmt.Sprintf("order-%d-%d", id.Partition, id.Offset)
	}
	if l.OrderID == "none" {
		l.OrderID = ""
	}
	l.Status, l.Stage, l.Cause, l.ReplayCount, l.FailedAt = "paid", deadletter.StageCall, "ValidationError", count, time.Now()
	if l.Omitted == nil {
		l.Value = []byte("{}")
	}
	r := l.Encode()
	r.Topic, r.Offset, r.Time = "dlq", int64(len(w.letters)), time.Now()
	w.letters = append(w.letters, r)
	_, _ = w.view.Letter(r)
}

// write appends an entry, as Kafka does.
func (w *world) write(e ledger.Entry) {
	w.ledger = append(w.ledger, e)
	_, value, err := e.Record()
	if err != nil {
		panic(err)
	}
	_, counted := w.view.Entry(event.Record{Value: value})
	if e.Event == ledger.LetterReplay && counted {
		w.queue = append(w.queue, e)
	}
}

// worker runs until the context ends.
func (w *world) worker(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.call()
		}
	}
}

func (w *world) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || len(w.queue) == 0 {
		return
	}
	e := w.queue[0]
	w.queue = w.queue[1:]
	letter, _ := ledger.ParseID(e.ID)
	is, _ := w.view.Find(letter)
	outcome := ledger.Entry{ID: e.ID, N: e.N, Run: e.Run, At: time.Now(), By: "worker", Via: "worker", Group: group}
	switch {
	case is.Ledger.State != fold.Requeued || is.Ledger.N != e.N:
		return
	case is.Ledger.Overtaken && !e.Force:
		outcome.Event = ledger.LetterSuperseded
	default:
		w.calls[letter]++
		w.order = append(w.order, letter)
		outcome.Event = ledger.LetterResolved
		if w.refuses != nil && w.refuses(letter, w.calls[letter]) {
			w.store(letter, e.N, deadletter.Letter{})
			return
		}
	}
	w.write(outcome)
}

// reader is what one operator has read of the world.
type reader struct {
	*world

	view            *view.View
	letters, ledger int
	reads           int
}

func (w *world) reader() *reader { return &reader{world: w, view: view.New(group)} }

func (r *reader) Refresh(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	for ; r.letters < len(r.world.letters); r.letters++ {
		_, _ = r.view.Letter(r.world.letters[r.letters])
	}
	for ; r.ledger < len(r.world.ledger); r.ledger++ {
		_, value, _ := r.world.ledger[r.ledger].Record()
		r.view.Entry(event.Record{Value: value})
	}
	return nil
}

func (r *reader) Status(id ledger.ID) (fold.Status, bool) {
	l, ok := r.view.Find(id)
	return l.Ledger, ok
}

var errKafka = errors.New("kafka is down")

// Append takes a few milliseconds, so that others can write in the meantime.
func (r *reader) Append(ctx context.Context, e ledger.Entry) error {
	<-time.After(5 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.broken != nil {
		if err := r.broken(e); err != nil {
			return err
		}
	}
	w := r.world
	w.write(e)
	return nil
}

// plan reads everything and plans all letters.
func (r *reader) plan(t *testing.T, change ...func(*replay.Limits)) replay.Plan {
	t.Helper()
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	limits := replay.Limits{
		Group: group, Most: 1000, MaxReplays: 3,
		Consumed: func(p event.Partition) bool { return p.Topic == "orders" && p.Number < 3 },
		Stored:   func(event.Place) bool { return false },
	}
	for _, f := range change {
		f(&limits)
	}
	return replay.NewPlan(r.view.Letters(view.Filter{AllGroups: true}), nil, limits)
}

func run(name, by string) replay.Run {
	return replay.Run{
		ID: name, Group: group, By: by, Via: "cli", Reason: "LeadHit 2.4 accepts it", Filter: "--state open", Rate: 10, Canary: 1,
		Breaker: 0.2, Timeout: 15 * time.Minute,
	}
}

// replays returns the replay entries of the run r_1.
func (w *world) replays() []ledger.Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.ledger), func(e ledger.Entry) bool {
		return e.Run != "r_1" || e.Event != ledger.LetterReplay
	})
}

func (w *world) entries(what ledger.Event) []ledger.Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.ledger), func(e ledger.Entry) bool { return e.Event != what })
}

// killedLater simulates the kill of a run. The first left-1 writes succeed, and all later writes fail. If stored is
// set, the entry of the first failed write is nevertheless stored, unless left is 0.
func (w *world) killedLater(left int, stored bool) {
	w.broken = func(e ledger.Entry) error {
		if left--; left > 0 {
			return nil
		}
		if left == 0 && stored {
			w.write(e)
		}
		return errKafka
	}
}

// calledOnce checks that each letter was sent once, and is resolved.
func (w *world) calledOnce() {
	w.t.Helper()
	for i := range len(w.letters) {
		if is, _ := w.view.Find(id(i)); w.calls[id(i)] != 1 || is.Ledger.State != fold.Resolved {
			w.t.Errorf("got %d calls and %+v of %v, want 1 and resolved", w.calls[id(i)], is.Ledger, id(i))
		}
	}
}
