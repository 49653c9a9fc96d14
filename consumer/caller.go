package consumer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
)

// errLeaseOver says that the group may have given the partition to another member.
var errLeaseOver = errors.New("the lease on the partition has run out")

// call makes a call, then each next one that the dispatcher returns.
func (b *base) call(ctx context.Context, call turn.Call) {
	for more := true; more; {
		e, _ := call.Record.(*Event)
		until := call.Until
		verdict := b.options.Call(ctx, Call{
			ID: callID(call), Order: call.Order, Status: call.Status, Event: e,
			Before: func() error {
				if !time.Now().Before(until) {
					return errLeaseOver
				}
				return nil
			},
		})
		id := call.ID // take overwrites call
		more, _ = b.take(func(now time.Time) { b.dispatcher.Answered(now, id, verdict) }, &call)
	}
}

// callID names a call after its event, so that a repeat has the same id.
func callID(c turn.Call) string {
	id := make([]byte, 0, len(c.Topic)+32)
	id = append(append(id, c.Topic...), '-')
	id = append(strconv.AppendInt(id, int64(c.Number), 10), '-')
	id = strconv.AppendInt(id, c.Offset, 10)
	if c.Several {
		id = strconv.AppendInt(append(id, '-'), int64(c.Item), 10)
	}
	return string(id)
}
