package consumer

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"time"
)

const (
	// patience is how long a passing failure, such as a join while the group rebalances, may last before it is logged.
	patience = 10 * time.Second
	// mostTold bounds what one trouble remembers.
	mostTold = 20
)

// trouble spaces the retries of something that must succeed in the end. It logs each kind of failure once, not each try. The
// zero value is ready.
type trouble struct {
	tries int
	since time.Time // of the first failure
	told  []string
	next  time.Duration
}

// tell logs a failure if its text was not logged yet.
func (t *trouble) tell(log *slog.Logger, message string, err error) {
	t.failed()
	t.once(log, message, withoutPorts(err.Error()), slog.Any("error", err))
}

// explain logs a failure if its reason was not logged yet, and a passing one only if it lasts.
func (t *trouble) explain(log *slog.Logger, message string, r reason, err error) {
	t.failed()
	if !r.passing || time.Since(t.since) >= patience {
		t.once(log, message, r.String(), slog.Any("error", err), slog.String("reason", r.String()))
	}
}

func (t *trouble) failed() {
	if t.tries++; t.tries == 1 {
		t.since = time.Now()
	}
}

func (t *trouble) once(log *slog.Logger, message, text string, facts ...any) {
	if slices.Contains(t.told, text) {
		return
	}
	t.told = append(t.told[max(0, len(t.told)-mostTold):], text)
	log.With(facts...).Warn(message, slog.Int("tries", t.tries)) //nolint:sloglint // the caller's message is static
}

// over logs the end of a trouble that was logged.
func (t *trouble) over(log *slog.Logger, message string) {
	if len(t.told) > 0 {
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

// reason says why something fails.
type reason struct {
	what string // "topic orders does not exist": the state says the same as the log
	fix  string // who or which setting can change that; may be empty
	// passing says that it is normal for a while and usually ends without help.
	passing bool
}

func (r reason) String() string {
	if r.fix == "" {
		return r.what
	}
	return r.what + "; " + r.fix
}

// withoutPorts takes out our own end of connections, which is another one at each try.
func withoutPorts(text string) string { return ownEnd.ReplaceAllString(text, "->") }

var ownEnd = regexp.MustCompile(`\S+:\d+->`)
