package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// scene is one step of the story. Its faults last until the next scene.
type scene struct {
	at     float64 // as a share of the chapter's time
	text   string
	faults sandbox.Faults
	key    keyChange
	learns string // a status that LeadHit accepts from now on
}

// keyChange is what a scene does to the API key.
type keyChange uint8

const (
	keyStays keyChange = iota
	keyRotates
	keyIsHanded
)

// The latency of LeadHit without faults. It keeps about a third of the call slots busy, so that the worker can catch
// up.
const (
	latency = 60 * time.Millisecond
	jitter  = 60 * time.Millisecond
)

func healthy() sandbox.Faults { return sandbox.Faults{Latency: latency, Jitter: jitter} }

// learnedStatus is the status of most letters, so most of them can be replayed once LeadHit accepts it.
const learnedStatus = "cancelled"

// scenes returns the scenes of a chapter. The gaps between them leave the worker time to work through a backlog. The
// key is rejected for about a seventh of the chapter, so that a viewer sees the pause begin and end. Times are shares
// of a chapter, so a ten-second demo and a one-hour demo show the same faults. The first and the last scene have no
// faults, so a viewer sees the normal rate before and after. LeadHit learns a status once there are some letters, and
// has no faults while they are replayed.
func scenes(orders int) []scene {
	with := func(change func(*sandbox.Faults)) sandbox.Faults {
		f := healthy()
		change(&f)
		return f
	}
	return []scene{
		{at: 0, text: "no faults: LeadHit responds in about 0.1 s", faults: healthy()},
		{
			at: 0.10, text: "a third of all calls get a 503: the worker slows down",
			faults: with(func(f *sandbox.Faults) { f.Errors = 0.33; f.Orders = stuck() }),
		},
		{
			at: 0.22, text: "order " + orderID(0) + " gets only 503s; every tenth order is slow",
			faults: with(func(f *sandbox.Faults) { f.Orders = slow(orders) }),
		},
		{
			at: 0.34, text: "responses get lost: the worker retries the calls",
			faults: with(func(f *sandbox.Faults) { f.Lost = 0.04; f.LostResets = 0.04 }),
		},
		{
			at: 0.44, text: "LeadHit accepts the status " + learnedStatus + " from now on",
			faults: healthy(), learns: learnedStatus,
		},
		{
			at: 0.56, text: "LeadHit rejects our key (403): calls pause, no dead letters",
			faults: healthy(), key: keyRotates,
		},
		{at: 0.70, text: "a new key is in the key's file; the worker watches it", faults: healthy(), key: keyIsHanded},
		{
			at: 0.84, text: "connections break, HTML comes instead of JSON: retries",
			faults: with(func(f *sandbox.Faults) { f.Resets = 0.1; f.HTML = 0.1; f.WrongID = 0.05 }),
		},
		{at: 0.93, text: "no faults again", faults: healthy()},
	}
}

// stuck returns a fault for one order: each of its calls gets a 503. The fault shows that the other orders do not wait
// for this order.
func stuck() map[string]sandbox.OrderFault {
	return map[string]sandbox.OrderFault{orderID(0): {Status: 503}}
}

// slow returns the fault from stuck, plus late responses for every tenth order. A response after half of callTimeout is
// slow to a person, but not a failure to the worker.
func slow(orders int) map[string]sandbox.OrderFault {
	faults := stuck()
	for number := 10; number < orders; number += 10 {
		faults[orderID(number)] = sandbox.OrderFault{Latency: callTimeout / 2}
	}
	return faults
}

// chapterLength is the approximate length of a chapter if there are several.
const chapterLength = time.Minute

// chapters returns the length of a chapter and the number of chapters. A short demo is one short chapter. A long demo
// repeats the chapter. Without a length, chapters repeat until Ctrl-C, and count is 0. The length is divided evenly, so
// the last chapter is not cut off in the middle of a fault.
func chapters(length time.Duration) (each time.Duration, count int) {
	if length == 0 {
		return chapterLength, 0
	}
	count = max(int(length.Round(chapterLength)/chapterLength), 1)
	return length / time.Duration(count), count
}

// story plays its chapters and records the lines about them.
type story struct {
	length  time.Duration
	orders  int
	leadhit *sandbox.Sandbox
	keys    *keys
	begun   time.Time
	learns  chan struct{} // closed when LeadHit has learned a status

	learned []string // statuses

	mu   sync.Mutex
	told []beat
}

// beat is one line of the story. Numbers start at 1. The time is counted from the start of the demo.
type beat struct {
	number int
	at     time.Duration
	text   string
}

// play plays the chapters until they are over or ctx ends. Then it ends all faults and gives the worker the current
// key. Otherwise the worker could not finish its events. While the demo runs, only this goroutine changes faults and
// keys.
func (s *story) play(ctx context.Context) error {
	each, count := chapters(s.length)
	for chapter := 0; count == 0 || chapter < count; chapter++ {
		start := s.begun.Add(time.Duration(chapter) * each)
		for _, scene := range scenes(s.orders) {
			if scene.learns != "" && chapter > 0 {
				continue // LeadHit does not forget what it has learned
			}
			if !until(ctx, start.Add(time.Duration(scene.at*float64(each)))) {
				return s.repair()
			}
			if err := s.enter(scene); err != nil {
				return err
			}
		}
	}
	until(ctx, s.begun.Add(s.length))
	return s.repair()
}

// enter starts a scene. It replaces all faults, so that no fault of an earlier scene remains.
func (s *story) enter(sc scene) error {
	s.add(sc.text)
	if sc.learns != "" {
		s.learned = append(s.learned, sc.learns)
	}
	s.change(sc.faults)
	if sc.learns != "" {
		close(s.learns)
	}
	switch sc.key {
	case keyRotates:
		s.keys.rotate()
	case keyIsHanded:
		return s.keys.hand()
	case keyStays:
	}
	return nil
}

func (s *story) repair() error {
	s.change(healthy())
	return s.keys.hand()
}

// change replaces the faults. LeadHit keeps what it has learned.
func (s *story) change(faults sandbox.Faults) {
	faults.Statuses = s.learned
	s.leadhit.Change(func(f *sandbox.Faults) { *f = faults })
}

// add adds a line.
func (s *story) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, beat{number: len(s.told) + 1, at: time.Since(s.begun), text: text})
}

// beats returns the lines so far. Lines are only appended, so a clipped slice needs no copy.
func (s *story) beats() []beat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.told)
}

// until waits until the given moment. It returns false if ctx ends first.
func until(ctx context.Context, moment time.Time) bool {
	timer := time.NewTimer(time.Until(moment))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
