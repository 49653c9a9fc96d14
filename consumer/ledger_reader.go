package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/follower"
	"leadhit-sync/deadletter/ledger"
)

const (
	// appendLimit bounds one attempt to write an entry.
	appendLimit = 20 * time.Second
	// quietTries is how many attempts may find an unknown ledger before that is logged: about three seconds. A topic
	// that was just created is not known to every broker at once.
	quietTries = 5
)

// Ledger is the topic by which all workers follow the same pauses. The zero value is none; then the dispatcher's flood
// guard must be off.
type Ledger struct {
	// Topic has one partition, and is one of the cluster's topics.
	Topic string
	// Exists reports whether the topic exists. It creates nothing. An error comes from Kafka, or says why the topic
	// cannot be used.
	Exists func(context.Context) (bool, error)
	// Ensure creates the topic unless it exists.
	Ensure func(context.Context) error
	// Append returns nil only when the entry is stored for good.
	Append func(context.Context, ledger.Entry) error
}

// ledgerReader passes the ledger to the dispatcher: all of it before the first call, and then each new entry.
type ledgerReader struct {
	*base

	follower follower.Follower
	log      *slog.Logger
	started  bool // it was read to its end once, and a goroutine follows it
	again    retrier
}

// newLedgerReader returns nil if there is no ledger.
func newLedgerReader(b *base) *ledgerReader {
	o := b.options
	if o.Ledger.Topic == "" {
		return nil
	}
	l := &ledgerReader{base: b, log: o.Logger.With(slog.String("topic", o.Ledger.Topic))}
	l.follower = follower.Follower{
		Cluster: o.Cluster, Topic: o.Ledger.Topic, Group: o.Group, Recreate: l.recreate, Logger: l.log,
	}
	return l
}

// readExisting reads the ledger before the worker joins the group, so that other workers have the partitions meanwhile.
// It creates no ledger; prepare does that later, so a worker that cannot join leaves no topic behind. False: ctx has
// ended.
func (l *ledgerReader) readExisting(ctx context.Context) bool {
	return l == nil || l.readAll(ctx, l.options.Ledger.Exists)
}

// recreate creates a deleted ledger again, but only in the group: before, its name may be wrong.
func (l *ledgerReader) recreate(ctx context.Context) (bool, error) {
	if !l.mayCreate.Load() {
		return false, nil
	}
	return true, l.options.Ledger.Ensure(ctx)
}

// readAll reads the ledger to its present end, however long that takes, unless it does not exist. It returns false if ctx has ended.
func (l *ledgerReader) readAll(ctx context.Context, exists func(context.Context) (bool, error)) bool {
	l.enter(Waiting)
	unread := "the ledger " + l.follower.Topic + " is not read yet; calls may be paused"
	l.waits.begin(waitLedger, unread)
	for quiet := 0; ; {
		is, err := exists(ctx)
		if err == nil && is {
			err = l.start(ctx)
		}
		switch {
		case err == nil:
			l.waits.end(waitLedger) // not before: one wait may outlast several generations
			l.again.Over(l.log).InfoContext(ctx, "the ledger can be read")
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, broker.ErrUnknownPartition) && quiet < quietTries:
			quiet++
		default:
			r := ledgerReason(err)
			l.waits.begin(waitLedger, unread+": "+r.String())
			l.again.explain(l.log, r, err).WarnContext(ctx,
				"cannot read the ledger, so nothing is called: calls may be paused")
		}
		if !l.again.Wait(ctx) {
			return false
		}
	}
}

// start reads the ledger to its present end, and lets a goroutine follow it from there.
func (l *ledgerReader) start(ctx context.Context) error {
	news, err := l.follower.Next(ctx)
	if err != nil {
		return err
	}
	l.pass(news)
	l.started = true
	l.spawn(l.follow)
	return nil
}

// follow takes entries as they arrive, until ctx ends. While the ledger cannot be read, the worker continues as before.
func (l *ledgerReader) follow(ctx context.Context) {
	for ctx.Err() == nil {
		news, err := l.follower.Next(ctx)
		switch {
		case err == nil:
			l.again.Over(l.log).InfoContext(ctx, "the ledger can be read again")
			l.pass(news)
		case ctx.Err() == nil:
			l.again.explain(l.log, ledgerReason(err), err).WarnContext(ctx, "cannot read the ledger, "+
				"so the worker does not see new pauses and resumes; it continues as before; trying again")
			l.again.Wait(ctx)
		}
	}
}

// pass passes news to the dispatcher in one turn, because nothing may happen between a pause and its resume.
func (l *ledgerReader) pass(news follower.News) {
	if len(news.Entries) == 0 && !news.Lost {
		return
	}
	l.send(func(now time.Time) {
		if news.Lost {
			l.dispatcher.LedgerLost()
		}
		for _, e := range news.Entries {
			l.dispatcher.Followed(now, e)
			if e.Event == ledger.GuardResume {
				l.pauses.resumed = e
			}
		}
	})
}

// announce writes a pause to the ledger, and retries until it is stored or ctx ends. The other workers follow it there,
// and so does this one after a restart.
func (l *ledgerReader) announce(ctx context.Context, e ledger.Entry) {
	e.Group = l.options.Group
	var again retrier
	for {
		err := l.append(ctx, e)
		if err == nil {
			again.Over(l.log).InfoContext(ctx, "the pause is in the ledger")
			return
		}
		if ctx.Err() != nil {
			return
		}
		again.fail(l.log, err).WarnContext(ctx,
			"cannot write the pause to the ledger: this worker pauses, but others do not see it; trying again")
		if !again.Wait(ctx) {
			return
		}
	}
}

func (l *ledgerReader) append(ctx context.Context, e ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	return l.options.Ledger.Append(ctx, e)
}
