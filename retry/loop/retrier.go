// Package loop retries what must succeed in the end, such as reading a topic: it waits between attempts, and keeps
// the log short. Package retry is pure and does neither.
package loop

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// The first and the longest wait of a Retrier. There is no jitter, because a worker retries one request at a time.
const firstWait, longestWait = 100 * time.Millisecond, 2 * time.Second

// mostLogged bounds the reasons that one Retrier remembers, because an error's text may differ in each attempt.
const mostLogged = 20

// Retrier spaces the attempts at something that must succeed in the end: its waits double, up to 2 s. It returns
// loggers, so that the caller writes the messages, and a reason that lasts is logged once. The zero value is ready to
// use. Only one goroutine may use a Retrier.
//
//	var r loop.Retrier
//	for err := try(); err != nil; err = try() {
//		r.Failed()
//		r.Log(log, err.Error()).Warn("cannot fetch; trying again", slog.Any("error", err))
//		if !r.Wait(ctx) {
//			return
//		}
//	}
//	r.Over(log).Info("can fetch again")
type Retrier struct {
	failures int
	since    time.Time // of the first failure
	logged   []string  // reasons
	waits    *backoff.ExponentialBackOff
}

// Failed counts a failure. It returns the number of failures and how long ago the first one was.
func (r *Retrier) Failed() (failures int, lasting time.Duration) {
	if r.failures++; r.failures == 1 {
		r.since = time.Now()
	}
	return r.failures, time.Since(r.since)
}

// Failures returns the number of failures since the last success.
func (r *Retrier) Failures() int { return r.failures }

// Log returns a logger for the last failure. It discards everything if a failure with the same reason was logged since
// the last success.
func (r *Retrier) Log(log *slog.Logger, reason string) *slog.Logger {
	if slices.Contains(r.logged, reason) {
		return slog.New(slog.DiscardHandler)
	}
	r.logged = append(r.logged[max(0, len(r.logged)+1-mostLogged):], reason)
	return log.With(slog.Int("tries", r.failures))
}

// Over forgets the failures, and resets the waits. It returns a logger for the message that reports the success. The
// logger discards everything if no failure was logged.
func (r *Retrier) Over(log *slog.Logger) *slog.Logger {
	was := *r
	*r = Retrier{}
	if len(was.logged) == 0 {
		return slog.New(slog.DiscardHandler)
	}
	return log.With(slog.Int("tries", was.failures))
}

// Wait waits before the next attempt, from 100 ms to 2 s. It returns false if ctx is done.
func (r *Retrier) Wait(ctx context.Context) bool {
	if r.waits == nil {
		r.waits = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(firstWait), backoff.WithMaxInterval(longestWait), backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
	}
	timer := time.NewTimer(r.waits.NextBackOff())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
