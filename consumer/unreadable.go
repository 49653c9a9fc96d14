package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const (
	// unreadableTries is how many times a batch is fetched before it counts as unreadable, because the network may have
	// corrupted it.
	unreadableTries = 3
	// unreadableAgain is how often the log repeats that a partition is stuck.
	unreadableAgain = 10 * time.Minute
)

// Unreadable is a partition that is stuck because its next batch cannot be read. A batch with a wrong checksum cannot
// become a letter, because its content is unknown. So an operator must restore or skip the batch.
type Unreadable struct {
	event.Partition
	// First and Last are the offsets of the batch's first and last events, as far as its header can be trusted.
	First, Last int64
	// Since is when the batch was first found unreadable.
	Since time.Time
	Err   error
}

// Skip returns the command that skips the batch. The command works only while the group has no members, and drops
// everything up to Last that is not committed.
func (u Unreadable) Skip(group string) string {
	return fmt.Sprintf("kafka-consumer-groups.sh --bootstrap-server … --group %s --topic %s:%d "+
		"--reset-offsets --to-offset %d --execute", group, u.Topic, u.Number, u.Last+1)
}

// attempts counts how many times a batch could not be read.
type attempts struct {
	Unreadable
	tries  int
	logged time.Time // when that was last logged
}

// unreadable records a fetch error about a batch that cannot be read. It returns false for any other error, and while
// a retry may still succeed.
func (f *fetcher) unreadable(ctx context.Context, log *slog.Logger, ask turn.Fetch, a *attempts, err error) bool {
	bad, ok := errors.AsType[*records.UnreadableError](err)
	if !ok {
		return false
	}
	if a.tries++; a.tries < unreadableTries {
		return false
	}
	now := time.Now()
	if a.tries == unreadableTries {
		a.Unreadable = Unreadable{Partition: ask.Partition, First: bad.First, Last: bad.Last, Since: now, Err: bad}
		f.send(func(time.Time) { f.standing[ask.Partition] = a.Unreadable })
	}
	if a.logged.IsZero() || now.Sub(a.logged) >= unreadableAgain {
		a.logged = now
		log.ErrorContext(ctx, "events cannot be read; the partition is stuck until they are restored or skipped",
			slog.Int64("offset", a.First), slog.Int64("last_offset", a.Last), slog.Any("error", a.Err),
			slog.Duration("for", now.Sub(a.Since)),
			slog.String("to_skip", "once the group has committed up to this offset, "+
				"stop all workers of the group and run "+a.Skip(f.options.Group)))
	}
	return true
}

// readable forgets what unreadable recorded.
func (f *fetcher) readable(a *attempts) {
	if a.tries >= unreadableTries {
		f.send(func(time.Time) { delete(f.standing, a.Partition) })
	}
	*a = attempts{}
}

// allUnreadable returns the stuck partitions, sorted. Call it only in a turn.
func (f *fetcher) allUnreadable() []Unreadable {
	var all []Unreadable
	for _, u := range f.standing {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Unreadable) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	return all
}
