package worker

import (
	"context"

	"leadhit-sync/consumer"
	"leadhit-sync/retry"
)

// CallUntraced makes a call the way a worker does whose tracing is off.
func CallUntraced(ctx context.Context, c consumer.Call, judge func(error) retry.Verdict, send func(traceparent string) error) retry.Verdict {
	var off *tracing
	return off.called(ctx, c, judge, send)
}
