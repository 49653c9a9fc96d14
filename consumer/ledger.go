package consumer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
)

const (
	// ledgerWait is how long the broker waits for a next entry: none of them is missed meanwhile.
	ledgerWait = 5 * time.Second
	// noWait is for what stands there already.
	noWait = 50 * time.Millisecond
	// appendLimit bounds one try to write an entry.
	appendLimit = 20 * time.Second
	// quietTries is how often the ledger may be unknown without a word: about three seconds, in which a topic that was just
	// made gets known everywhere.
	quietTries = 5
)

// Ledger is the topic by which all workers follow the same pauses. The zero value is none: then the dispatcher's flood guard
// must be off.
type Ledger struct {
	// Topic has one partition, and is one of the cluster's topics.
	Topic string
	// Exists says whether the topic exists. It creates nothing; an error is one of Kafka, or says that the topic may not be used
	// as it is.
	Exists func(context.Context) (bool, error)
	// Ensure creates the topic unless it exists.
	Ensure func(context.Context) error
	// Append returns nil only when the entry is stored for good.
	Append func(context.Context, ledger.Entry) error
}

// follower reads the ledger: all of it when the worker starts, and then what comes.
type follower struct {
	consumer *Consumer
	log      *slog.Logger
	followed bool          // the membership's: it was read to its end once, and is followed since
	begun    bool          // it was read to its end once
	doubt    bool          // the last try to read it failed
	next     int64         // the offset to read next
	last     *event.Record // the last one that was read: by it a ledger that was made anew is known
	garbled  bool          // it was told that some record is no entry
	trouble  trouble
}

// news is what was read of the ledger and not taken yet.
type news struct {
	entries []ledger.Entry // pauses and resumes of our group; nothing else is kept
	last    *event.Record  // nil: nothing was read
	next    int64
}

// readLedger reads the ledger, if there is one, before the group is joined, so that others may have the partitions until it can
// be read. One that does not exist is created later, by prepare: a worker that cannot join leaves no topic behind. False: ctx
// has ended.
func (c *Consumer) readLedger(ctx context.Context) bool {
	if c.options.Ledger.Topic == "" {
		return true
	}
	c.follower = &follower{consumer: c, log: c.log.With(slog.String("topic", c.options.Ledger.Topic))}
	return c.follower.readAll(ctx, c.options.Ledger.Exists)
}

// readAll reads the ledger to its end of now, for as long as it takes, unless it does not exist. False: ctx has ended.
func (f *follower) readAll(ctx context.Context, exists func(context.Context) (bool, error)) bool {
	f.consumer.enter(Waiting)
	unread := "the ledger " + f.consumer.options.Ledger.Topic + " is not read yet; calls may be paused"
	f.consumer.waits.begin(waitLedger, unread)
	for quiet := 0; ; {
		is, err := exists(ctx)
		if err == nil && is {
			err = f.begin(ctx)
		}
		switch {
		case err == nil:
			f.consumer.waits.end(waitLedger) // not before: one wait may outlast several generations
			f.trouble.Over(f.log, "the ledger is read")
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, broker.ErrUnknownPartition) && quiet < quietTries:
			quiet++
		default:
			r := ledgerReason(err)
			f.consumer.waits.begin(waitLedger, unread+": "+r.String())
			f.trouble.explain(f.log, "cannot read the ledger, so nothing is called: calls may be paused", r, err)
		}
		if !f.trouble.Wait(ctx) {
			return false
		}
	}
}

// begin reads the ledger to its end of now, and has it followed from then on.
func (f *follower) begin(ctx context.Context) error {
	if err := f.catchUp(ctx); err != nil {
		return err
	}
	f.followed = true
	f.consumer.spawn(f.follow)
	return nil
}

// follow takes entries as they come, until ctx ends. While the ledger cannot be read, the worker goes on as before.
func (f *follower) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.step(ctx)
		switch {
		case err == nil:
			f.doubt = false
			f.trouble.Over(f.log, "the ledger is read again")
		case ctx.Err() == nil:
			f.doubt = true
			f.trouble.explain(f.log, "cannot read the ledger, so the worker does not see new pauses and resumes; "+
				"it continues as before; trying again", ledgerReason(err), err)
			f.trouble.Wait(ctx)
		}
	}
}

// step waits for the next entries. After a silence the ledger may be another one.
func (f *follower) step(ctx context.Context) error {
	if f.doubt {
		return f.catchUp(ctx)
	}
	batch, err := f.fetch(ctx, f.next, ledgerWait)
	if err != nil {
		return err
	}
	var read news
	f.sift(&read, batch)
	f.take(read, false)
	return nil
}

