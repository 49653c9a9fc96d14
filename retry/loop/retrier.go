// Package loop repeats what must succeed in the end, such as reading a topic: it waits between tries and logs.
// Package retry is pure and does neither.
package loop

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// The first and the longest wait of a Retrier.
const firstWait, longestWait = 100 * time.Millisecond, 2 * time.Second

// mostLogged bounds the reasons that one Retrier remembers.
const mostLogged = 20

// Retrier repeats something that must succeed in the end: it waits longer from failure to failure, and logs each
// reason once. The zero value is ready. One goroutine uses it.
//
//	var r loop.Retrier
//	for err := try(); err != nil; err = try() {
//		r.Failed()
//		r.Log(log, "cannot fetch; trying again", err.Error(), slog.Any("error", err))
//		if !r.Wait(ctx) {
//			return
//		}
//	}
//	r.Over(log, "fetching again")
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

// Log logs a warning, unless one with the same reason was logged since the last success.
func (r *Retrier) Log(log *slog.Logger, message, reason string, facts ...any) {
	if slices.Contains(r.logged, reason) {
		return
	}
	r.logged = append(r.logged[max(0, len(r.logged)-mostLogged):], reason)
	log.With(facts...).Warn(message, slog.Int("tries", r.failures)) //nolint:sloglint // the caller's message is static
}

// Over forgets the failures. It logs the end of failures that were logged.
func (r *Retrier) Over(log *slog.Logger, message string) {
	if len(r.logged) > 0 {
		log.Info(message, slog.Int("tries", r.failures)) //nolint:sloglint // the caller's message is static
	}
	*r = Retrier{}
}

// Wait waits before the next try, from 100 ms to 2 s. It returns false if ctx has ended.
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
