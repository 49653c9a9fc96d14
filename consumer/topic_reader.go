package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/follower"
)

// quietTries is how many attempts may find the topic unknown before that is logged. They take about three seconds. A
// topic that was just created is not known to every broker at once.
const quietTries = 5

// topicReader passes the records of one of our own topics to the dispatcher: the existing ones before the first call,
// and then each new one.
type topicReader[T any] struct {
	*base
	words

	follower follower.Follower[T]
	log      *slog.Logger
	exists   func(context.Context) (bool, error)
	// say passes news to the dispatcher, in a turn.
	say     func(now time.Time, news follower.News[T])
	started bool // the topic was read to its end once, and a goroutine follows it
	again   retrier

	// Use next and until only within a turn.
	next  int64 // all records before it were passed on
	until int64 // the topic's end after the assignment; -1 while that is not known
}

// words are the parts of log messages and waits that differ between the two topics.
type words struct {
	wait   string // key of the wait
	name   string // "the ledger"
	unread string // why the topic must be read before the first call
	unseen string // what is missed while the topic cannot be followed
}

// tell logs a message about the topic.
func tell(ctx context.Context, log *slog.Logger, level slog.Level, message string) {
	log.Log(ctx, level, message) //nolint:sloglint // the messages are the same for both topics, except for their words
}

// readAll reads the topic to its current end, however long that takes, unless it does not exist. It returns false if
// ctx has ended.
func (r *topicReader[T]) readAll(ctx context.Context, exists func(context.Context) (bool, error)) bool {
	r.enter(Waiting)
	r.waits.begin(r.wait, r.notRead())
	for quiet := 0; ; {
		is, err := exists(ctx)
		if err == nil && is {
			err = r.readOnce(ctx)
		}
		switch {
		case err == nil:
			r.waits.end(r.wait) // not earlier: one wait may outlast several generations
			tell(ctx, r.again.Over(r.log), slog.LevelInfo, r.name+" can be read")
			if is {
				r.started = true
				r.spawn(r.follow) // the last step: the goroutine uses r.again, too
			}
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, kafkaerr.ErrUnknownPartition) && quiet < quietTries:
			quiet++
		default:
			why := topicReason(err)
			r.waits.begin(r.wait, r.notRead()+": "+why.String())
			tell(ctx, r.again.explain(r.log, why, err), slog.LevelWarn,
				"cannot read "+r.name+", so no call is made: "+r.unread)
		}
		if !r.again.Wait(ctx) {
			return false
		}
	}
}

func (r *topicReader[T]) notRead() string {
	return r.name + " " + r.follower.Topic + " has not been read yet; " + r.unread
}

// readOnce reads the topic to its current end.
func (r *topicReader[T]) readOnce(ctx context.Context) error {
	news, err := r.follower.Next(ctx)
	if err != nil {
		return err
	}
	r.pass(news)
	return nil
}

// follow takes records as they arrive, until ctx ends. While the topic cannot be read, the worker continues as before.
// If a generation starts meanwhile, its calls wait.
func (r *topicReader[T]) follow(ctx context.Context) {
	for ctx.Err() == nil {
		news, err := r.follower.Next(ctx)
		switch {
		case err == nil:
			tell(ctx, r.again.Over(r.log), slog.LevelInfo, r.name+" can be read again")
			r.pass(news)
		case ctx.Err() == nil:
			why := topicReason(err)
			r.waitsFor(why)
			tell(ctx, r.again.explain(r.log, why, err), slog.LevelWarn, "cannot read "+r.name+
				", so the worker does not see "+r.unseen+"; it continues as before; trying again")
			r.again.Wait(ctx)
		}
	}
}

// pass passes news to the dispatcher in a single turn, so that a pause that has already been resumed has no effect.
func (r *topicReader[T]) pass(news follower.News[T]) {
	r.send(func(now time.Time) {
		if len(news.Said) > 0 || news.Lost {
			r.say(now, news)
		}
		r.next = news.Next
		r.caughtUp()
	})
}

// aim finds out how far the topic must be read before the first call of a generation. It returns when that is known, or
// at the end of ctx.
func (r *topicReader[T]) aim(ctx context.Context, g *generation) {
	var again retrier
	for {
		end, err := r.end(ctx)
		if err == nil {
			r.send(func(time.Time) {
				if r.current == g {
					r.until = end
					r.caughtUp()
				}
			})
			tell(ctx, again.Over(r.log), slog.LevelInfo, r.name+" can be read again")
			return
		}
		if ctx.Err() != nil {
			return
		}
		why := topicReason(err)
		r.waitsFor(why)
		tell(ctx, again.explain(r.log, why, err), slog.LevelWarn,
			"cannot read "+r.name+", so no call is made after the rebalance: "+r.unread)
		if !again.Wait(ctx) {
			return
		}
	}
}

// end returns where the topic ends now. A topic that does not exist counts as empty.
func (r *topicReader[T]) end(ctx context.Context) (int64, error) {
	bounds, err := r.options.Cluster.Bounds(ctx, r.follower.Topic, []int{0})
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		if is, failed := r.exists(ctx); failed == nil && !is {
			return 0, nil
		}
	}
	return bounds[0].End, err
}

// reached reports whether the topic was read to the end that it had after the assignment. Call it only in a turn.
func (r *topicReader[T]) reached() bool { return r.until >= 0 && r.next >= r.until }

// waitsFor records why the calls of a generation wait for the topic.
func (r *topicReader[T]) waitsFor(why reason) {
	r.send(func(time.Time) {
		if r.current != nil && r.options.Dispatch.Replays && !r.reached() {
			r.waits.begin(r.wait, r.notRead()+": "+why.String())
		}
	})
}
