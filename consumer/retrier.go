package consumer

import (
	"log/slog"
	"regexp"
	"time"

	"leadhit-sync/retry/loop"
)

// patience is how long a passing failure, such as a join while the group rebalances, may last before it is logged.
const patience = 10 * time.Second

// retrier is a [loop.Retrier] that logs a failure with its reason. The zero value is ready to use.
type retrier struct{ loop.Retrier }

// fail counts a failure. It returns the logger for that failure, which discards everything if the error's text was
// already logged.
func (t *retrier) fail(log *slog.Logger, err error) *slog.Logger {
	t.Failed()
	return t.Log(log, withoutPorts(err.Error())).With(slog.Any("error", err))
}

// explain does what fail does, for a failure with a known reason. A passing failure is logged only if it lasts.
func (t *retrier) explain(log *slog.Logger, r reason, err error) *slog.Logger {
	if _, lasting := t.Failed(); r.passing && lasting < patience {
		return slog.New(slog.DiscardHandler)
	}
	return t.Log(log, r.String()).With(slog.Any("error", err), slog.String("reason", r.String()))
}

// reason says why something fails.
type reason struct {
	what string // such as "topic orders does not exist"; State and the log show the same text
	fix  string // what to do, or which setting to check; may be empty
	// passing says that the failure is normal for a while and usually ends without help.
	passing bool
}

func (r reason) String() string {
	if r.fix == "" {
		return r.what
	}
	return r.what + "; " + r.fix
}

// withoutPorts removes our own end of a connection from an error's text, because our port differs in each attempt. The
// text of a failure that lasts must stay the same; otherwise the log would repeat it.
func withoutPorts(text string) string { return ownEnd.ReplaceAllString(text, "->") }

var ownEnd = regexp.MustCompile(`\S+:\d+->`)
