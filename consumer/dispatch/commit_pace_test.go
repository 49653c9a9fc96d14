package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// backlog processes a backlog of events for 1,000 orders, in rotation. The parameter repeats is the share of events
// that repeat the status of their order. Calls take 20 to 22 ms. Commits take 4 to 10 ms, but one commit in fifty takes
// 10 to 30 ms. backlog returns how many calls were made, and when the last one ended.
func backlog(t *testing.T, events int, repeats float64, verdict func() retry.Verdict) (f *flow, calls int, took time.Duration) {
	t.Helper()
	c := flowSettings()
	c.SkipRepeats = true
	f = newFlow(t, c)
	random := rand.New(rand.NewPCG(1, 1))
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	f.commitTakes = func() time.Duration {
		if random.IntN(50) == 0 {
			return 10*time.Millisecond + upTo(20*time.Millisecond)
		}
		return 4*time.Millisecond + upTo(6*time.Millisecond)
	}
	var last time.Duration
	f.leadhit = func(now time.Duration, _ turn.Call) (time.Duration, retry.Verdict) {
		calls++
		takes := 20*time.Millisecond + upTo(2*time.Millisecond)
		last = now + takes
		return takes, verdict()
	}
	var said [1000]int
	for i := range events {
		n := i % len(said)
		if repeats == 0 || i == n || random.Float64() >= repeats {
			said[n] = i
		}
		f.write(0, n, event.Item{Action: event.Call, OrderID: fmt.Sprint("order ", n), Status: fmt.Sprint("status ", said[n])})
	}
	for f.now < time.Minute && f.d.Snapshot().Finished < uint64(events) {
		f.until(f.now + 100*time.Millisecond)
	}
	if got := f.d.Snapshot().Finished; got != uint64(events) {
		t.Fatalf("got %d events finished in a minute, want %d", got, events)
	}
	return f, calls, last
}

// A repeat makes no call that a crash could repeat, so it does not make a commit due earlier.
func TestABacklogIsCommittedInLargePartsWithoutAPause(t *testing.T) {
	t.Parallel()
	const events, inFlight, bound = 20_000, 64, 3 * 64
	for _, repeats := range []float64{0, 0.6} {
		t.Run(fmt.Sprintf("%.0f %% repeats", 100*repeats), func(t *testing.T) {
			t.Parallel()
			f, calls, took := backlog(t, events, repeats, accepted)
			commits := within(f.commits, 0, took)
			if each := calls / commits; each < 3*inFlight/2 || each > bound {
				t.Errorf("got %d calls per commit, want at least %d and at most %d", each, 3*inFlight/2, bound)
			}
			// On average a call takes 21 ms.
			if ideal := time.Duration(calls) * 21 * time.Millisecond / inFlight; took > ideal*102/100+10*time.Millisecond {
				t.Errorf("got %v, want at most 2 %% more than %v: calls wait for commits", took, ideal)
			}
		})
	}
}

func TestLettersDoNotHoldUpABacklog(t *testing.T) {
	t.Parallel()
	const events, calls = 10_000, 64
	n := 0
	_, _, took := backlog(t, events, 0, func() retry.Verdict {
		if n++; n%2 == 0 {
			return retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true}
		}
		return accepted()
	})
	if ideal := events * 21 * time.Millisecond / calls; took > ideal*105/100 {
		t.Errorf("got %v, want at most 5 %% more than %v: calls wait for commits", took, ideal)
	}
}

// wantCommit checks whether a commit is in flight.
func (h *harness) wantCommit(want bool, why string) {
	h.tb.Helper()
	if got := h.commit != nil; got != want {
		h.tb.Fatalf("%s: got a commit in flight: %v, want %v", why, got, want)
	}
}

func TestALaneThatWaitsHurriesACommitOnlyForAFreeSlot(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "a"), eventOf(2, "b"), eventOf(3, "c"), eventOf(4, "d"), eventOf(5, "e"))
	h.settle()
	h.accept(orders(0), 0)
	h.wantInFlight("order e has taken the slot", 2, 3, 4, 5)
	h.pass(249 * time.Millisecond)
	h.wantCommit(false, "a lane waits, but no slot is free: nothing is gained by a commit before 250 ms")
	h.accept(orders(0), 2)
	h.wantCommit(true, "a slot is free, and only the lane that waits has a call for it")
	h.ack()
	h.wantInFlight("order a continues", 3, 4, 5, 1)
	h.accept(orders(0), 3)
	h.pass(249 * time.Millisecond)
	h.wantCommit(false, "a slot is free, but no lane waits: nothing is gained by a commit before 250 ms")
}

func TestCommitsForFreeSlotsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	h := twoEventsOfFourOrders(t)
	h.accept(orders(0), 0)
	h.accept(orders(0), 2)
	h.pass(19 * time.Millisecond)
	h.wantCommit(false, "within 20 ms of the last one")
	h.pass(time.Millisecond)
	h.wantCommit(true, "slots are free, lanes wait, and the last commit was 20 ms ago")
}

func TestACommitForManyLanesIsDueAtOnce(t *testing.T) {
	t.Parallel()
	h := twoEventsOfFourOrders(t)
	h.accept(orders(0), 0)
	h.accept(orders(0), 2)
	h.accept(orders(0), 4)
	h.wantCommit(false, "fewer finished events than CallsInFlight")
	h.accept(orders(0), 6)
	h.wantCommit(true, "all slots are free, and all lanes wait for a commit")
}

