package worker_test

import (
	"context"
	"testing"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/consumer"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// BenchmarkTracingOff compares a call of a worker that does not trace with the same call without tracing in the code. A call takes
// milliseconds on the wire; here it is nothing, so that only the way to it counts.
func BenchmarkTracingOff(b *testing.B) {
	var judge leadhit.Judge
	call := consumer.Call{ID: "orders-0-0", Order: "4711", Status: "paid", Event: new(consumer.Event)}
	for name, one := range map[string]func(context.Context) retry.Verdict{
		"absent": func(context.Context) retry.Verdict { return judge.Judge(send(call, "")) },
		"off": func(ctx context.Context) retry.Verdict {
			return worker.CallUntraced(ctx, call, judge.Judge, func(traceparent string) error { return send(call, traceparent) })
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := one(b.Context()); v.Kind != retry.Done {
					b.Fatalf("got %+v, want done", v)
				}
			}
		})
	}
}

// send stands in for the client.
//
//go:noinline
func send(c consumer.Call, traceparent string) error {
	if c.ID == traceparent {
		return context.Canceled
	}
	return nil
}
