package observe_test

import (
	"context"
	"testing"

	"leadhit-sync/cmd/worker/observe"
	"leadhit-sync/consumer"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// BenchmarkTracingOff compares a call with tracing turned off with a call without any tracing code. A call takes
// milliseconds on the wire; here it takes no time, so that only the code around it counts.
func BenchmarkTracingOff(b *testing.B) {
	var judge leadhit.Judge
	var off *observe.Tracing
	call := consumer.Call{ID: "orders-0-0", Order: "4711", Status: "paid", Event: new(consumer.Event)}
	for name, send := range map[string]func(context.Context, consumer.Call) error{
		"absent": send,
		"off":    off.Send(send, judge.Judge),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := judge.Judge(send(b.Context(), call)); v.Kind != retry.Done {
					b.Fatalf("got %+v, want done", v)
				}
			}
		})
	}
}

// send stands in for the client.
//
//go:noinline
func send(ctx context.Context, c consumer.Call) error {
	if c.ID == observe.Traceparent(ctx) {
		return context.Canceled
	}
	return nil
}
