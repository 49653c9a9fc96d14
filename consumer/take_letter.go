package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch"
)

// takeLetter fetches a letter for a replay, until it is known what became of it or ctx ends. Then the generation is
// over, and the next owner takes the replay up.
func (b *base) takeLetter(ctx context.Context, t dispatch.Take) {
	var again retrier
	log := b.log.With(slog.String("letter", t.Letter.String()))
	key := waitTake + t.Letter.String()
	defer b.waits.end(key)
	for {
		taken, err := b.options.Take(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			again.Over(log).InfoContext(ctx, "the letter can be fetched for its replay again")
			b.send(func(now time.Time) { b.dispatcher.Taken(now, t.ID, taken) })
			return
		}
		b.waits.begin(key, "letters cannot be fetched for their replays: "+withoutPorts(err.Error()))
		again.fail(log, err).WarnContext(ctx, "cannot fetch a letter for its replay; trying again")
		if !again.Wait(ctx) {
			return
		}
	}
}