// twoEventsOfFourOrders returns a harness in which the first event of each of four orders is in flight, and a commit
// has just been acknowledged.
func twoEventsOfFourOrders(t *testing.T) *harness {
	t.Helper()
	h := started(t, settings(), orders(0))
	var all []turn.Event
	for i := range int64(4) {
		all = append(all, eventOf(2*i, fmt.Sprint("order ", i)), eventOf(2*i+1, fmt.Sprint("order ", i)))
	}
	h.read(orders(0), all...)
	h.settle()
	for h.commit == nil {
		h.pass(h.last.Wake.Sub(h.now))
	}
	h.ack()
	return h
}

func TestFewEventsBesideLettersThatAreBeingStoredAreCommittedEvery20ms(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	var all []turn.Event
	for i := range int64(14) {
		all = append(all, eventOf(i, fmt.Sprint("order ", i)))
	}
	h.read(orders(0), all...)
	h.settle()
	for i := range int64(6) {
		h.answer(orders(0), i, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError"})
	}
	h.accept(orders(0), 6)
	h.accept(orders(0), 7)
	h.wantInFlight("eight events are settled, and nothing is committed", 8, 9, 10)
	h.wantCommit(true, "slots are free, and no call starts before a commit")
	h.ack()
	h.accept(orders(0), 8)
	h.accept(orders(0), 9)
	h.pass(19 * time.Millisecond)
	h.wantCommit(false, "within 20 ms of the last one, although most events wait for their letters")
	h.pass(time.Millisecond)
	h.wantCommit(true, "20 ms after the last one")
}

// paced processes one event for each element of orders. The element is the number of the event's order. Calls take 20
// to 22 ms, and commits take 3 ms.
func paced(t *testing.T, orders []int) (f *flow, took time.Duration) {
	t.Helper()
	f = newFlow(t, flowSettings())
	random := rand.New(rand.NewPCG(1, 1))
	f.commitTakes = func() time.Duration { return 3 * time.Millisecond }
	f.leadhit = func(now time.Duration, _ turn.Call) (time.Duration, retry.Verdict) {
		takes := 20*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Millisecond)))
		took = now + takes
		return takes, accepted()
	}
	for i, n := range orders {
		f.write(0, n, event.Item{Action: event.Call, OrderID: fmt.Sprint("order ", n), Status: fmt.Sprint("status ", i)})
	}
	for f.now < time.Minute && f.d.Snapshot().Finished < uint64(len(orders)) {
		f.until(f.now + 100*time.Millisecond)
	}
	return f, took
}

func TestALongLaneHardlyWaitsForCommits(t *testing.T) {
	t.Parallel()
	// By Zipf's law, order 0 has about a fifth of all events, order 1 half as many as order 0, order 2 a third as many,
	// and so on.
	const among, events = 100, 2000
	var shares [among]float64
	sum := 0.0
	for n := range shares {
		shares[n] = 1 / float64(n+1)
		sum += shares[n]
	}
	var orders []int
	hot := 0
	for random := rand.New(rand.NewPCG(1, 1)); len(orders) < events; {
		n := 0
		for at := random.Float64()*sum - shares[0]; at >= 0; at -= shares[n] {
			n++
		}
		orders = append(orders, n)
		if n == 0 {
			hot++
		}
	}
	f, took := paced(t, orders)
	if each := took / time.Duration(hot); each > 27*time.Millisecond {
		t.Errorf("got %v per event of order 0, want at most 27 ms: 21 for the call, 3 for the commit, 3 more", each)
	}
	if got := within(f.commits, 0, took); got > hot*7/4 {
		t.Errorf("got %d commits, want at most %d: one per event of order 0, and some for the others", got, hot*7/4)
	}
}

func TestLanesThatAreNotLongWaitForCommitsTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ orders, events int }{{2, 9}, {3, 90}, {11, 90}} {
		t.Run(fmt.Sprintf("%d orders with %d events each", c.orders, c.events), func(t *testing.T) {
			t.Parallel()
			var orders []int
			for i := range c.orders * c.events {
				orders = append(orders, i%c.orders)
			}
			f, took := paced(t, orders)
			for i, at := range f.commits[1:] {
				if gap := at - f.commits[i]; at < took && gap < 20*time.Millisecond {
					t.Errorf("got two commits within %v, want at least 20 ms between them", gap)
				}
			}
		})
	}
}

func TestTwoLongLanesShareTheirCommits(t *testing.T) {
	t.Parallel()
	const each = 40
	var orders []int
	for i := range 2 * each {
		orders = append(orders, i%2)
	}
	// The last events are no longer in a long lane.
	if _, took := paced(t, orders); took > 30*each*time.Millisecond {
		t.Errorf("got %v, want at most 30 ms per event of an order: 22 for the longer call, 3 for the commit, 5 more", took)
	}
}

// An acknowledged commit does not open a lane if the broker does not know the lane's partition.
func TestALaneThatNoCommitReleasesHurriesNone(t *testing.T) {
	t.Parallel()
	c := settings()
	c.CallsInFlight = 64
	h := started(t, c, orders(0), orders(1))
	var all []turn.Event
	for i := range int64(12) {
		all = append(all, eventOf(i, "a"))
	}
	h.read(orders(0), all...)
	h.read(orders(1), eventOf(0, "b"))
	h.settle()
	h.accept(orders(0), 0)
	h.wantCommit(true, "the long lane waits, and the last commit was long ago")
	h.answerCommit(turn.CommitAnswer{Unknown: []event.Partition{orders(0)}})
	h.accept(orders(1), 0)
	h.pass(19 * time.Millisecond)
	h.wantCommit(false, "within 20 ms of the last one: no commit releases the lane")
	h.pass(time.Millisecond)
	h.wantCommit(true, "20 ms after the last one")
}
