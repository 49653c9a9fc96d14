package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// scene is a moment of the story: what is wrong with LeadHit from then on.
type scene struct {
	at     float64 // share of the chapter that has passed
	text   string
	faults sandbox.Faults
	key    keyTurn
}

// keyTurn is what a scene does to the API key.
type keyTurn uint8

const (
	keyStays keyTurn = iota
	keyRotates
	keyIsHanded
)

// The latency of a healthy LeadHit: it keeps a third of callsInFlight busy, which leaves room for a backlog.
const (
	latency = 60 * time.Millisecond
	jitter  = 60 * time.Millisecond
)

func healthy() sandbox.Faults { return sandbox.Faults{Latency: latency, Jitter: jitter} }

// scenes is one chapter.
func scenes(orders int) []scene {
	with := func(change func(*sandbox.Faults)) sandbox.Faults {
		f := healthy()
		change(&f)
		return f
	}
	return []scene{
		{at: 0, text: "all is well: LeadHit answers in about 0.1 s", faults: healthy()},
		{
			at: 0.12, text: "a third of all calls get a 503: the worker calls less",
			faults: with(func(f *sandbox.Faults) { f.Errors = 0.33; f.Orders = stuck() }),
		},
		{
			at: 0.26, text: "order " + orderID(0) + " gets nothing but 503, every tenth is slow",
			faults: with(func(f *sandbox.Faults) { f.Orders = slow(orders) }),
		},
		{
			at: 0.40, text: "answers get lost: done or not? the worker calls again",
			faults: with(func(f *sandbox.Faults) { f.Lost = 0.04; f.LostResets = 0.04 }),
		},
		{
			at: 0.50, text: "LeadHit refuses our key (403): calls pause, no dead letters",
			faults: healthy(), key: keyRotates,
		},
		{at: 0.68, text: "a new key is in the key's file, which the worker watches", faults: healthy(), key: keyIsHanded},
		{
			at: 0.82, text: "connections break, HTML comes for JSON: called again",
			faults: with(func(f *sandbox.Faults) { f.Resets = 0.1; f.HTML = 0.1; f.WrongID = 0.05 }),
		},
		{at: 0.92, text: "all is well again", faults: healthy()},
	}
}

// stuck is one order that gets nothing but 503.
func stuck() map[string]sandbox.OrderFault {
	return map[string]sandbox.OrderFault{orderID(0): {Status: 503}}
}

// slow is the stuck order, and every tenth one that is answered late, yet in time.
func slow(orders int) map[string]sandbox.OrderFault {
	faults := stuck()
	for number := 10; number < orders; number += 10 {
		faults[orderID(number)] = sandbox.OrderFault{Latency: callTimeout / 2}
	}
	return faults
}

// chapterLength is about how long a chapter is where there is time for several.
const chapterLength = time.Minute

// chapters divides the demo's time: a short one is one chapter whose moments move together, a long one several that are
// alike. Without a length they go on for ever; count is 0 then.
func chapters(length time.Duration) (each time.Duration, count int) {
	if length == 0 {
		return chapterLength, 0
	}
	count = max(int(length.Round(chapterLength)/chapterLength), 1)
	return length / time.Duration(count), count
}

// story plays its chapters and keeps what was told.
type story struct {
	length  time.Duration
	orders  int
	leadhit *sandbox.Sandbox
	keys    *keys
	begun   time.Time

	mu   sync.Mutex
	told []beat
}

// beat is one line of the story. Numbers count from 1.
type beat struct {
	number int
	at     time.Duration
	text   string
}

// play goes through the chapters until they or ctx end. Then LeadHit is well again, and the worker has its key.
func (s *story) play(ctx context.Context) error {
	each, count := chapters(s.length)
	for chapter := 0; count == 0 || chapter < count; chapter++ {
		start := s.begun.Add(time.Duration(chapter) * each)
		for _, scene := range scenes(s.orders) {
			if !until(ctx, start.Add(time.Duration(scene.at*float64(each)))) {
				return s.heal()
			}
			if err := s.enter(scene); err != nil {
				return err
			}
		}
	}
	until(ctx, s.begun.Add(s.length))
	return s.heal()
}

func (s *story) enter(sc scene) error {
	s.tell(sc.text)
	s.leadhit.Change(func(f *sandbox.Faults) { *f = sc.faults })
	switch sc.key {
	case keyRotates:
		s.keys.rotate()
	case keyIsHanded:
		return s.keys.hand()
	case keyStays:
	}
	return nil
}

func (s *story) heal() error {
	s.leadhit.Change(func(f *sandbox.Faults) { *f = healthy() })
	return s.keys.hand()
}

// tell adds a line.
func (s *story) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, beat{number: len(s.told) + 1, at: time.Since(s.begun), text: text})
}

// beats returns what was told so far.
func (s *story) beats() []beat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.told)
}

// until waits for a moment. False: ctx has ended.
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