// catchUp reads what is new in the ledger, up to its end of now. In a ledger that was made anew all is new.
func (f *follower) catchUp(ctx context.Context) error {
	bounds, err := f.bounds(ctx)
	if err != nil {
		return err
	}
	same, err := f.same(ctx, bounds)
	if err != nil {
		return err
	}
	read := news{next: f.next}
	if !same {
		read.next = bounds.First
	}
	// Fetch at least once, so that a missing right shows.
	for again := true; again; again = read.next < bounds.End {
		batch, err := f.fetch(ctx, read.next, noWait)
		if err != nil {
			return err
		}
		f.sift(&read, batch)
	}
	lost := f.begun && !same
	if lost {
		f.last = nil
		f.log.WarnContext(ctx, "the ledger was deleted and created again; following it from its start; pauses in force are written to it again",
			slog.Int64("log_start", bounds.First))
	}
	f.take(read, lost)
	f.begun = true
	return nil
}

// bounds returns where the ledger begins and ends. One that was deleted is created again, once the group was joined. It is not
// judged any more: what may have become of it, one replica in a cluster that has grown, is no reason to stop following it.
func (f *follower) bounds(ctx context.Context) (broker.Bounds, error) {
	o := f.consumer.options
	all, err := o.Cluster.Bounds(ctx, o.Ledger.Topic, []int{0})
	if f.begun && f.consumer.mayCreate.Load() && errors.Is(err, broker.ErrUnknownPartition) {
		if err := o.Ledger.Ensure(ctx); err != nil {
			return broker.Bounds{}, err
		}
		all, err = o.Cluster.Bounds(ctx, o.Ledger.Topic, []int{0})
	}
	return all[0], err
}

// same says whether the ledger is the log that was read so far.
func (f *follower) same(ctx context.Context, bounds broker.Bounds) (bool, error) {
	switch {
	case !f.begun, f.next < bounds.First, f.next > bounds.End:
		return false, nil
	case f.last == nil: // nothing was read: whichever log it is, all of it is new
		f.next = bounds.First
		return true, nil
	case f.last.Offset < bounds.First: // retention took it
		return true, nil
	}
	batch, err := f.fetch(ctx, f.last.Offset, noWait)
	if err != nil {
		return false, err
	}
	if len(batch.Records) == 0 {
		return false, nil
	}
	is := batch.Records[0]
	return is.Offset == f.last.Offset && is.Time.Equal(f.last.Time) && bytes.Equal(is.Value, f.last.Value), nil
}

// fetch reads uncommitted: a foreign producer's open transaction must not hide a pause that stands behind it.
func (f *follower) fetch(ctx context.Context, from int64, wait time.Duration) (broker.Batch, error) {
	o := f.consumer.options
	return o.Cluster.Fetch(ctx, broker.FetchRequest{Topic: o.Ledger.Topic, Offset: from, MaxWait: wait, Uncommitted: true})
}

// sift adds a batch to what was read.
func (f *follower) sift(to *news, batch broker.Batch) {
	for _, r := range batch.Records {
		to.last = &r
		e, err := ledger.Parse(r.Value)
		switch {
		case err != nil:
			f.tellGarbage(r, err)
		case e.For(f.consumer.options.Group):
			to.entries = append(to.entries, e)
		}
	}
	to.next = batch.Next
}

// take hands over what was read in one turn: between a pause and its resume nothing is to happen.
func (f *follower) take(read news, lost bool) { //nolint:revive // lost is a fact about the ledger, not a switch
	f.next = read.next
	if read.last != nil {
		f.last = read.last
	}
	if len(read.entries) == 0 && !lost {
		return
	}
	c := f.consumer
	c.send(func(now time.Time) {
		if lost {
			c.dispatcher.LedgerLost()
		}
		for _, e := range read.entries {
			c.dispatcher.Followed(now, e)
			if e.Event == ledger.GuardResume {
				c.resumed = e
			}
		}
	})
}

func (f *follower) tellGarbage(r event.Record, err error) {
	if f.garbled {
		return
	}
	f.garbled = true
	f.log.Warn("skipping a malformed ledger record; further ones are not logged",
		slog.Int64("offset", r.Offset), slog.Any("error", err))
}

// announce writes what the ledger is to hold, again and again until it stands there or ctx ends: then the next process finds
// out by itself what this one had found.
func (c *Consumer) announce(ctx context.Context, e ledger.Entry) {
	e.Group = c.options.Group
	log := c.log.With(slog.String("topic", c.options.Ledger.Topic))
	var trouble trouble
	for {
		err := c.append(ctx, e)
		if err == nil {
			trouble.Over(log, "the pause is in the ledger")
			return
		}
		if ctx.Err() != nil {
			return
		}
		trouble.tell(log, "cannot write the pause to the ledger: this worker pauses, but others do not see it; trying again", err)
		if !trouble.Wait(ctx) {
			return
		}
	}
}

func (c *Consumer) append(ctx context.Context, e ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	return c.options.Ledger.Append(ctx, e)
}
