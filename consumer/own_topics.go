package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/follower"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// Ledger is the topic through which all workers follow the same pauses and replays. The zero value means no ledger; in
// that case, the dispatcher's flood guard and replays must be off.
type Ledger struct {
	// Topic has one partition, and must be among the Topics in the cluster's options.
	Topic string
	// Exists reports whether the topic exists. It creates nothing. An error comes from Kafka, or says why the topic
	// cannot be used.
	Exists func(context.Context) (bool, error)
	// Ensure creates the topic unless it exists.
	Ensure func(context.Context) error
	// Append returns nil only when all entries are stored durably, in their order.
	Append func(context.Context, ...ledger.Entry) error
}

// Letters is the dead-letter topic, which is read so that letters can be replayed. The dispatcher's replays need it.
type Letters struct {
	// Topic has one partition, and must be among the Topics in the cluster's options. Exists works as in [Ledger].
	Topic  string
	Exists func(context.Context) (bool, error)
	// Parse returns what the dispatcher must know about a record. It returns false for anything that is not a letter of
	// this group.
	Parse func(event.Record) (fold.Letter, bool)
}

// ownTopics reads the letters' topic and the ledger.
type ownTopics struct {
	*base

	ledger  *topicReader[ledger.Entry] // nil: none
	letters *topicReader[fold.Letter]  // nil: no replays
}

// newOwnTopics sets up a reader for the letters only if replays are on: otherwise no letter is marked or replayed.
func newOwnTopics(b *base) *ownTopics {
	o := b.options
	t := &ownTopics{base: b}
	if o.Ledger.Topic != "" {
		t.ledger = &topicReader[ledger.Entry]{
			base: b, log: o.Logger.With(slog.String("topic", o.Ledger.Topic)),
			exists: o.Ledger.Exists, say: t.followed, until: -1,
			words: words{
				wait: waitLedger, name: "the ledger", unread: "it may contain a pause",
				unseen: "new pauses, resumes and replays",
			},
		}
		t.ledger.follower = follower.Follower[ledger.Entry]{
			Cluster: o.Cluster, Topic: o.Ledger.Topic, Parse: t.entry(), Recreate: t.recreate,
		}
	}
	if o.Dispatch.Replays {
		t.letters = &topicReader[fold.Letter]{
			base: b, log: o.Logger.With(slog.String("topic", o.Letters.Topic)),
			exists: o.Letters.Exists, say: t.lettersRead, until: -1,
			words: words{
				wait: waitLettersRead, name: "the dead-letter topic",
				unread: "a newer event of an order must mark its older letters", unseen: "letters of other workers",
			},
		}
		t.letters.follower = follower.Follower[fold.Letter]{
			Cluster: o.Cluster, Topic: o.Letters.Topic, Parse: o.Letters.Parse, Newest: fold.WorkerHorizon,
		}
	}
	return t
}

// readExisting reads both topics before the worker joins the group, so that other workers have the partitions
// meanwhile. Missing topics are created after the join, so a worker that cannot join leaves none behind. It returns
// false if ctx has ended.
func (t *ownTopics) readExisting(ctx context.Context) bool {
	return t.read(ctx, func(r *topicReader[ledger.Entry]) bool { return r.readAll(ctx, r.exists) },
		func(r *topicReader[fold.Letter]) bool { return r.readAll(ctx, r.exists) })
}

// readCreated reads the topics that did not exist before the join. Prepare has created the letters' topic.
func (t *ownTopics) readCreated(ctx context.Context) bool {
	ensure := func(ctx context.Context) (bool, error) { return true, t.options.Ledger.Ensure(ctx) }
	prepared := func(context.Context) (bool, error) { return true, nil }
	return t.read(ctx,
		func(r *topicReader[ledger.Entry]) bool { return r.started || r.readAll(ctx, ensure) },
		func(r *topicReader[fold.Letter]) bool { return r.started || r.readAll(ctx, prepared) })
}

// read reads both topics concurrently, so that a worker with few letters starts as fast as one that reads only the
// ledger.
func (t *ownTopics) read(
	ctx context.Context, entries func(*topicReader[ledger.Entry]) bool, letters func(*topicReader[fold.Letter]) bool,
) bool {
	var hands sync.WaitGroup
	if t.ledger != nil {
		hands.Go(func() { entries(t.ledger) })
	}
	if t.letters != nil {
		hands.Go(func() { letters(t.letters) })
	}
	hands.Wait()
	return ctx.Err() == nil
}

// recreate recreates a deleted ledger, but only after the worker has joined the group, because until then, the ledger's
// name may be wrong.
func (t *ownTopics) recreate(ctx context.Context) (bool, error) {
	if !t.mayCreate.Load() {
		return false, nil
	}
	return true, t.options.Ledger.Ensure(ctx)
}

// entry returns a function that parses the ledger's records for this group, and logs the first malformed record.
func (t *ownTopics) entry() func(event.Record) (ledger.Entry, bool) {
	var once sync.Once
	return func(r event.Record) (ledger.Entry, bool) {
		e, err := ledger.Parse(r.Value)
		if err != nil {
			once.Do(func() {
				t.log.Warn("skipping a malformed ledger record; further ones are not logged",
					slog.String("topic", r.Topic), slog.Int64("offset", r.Offset), slog.Any("error", err))
			})
			return e, false
		}
		return e, e.For(t.options.Group)
	}
}

// followed passes entries from the ledger to the dispatcher.
func (t *ownTopics) followed(now time.Time, news follower.News[ledger.Entry]) {
	if news.Lost {
		t.ledger.log.Warn("the ledger was deleted and created again; following it from its start; " +
			"pauses in force are written to it again")
		t.dispatcher.LedgerLost()
	}
	for _, e := range news.Said {
		t.dispatcher.Followed(now, e)
		if e.Event == ledger.GuardResume {
			t.pauses.resumed = e
		}
	}
}

// lettersRead passes letters to the dispatcher. After the topic has been recreated, the dispatcher still knows the old
// letters until newer ones replace them. This is harmless: a replay of an old letter ends, because the letter is gone.
func (t *ownTopics) lettersRead(now time.Time, news follower.News[fold.Letter]) {
	if news.Lost {
		t.letters.log.Warn("the dead-letter topic was deleted and created again; following it from its start")
	}
	for _, l := range news.Said {
		t.dispatcher.LetterRead(now, l)
	}
}

// assigned makes the calls of the new generation wait until both topics have been read to their ends. Call it only in
// the turn of the assignment.
func (t *ownTopics) assigned() {
	if t.letters != nil {
		t.letters.until, t.ledger.until = -1, -1
	}
}

// catchUp finds out how far both topics must be read before the first call of a generation.
func (t *ownTopics) catchUp(ctx context.Context, g *generation) {
	if t.letters == nil {
		return
	}
	var hands sync.WaitGroup
	hands.Go(func() { t.ledger.aim(ctx, g) })
	t.letters.aim(ctx, g)
	hands.Wait()
}

// check informs the dispatcher once both topics have been read as far as the first call of this generation needs. Call
// it only in a turn.
func (t *ownTopics) check() {
	if t.letters == nil || t.current == nil || !t.letters.reached() || !t.ledger.reached() {
		return
	}
	t.dispatcher.CaughtUp()
	t.waits.end(waitLedger)
	t.waits.end(waitLettersRead)
}
