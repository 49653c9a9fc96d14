package dispatch_test

import (
	"container/heap"
	"fmt"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// These are the latencies of every flow, and its number of partitions.
const (
	flowFetch  = 2 * time.Millisecond
	flowCommit = 5 * time.Millisecond
	flowStore  = 5 * time.Millisecond
	flowParts  = 4
)

// flow is a worker in virtual time, with latencies that do not vary unless the test says so. Only its LeadHit has
// faults, so a test can check exact figures, and compare two runs event by event.
type flow struct {
	tb      testing.TB
	d       *dispatch.Dispatcher
	now     time.Duration
	queue   moments
	seq     int
	asked   int
	leadhit func(now time.Duration, c turn.Call) (takes time.Duration, v retry.Verdict)

	commitTakes func() time.Duration

	logs     [flowParts][]turn.Event
	waiting  [flowParts]*turn.Fetch // fetches that wait until there is something to read
	written  map[event.Partition]map[int64]time.Duration
	accepted map[string]time.Duration // how long the n-th event of an order took, by "order/n"
	nth      map[string]int
	inFlight int
	begun    []time.Duration
	probed   []string // the orders of the probes
	done     []time.Duration
	refused  int // calls answered with a 503
	stores   []turn.Store
	commits  []time.Duration
	announce []ledger.Entry
	ended    turn.End
}

type moment struct {
	at  time.Duration
	seq int
	do  func()
}

// moments is a heap; the earliest moment is on top.
type moments []moment

func (m *moments) Len() int { return len(*m) }
func (m *moments) Less(i, j int) bool {
	a, b := (*m)[i], (*m)[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
func (m *moments) Swap(i, j int) { (*m)[i], (*m)[j] = (*m)[j], (*m)[i] }
func (m *moments) Push(x any)    { *m = append(*m, x.(moment)) }
func (m *moments) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// flowSettings returns a worker's default settings.
func flowSettings() dispatch.Config {
	c := settings()
	c.CallsInFlight, c.WindowEvents, c.WindowBytes, c.Session = 64, 10_000, 16<<20, 10*time.Second
	c.Retry.Initial = 500 * time.Millisecond
	return c
}

// newFlow returns a flow whose LeadHit accepts everything after 20 ms.
func newFlow(tb testing.TB, c dispatch.Config) *flow {
	tb.Helper()
	f := &flow{
		tb: tb, d: dispatch.New(c), written: map[event.Partition]map[int64]time.Duration{},
		accepted: map[string]time.Duration{}, nth: map[string]int{},
	}
	f.commitTakes = func() time.Duration { return flowCommit }
	f.leadhit = func(time.Duration, turn.Call) (time.Duration, retry.Verdict) {
		return 20 * time.Millisecond, accepted()
	}
	positions := []turn.Position{}
	for i := range flowParts {
		positions = append(positions, turn.Position{Partition: orders(i), Uncommitted: true})
		f.written[orders(i)] = map[int64]time.Duration{}
	}
	f.d.Assigned(f.clock(), positions, true)
	f.ask()
	return f
}

func accepted() retry.Verdict { return retry.Verdict{Kind: retry.Done, Answered: true} }

func (f *flow) clock() time.Time { return time.Unix(1_800_000_000, 0).Add(f.now) }

func (f *flow) after(d time.Duration, do func()) {
	f.seq++
	heap.Push(&f.queue, moment{f.now + max(d, 0), f.seq, do})
}

// until advances the time to end, and runs what is due by then.
func (f *flow) until(end time.Duration) {
	for len(f.queue) > 0 && f.queue[0].at <= end {
		m := heap.Pop(&f.queue).(moment)
		f.now = m.at
		m.do()
	}
	f.now = end
}

// hear delivers an input after d.
func (f *flow) hear(d time.Duration, input func()) {
	f.after(d, func() {
		input()
		f.ask()
	})
}

// write appends an event to an order's partition at the given time.
func (f *flow) write(at time.Duration, number int, item event.Item) {
	f.after(at-f.now, func() {
		n := number % flowParts
		offset := int64(len(f.logs[n]))
		f.written[orders(n)][offset] = f.now
		f.logs[n] = append(f.logs[n], keyed(
			turn.Event{Offset: offset, Time: f.clock(), Bytes: 100, Items: []event.Item{item}}, item.OrderID))
		if w := f.waiting[n]; w != nil {
			f.waiting[n] = nil
			f.fetch(*w)
		}
	})
}

// writeEach writes one event per interval, for the given number of orders in rotation.
func (f *flow) writeEach(every, from, to time.Duration, among int, item event.Item) {
	for i, at := 0, from; at < to; i, at = i+1, at+every {
		item.OrderID = fmt.Sprint("order ", i%among)
		f.write(at, i%among, item)
	}
}

func (f *flow) fetch(w turn.Fetch) {
	f.hear(flowFetch, func() {
		events := f.logs[w.Number][w.Offset:]
		events = events[:min(len(events), w.Bytes/100)]
		f.d.Fetched(f.clock(), w, events, w.Offset+int64(len(events)))
	})
}

func (f *flow) ask() {
	e := f.d.Next(f.clock())
	for _, c := range e.Calls {
		f.call(c)
	}
	for _, s := range e.Stores {
		f.stores = append(f.stores, s)
		f.hear(flowStore, func() { f.d.Stored(f.clock(), s.ID, true) })
	}
	for _, w := range e.Fetches {
		if int(w.Offset) < len(f.logs[w.Number]) {
			f.fetch(w)
			continue
		}
		f.waiting[w.Number] = &w
	}
	if c := e.Commit; c != nil {
		f.commits = append(f.commits, f.now)
		f.hear(f.commitTakes(), func() { f.d.Committed(f.clock(), c.ID, turn.CommitAnswer{}) })
	}
	if e.Announce != nil {
		f.announce = append(f.announce, *e.Announce)
	}
	f.ended = e.Ended
	f.asked++
	if asked := f.asked; !e.Wake.IsZero() {
		f.after(e.Wake.Sub(f.clock()), func() {
			if f.asked == asked {
				f.ask()
			}
		})
	}
}

func (f *flow) call(c turn.Call) {
	limit := f.d.Limit()
	if f.inFlight++; f.inFlight > limit && !c.Probe {
		f.tb.Fatalf("at %v: got %d calls in flight, want at most %d", f.now, f.inFlight, limit)
	}
	if c.Probe {
		f.probed = append(f.probed, c.Order)
	}
	f.begun = append(f.begun, f.now)
	takes, v := f.leadhit(f.now, c)
	f.hear(takes, func() {
		f.inFlight--
		if v.Code == 503 {
			f.refused++
		}
		if v.Kind == retry.Done {
			f.done = append(f.done, f.now)
			name := fmt.Sprint(c.Order, "/", f.nth[c.Order])
			f.nth[c.Order]++
			f.accepted[name] = f.now - f.written[c.Partition][c.Offset]
		}
		f.d.Answered(f.clock(), c.ID, v)
	})
}

// within counts the moments in the interval [from, to).
func within(moments []time.Duration, from, to time.Duration) int {
	n := 0
	for _, m := range moments {
		if m >= from && m < to {
			n++
		}
	}
	return n
}
