package retry_test

import (
	"container/heap"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// world is virtual time: whatever falls due runs in order, and takes no time.
type world struct {
	now    time.Duration
	seq    int
	queue  timers
	random *rand.Rand
}

type timer struct {
	at  time.Duration
	seq int
	run func()
}

// timers is a heap; the earliest timer is on top.
type timers struct{ items []timer }

func (t *timers) Len() int { return len(t.items) }
func (t *timers) Less(i, j int) bool {
	a, b := t.items[i], t.items[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
func (t *timers) Swap(i, j int) { t.items[i], t.items[j] = t.items[j], t.items[i] }
func (t *timers) Push(x any)    { t.items = append(t.items, x.(timer)) }
func (t *timers) Pop() any {
	last := len(t.items) - 1
	x := t.items[last]
	t.items = t.items[:last]
	return x
}

func (w *world) after(d time.Duration, run func()) {
	w.seq++
	heap.Push(&w.queue, timer{w.now + d, w.seq, run})
}

// until advances the time to end, and runs what falls due.
func (w *world) until(end time.Duration) {
	for w.queue.Len() > 0 && w.queue.items[0].at <= end {
		next := heap.Pop(&w.queue).(timer)
		w.now = next.at
		next.run()
	}
	w.now = end
}

// clock returns the virtual time in the form that the Governor takes.
func (w *world) clock() time.Time { return time.Unix(1_800_000_000, 0).Add(w.now) }

// server responds to a call at some time, or never.
type server interface {
	receive(answer func(retry.Verdict))
}

// client makes calls as a worker does. Orders that are ready get their calls in turn. Orders whose calls failed wait
// for their backoff.
type client struct {
	*world
	t        *testing.T
	governor *retry.Governor
	policy   retry.Policy
	server   server
	timeout  time.Duration
	again    bool // an order that is done gets its next status at once
	ready    []int
	backoffs map[int]*retry.Backoff
	wake     time.Duration

	begun      []time.Duration // when each call began
	done       []time.Duration // when each success arrived
	unanswered int             // calls that the server finished after the caller had abandoned them
	refused    int
}

func newClient(t *testing.T, seed uint64, inFlight int) *client {
	t.Helper()
	w := &world{random: rand.New(rand.NewPCG(seed, 1))}
	return &client{
		world: w, t: t, timeout: 2 * time.Second, wake: -1, backoffs: map[int]*retry.Backoff{},
		policy:   retry.Policy{Initial: 500 * time.Millisecond, Max: time.Minute, Random: w.random},
		governor: retry.NewGovernor(inFlight, 0, w.random),
	}
}

func (c *client) add(order int) {
	c.ready = append(c.ready, order)
	c.pump()
}

// pump starts the calls that may start, and schedules its next run for the time when more may start.
func (c *client) pump() {
	for len(c.ready) > 0 && c.governor.MayCall(c.clock()) {
		order := c.ready[0]
		c.ready = c.ready[1:]
		c.call(order)
	}
	if len(c.ready) == 0 {
		return
	}
	at := c.governor.Next(c.clock())
	if at.IsZero() {
		if c.governor.InFlight() == 0 {
			c.t.Fatalf("at %v nothing is in flight, no call may start, and nothing falls due", c.now)
		}
		return
	}
	if wake := at.Sub(c.clock()) + c.now; c.wake <= c.now || wake < c.wake {
		c.wake = wake
		c.after(wake-c.now, c.pump)
	}
}

func (c *client) call(order int) {
	pass := c.governor.Start(c.clock())
	c.begun = append(c.begun, c.now)
	over := false
	end := func(v retry.Verdict) {
		over = true
		c.governor.Answered(c.clock(), strconv.Itoa(order), pass, v)
		c.judged(order, v)
		c.pump()
	}
	c.after(c.timeout, func() {
		if !over {
			end(retry.Verdict{Cause: "Timeout"})
		}
	})
	c.server.receive(func(v retry.Verdict) {
		switch {
		case !over:
			end(v)
		case v.Kind == retry.Done:
			c.unanswered++
		}
	})
}

func (c *client) judged(order int, v retry.Verdict) {
	switch {
	case v.Kind == retry.Done:
		c.done = append(c.done, c.now)
		delete(c.backoffs, order)
		if c.again {
			c.ready = append(c.ready, order)
		}
		return
	case v.Code == 503:
		c.refused++
	}
	if c.backoffs[order] == nil {
		c.backoffs[order] = c.policy.Backoff()
	}
	c.after(c.backoffs[order].Next(), func() { c.add(order) })
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

func firstFrom(moments []time.Duration, from time.Duration) (time.Duration, bool) {
	for _, m := range moments {
		if m >= from {
			return m, true
		}
	}
	return 0, false
}

// queueServer handles one call at a time, and finishes even those that the caller has abandoned.
type queueServer struct {
	*world
	perSecond float64
	down      func(answer func(retry.Verdict)) // what it does while it is down; nil: it works
	queue     []func(retry.Verdict)
	working   bool
	longest   int
}

func (s *queueServer) receive(answer func(retry.Verdict)) {
	if s.down != nil {
		s.down(answer)
		return
	}
	s.queue = append(s.queue, answer)
	s.longest = max(s.longest, len(s.queue))
	s.work()
}

func (s *queueServer) work() {
	if s.working || len(s.queue) == 0 {
		return
	}
	s.working = true
	s.after(time.Duration(float64(time.Second)/s.perSecond), func() {
		s.working = false
		if s.down != nil {
			return
		}
		first := s.queue[0]
		s.queue = s.queue[1:]
		first(retry.Verdict{Kind: retry.Done, Answered: true})
		s.work()
	})
}

// crash drops the connections of all waiting calls.
func (s *queueServer) crash(down func(func(retry.Verdict))) {
	s.down = down
	queue := s.queue
	s.queue = nil
	for _, answer := range queue {
		s.after(0, func() { answer(retry.Verdict{Cause: "Reset"}) })
	}
}

// bucketServer accepts a fixed number of calls a second, with bursts. The other calls get a 503, either after the same
// latency or without any delay in the server.
type bucketServer struct {
	*world
	perSecond, burst float64
	latency          time.Duration
	refusesAtOnce    bool
	tokens           float64
	filled           time.Duration
}

func (s *bucketServer) receive(answer func(retry.Verdict)) {
	// Half of the latency passes before the server has the call.
	s.after(s.latency/2, func() {
		s.tokens = min(s.burst, s.tokens+(s.now-s.filled).Seconds()*s.perSecond)
		s.filled = s.now
		v, wait := retry.Verdict{Kind: retry.Done, Answered: true}, s.latency/2
		if s.tokens < 1 {
			v = retry.Verdict{Cause: "HTTP 503", Code: 503}
			if s.refusesAtOnce {
				wait = 0
			}
		} else {
			s.tokens--
		}
		s.after(wait, func() { answer(v) })
	})
}
