package consumer

import (
	"context"
	"log/slog"
	"regexp"
	"time"
)

// trouble spaces the tries of something that must succeed in the end, and tells of it once, not at each try. The zero
// value is ready.
type trouble struct {
	tries int
	told  string
	next  time.Duration
}

// tell writes a line at the first failure and whenever the error changes.
func (t *trouble) tell(log *slog.Logger, message string, err error) {
	t.tries++
	if said := withoutPorts(err.Error()); said != t.told {
		t.told = said
		log.Warn(message, slog.Any("error", err), slog.Int("tries", t.tries)) //nolint:sloglint // the caller's message is static
	}
}

// over writes a line if there was trouble.
func (t *trouble) over(log *slog.Logger, message string) {
	if t.tries > 0 {
		log.Info(message, slog.Int("tries", t.tries)) //nolint:sloglint // the caller's message is static
	}
	*t = trouble{}
}

// wait waits before the next try. False: ctx has ended.
func (t *trouble) wait(ctx context.Context) bool {
	t.next = min(max(2*t.next, firstWait), longestWait)
	timer := time.NewTimer(t.next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// withoutPorts takes out our own end of connections, which is another one at each try.
func withoutPorts(text string) string { return ownEnd.ReplaceAllString(text, "->") }

var ownEnd = regexp.MustCompile(`\S+:\d+->`)
