package consumer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// letters is the part of a Consumer that stores dead letters.
type letters struct {
	*base

	mu      sync.Mutex
	failing map[letterAt]bool // not stored yet
	again   retrier           // for all letters together; the dispatcher spaces the attempts
}

// store makes one attempt to store a letter. The dispatcher decides when to retry.
func (l *letters) store(ctx context.Context, s turn.Store) {
	e, _ := s.Record.(*Event)
	err := l.options.Store(ctx, Letter{Store: s, Event: e})
	l.note(ctx, s, err)
	l.send(func(now time.Time) { l.dispatcher.Stored(now, s.ID, err == nil) })
}

// note logs, once per reason, that letters cannot be stored. It also logs when all letters can be stored again.
func (l *letters) note(ctx context.Context, s turn.Store, err error) {
	if ctx.Err() != nil { // it failed because the worker is stopping, not because of the topic
		return
	}
	at := letterAt{s.Partition, s.Offset, s.Item}
	l.mu.Lock()
	defer l.mu.Unlock()
	was := len(l.failing)
	if err == nil {
		delete(l.failing, at)
		if was > 0 && len(l.failing) == 0 {
			l.waits.end(waitLetters)
			l.again.Over(l.log).InfoContext(ctx, "letters can be stored again")
		}
		return
	}
	l.counts.letterFailures.Add(1)
	l.failing[at] = true
	l.waits.begin(waitLetters, "letters cannot be stored: "+withoutPorts(err.Error()))
	l.again.Failed()
	l.again.Log(l.log, reasonOf(err)).ErrorContext(ctx, "letters cannot be stored; their orders wait; trying again",
		slog.String("topic", s.Topic), slog.Int("partition", s.Number), slog.Int64("offset", s.Offset),
		slog.Any("error", err))
}

// reasonOf returns an error's text without the part that names the letter, so that many letters share a reason.
func reasonOf(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return withoutPorts(err.Error())
}

type letterAt struct {
	event.Partition
	offset int64
	item   int
}

// forget drops the failed letters at the end of a generation, because the next owner stores them.
func (l *letters) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.failing)
	l.again = retrier{}
	l.waits.end(waitLetters)
}
