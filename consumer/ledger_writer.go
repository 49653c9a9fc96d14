package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
)

// appendLimit bounds the time that one attempt to write entries may take.
const appendLimit = 20 * time.Second

// ledgerWriter appends this worker's entries to the ledger.
type ledgerWriter struct {
	*base

	again retrier // for entries about letters, which have at most one write in flight
}

// announce writes a pause to the ledger, and retries until it is stored or ctx ends. The other workers read it there,
// and so does this one after a restart.
func (l *ledgerWriter) announce(ctx context.Context, e ledger.Entry) {
	var again retrier
	for {
		err := l.append(ctx, e)
		if err == nil {
			again.Over(l.logger()).InfoContext(ctx, "the pause is in the ledger")
			return
		}
		if ctx.Err() != nil {
			return
		}
		again.fail(l.logger(), err).WarnContext(ctx,
			"cannot write the pause to the ledger: this worker pauses, but others do not see it; trying again")
		if !again.Wait(ctx) {
			return
		}
	}
}

// write writes entries that result from calls: marks on older letters, and outcomes of replays. The dispatcher decides
// when to retry.
func (l *ledgerWriter) write(ctx context.Context, a turn.Append) {
	err := l.append(ctx, a.Entries...)
	switch {
	case err == nil:
		l.waits.end(waitEntries)
		l.again.Over(l.logger()).InfoContext(ctx, "can write to the ledger again")
	case ctx.Err() == nil: // otherwise the write failed because the worker is stopping
		l.waits.begin(waitEntries, "entries cannot be written to the ledger, so the orders of accepted events wait: "+
			withoutPorts(err.Error()))
		l.again.fail(l.logger(), err).ErrorContext(ctx,
			"cannot write to the ledger: events and replays that LeadHit accepted do not count as finished; trying again")
	}
	l.send(func(now time.Time) { l.dispatcher.Appended(now, a.ID, err == nil) })
}

func (l *ledgerWriter) append(ctx context.Context, entries ...ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	for i := range entries {
		entries[i].Group = l.options.Group
	}
	return l.options.Ledger.Append(ctx, entries...)
}

func (l *ledgerWriter) logger() *slog.Logger {
	return l.log.With(slog.String("topic", l.options.Ledger.Topic))
}
