package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
)

// takes is the part of a Consumer that fetches letters to replay.
type takes struct {
	*base

	mu      sync.Mutex
	failing int     // letters whose last fetch failed
	again   retrier // for all letters together, so that an outage is logged once
}

// take retries the fetch of a letter until the letter has been read or is known to be gone, or until ctx ends. When ctx
// ends, the generation is over, and the next owner takes over the replay.
func (t *takes) take(ctx context.Context, take turn.Take) {
	var pace retrier
	failed := false
	for {
		taken, err := t.options.Take(ctx, take)
		if err == nil || ctx.Err() != nil {
			if failed {
				t.over(ctx)
			}
			if ctx.Err() == nil {
				t.send(func(now time.Time) { t.dispatcher.Taken(now, take.ID, taken) })
			}
			return
		}
		t.failed(ctx, take, err, !failed)
		failed = true
		pace.Failed()
		pace.Wait(ctx)
	}
}

// failed counts letters, not attempts, because the outage is over only when no letter is failing.
func (t *takes) failed(ctx context.Context, take turn.Take, err error, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first {
		t.failing++
	}
	why := reasonOf(err)
	t.waits.begin(waitTake, "letters to replay cannot be fetched: "+why)
	t.again.Failed()
	t.again.Log(t.log, why).WarnContext(ctx, "cannot fetch letters to replay; trying again",
		slog.String("letter", take.Letter.String()), slog.Any("error", err))
}

// over records that the fetches of a letter have ended, after at least one of them failed.
func (t *takes) over(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failing--; t.failing > 0 {
		return
	}
	t.waits.end(waitTake)
	log := t.again.Over(t.log)
	if ctx.Err() == nil {
		log.InfoContext(ctx, "letters to replay can be fetched again")
	}
}
