package consumer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// errLeaseOver says that the group may have given the partition to another member.
var errLeaseOver = errors.New("the lease on the partition has run out")

// call makes a call, and then every further call that the dispatcher returns.
func (b *base) call(ctx context.Context, call turn.Call) {
	// Each call derives contexts from ctx. That locks ctx and adds to its list of children, so each goroutine gets a
	// context of its own.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for more := true; more; {
		e, _ := call.Record.(*Event)
		until := call.Until
		verdict := b.options.Call(ctx, Call{
			ID: callID(call.Partition, call.Offset, call.Item, call.Several), Order: call.Order, Status: call.Status, Event: e,
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

// repeat passes repeats to Options.Repeat, which is called instead of Options.Call.
func (b *base) repeat(ctx context.Context, repeats []turn.Repeat) {
	for _, r := range repeats {
		e, _ := r.Record.(*Event)
		b.options.Repeat(ctx, Call{
			ID: callID(r.Partition, r.Offset, r.Item, r.Several), Order: r.Order, Status: r.Status, Event: e,
		})
	}
}

// callID names a call after its event, so that the same call by another worker has the same id.
func callID(at event.Partition, offset int64, item int, several bool) string {
	var short [96]byte // a longer id costs another allocation
	id := append(append(short[:0], at.Topic...), '-')
	id = append(strconv.AppendInt(id, int64(at.Number), 10), '-')
	id = strconv.AppendInt(id, offset, 10)
	if several {
		id = strconv.AppendInt(append(id, '-'), int64(item), 10)
	}
	return string(id)
}
