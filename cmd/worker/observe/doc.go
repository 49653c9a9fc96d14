// Package observe watches a worker from outside: metrics, traces and the status page. The steps of an event's path do
// not depend on it.
//
// [Metrics] and [Tracing] decorate the steps, one line each in the wiring:
//
//	decode = metrics.Decode(decode)
//	send = tracing.Send(send, judge)
//	call = metrics.Call(call)
//	store = metrics.Store(store)
//
// Gauges and the status are read from the consumer on demand. Metrics and Tracing may be used by several goroutines.
// Only Tracing has a goroutine of its own, the span batcher; the function that Start returns ends that goroutine and
// waits for it.
package observe

import (
	"context"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// decoder turns an event into items.
type decoder = func(context.Context, *consumer.Event) ([]event.Item, error)

// caller makes one call. Its error is the outcome, not yet judged.
type caller = func(context.Context, consumer.Call) error

// judgedCaller makes one call and judges its outcome.
type judgedCaller = func(context.Context, consumer.Call) retry.Verdict

// repeater observes a call that is not made.
type repeater = func(context.Context, consumer.Call)

// storer stores one letter.
type storer = func(context.Context, consumer.Letter) error

// taker fetches a letter and maps its event again.
type taker = func(context.Context, turn.Take) (turn.Taken, error)
