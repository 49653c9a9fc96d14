package consumer

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
)

// errLeaseOver says that the group may have given the partition to another member.
var errLeaseOver = errors.New("the lease on the partition has run out")

// caller makes a call, and then the next one, for as long as there is one for it.
func (c *Consumer) caller(ctx context.Context, call dispatch.Call) {
	for more := true; more; {
		e, _ := call.Record.(*Event)
		until := call.Until
		verdict := c.options.Call(ctx, Call{
			ID: callID(call), Order: call.Order, Status: call.Status, Event: e,
			Before: func() error {
				if !time.Now().Before(until) {
					return errLeaseOver
				}
				return nil
			},
		})
		id := call.ID
		more, _ = c.take(func(now time.Time) { c.dispatcher.Answered(now, id, verdict) }, &call)
	}
}

// callID names a call after its event, so that a repeated call bears the same id.
func callID(c dispatch.Call) string {
	id := make([]byte, 0, len(c.Topic)+32)
	id = append(append(id, c.Topic...), '-')
	id = append(strconv.AppendInt(id, int64(c.Number), 10), '-')
	id = strconv.AppendInt(id, c.Offset, 10)
	if c.Several {
		id = strconv.AppendInt(append(id, '-'), int64(c.Item), 10)
	}
	return string(id)
}

func (c *Consumer) store(ctx context.Context, s dispatch.Store) {
	e, _ := s.Record.(*Event)
	err := c.options.Store(ctx, Letter{Store: s, Event: e})
	c.tellLetter(ctx, s, err)
	c.send(func(now time.Time) { c.dispatcher.Stored(now, s.ID, err == nil) })
}

// tellLetter writes a line when the first letter cannot be stored, when another one cannot be for another reason, and when none
// waits any more.
func (c *Consumer) tellLetter(ctx context.Context, s dispatch.Store, err error) {
	if ctx.Err() != nil {
		return
	}
	at := letterAt{s.Partition, s.Offset, s.Item}
	c.failing.Lock()
	defer c.failing.Unlock()
	was := len(c.failing.letters)
	if err == nil {
		delete(c.failing.letters, at)
		if was > 0 && len(c.failing.letters) == 0 {
			c.waits.end(waitLetters)
			c.log.InfoContext(ctx, "letters are stored again")
			clear(c.failing.told)
		}
		return
	}
	c.counts.letterFailures.Add(1)
	c.failing.letters[at] = true
	c.waits.begin(waitLetters, "letters cannot be stored: "+withoutPorts(err.Error()))
	if reason := reasonOf(err); !c.failing.told[reason] && len(c.failing.told) < mostReasons {
		c.failing.told[reason] = true
		c.log.ErrorContext(ctx, "letters cannot be stored; their orders wait; trying again",
			slog.String("topic", s.Topic), slog.Int("partition", s.Number), slog.Int64("offset", s.Offset),
			slog.Any("error", err))
	}
}

// reasonOf is an error's text without what differs between letters: which of them it was.
func reasonOf(err error) string {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return withoutPorts(err.Error())
}

// mostReasons bounds the lines about letters that cannot be stored, until all are.
const mostReasons = 10

// failing holds the letters that could not be stored yet, and the reasons that were logged.
type failing struct {
	sync.Mutex
	letters map[letterAt]bool
	told    map[string]bool
}

type letterAt struct {
	event.Partition
	offset int64
	item   int
}

// forget drops them at the end of a generation: the next owner stores them.
func (f *failing) forget() {
	f.Lock()
	defer f.Unlock()
	clear(f.letters)
	clear(f.told)
}
