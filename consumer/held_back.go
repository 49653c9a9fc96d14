package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const (
	// holdPatience is how long a transaction must be open before it is reported, because ordinary ones end within a
	// second.
	holdPatience = 5 * time.Second
	// holdQuiet is the minimum time between two log lines about open transactions in one partition. Otherwise a
	// producer whose transactions last for minutes would fill the log. State and the metrics show each transaction.
	holdQuiet = 10 * time.Minute
)

// HeldBack describes the events in one partition that cannot be read because of an open transaction.
type HeldBack struct {
	// Offset is the last stable offset: where the first open transaction starts.
	Offset int64
	// Events is the number of unread offsets from there to the end of the log, as of the last fetch.
	Events int64
	// Since is the time from which the age of the first of these events is counted.
	Since time.Time
}

// hold describes one open transaction.
type hold struct {
	HeldBack

	seen   time.Time // when a fetch first stopped at it
	asked  time.Time // when the first event's time was last requested; zero if never
	looked bool      // that request has ended, with or without an error
	known  bool      // Since is the first event's time
	logged bool
}

// holds is the set of open transactions at which fetches stopped, with the time of the last log line about each
// partition. Use it only within a turn.
type holds struct {
	open   map[event.Partition]*hold
	logged map[event.Partition]time.Time
}

func newHolds() holds {
	return holds{open: map[event.Partition]*hold{}, logged: map[event.Partition]time.Time{}}
}

// keep forgets the partitions that this worker no longer owns.
func (h holds) keep(own []turn.Position) {
	owned := make(map[event.Partition]bool, len(own))
	for _, p := range own {
		owned[p.Partition] = true
	}
	for p := range h.open {
		if !owned[p] {
			delete(h.open, p)
		}
	}
}

// reported returns the holds that have lasted longer than ordinary transactions.
func (h holds) reported() map[event.Partition]HeldBack {
	out := map[event.Partition]HeldBack{}
	for p, open := range h.open {
		if open.looked {
			out[p] = open.HeldBack
		}
	}
	return out
}

// fetched updates the hold of a partition from the ends of its log, as a fetch returned them. ended is a hold that was
// logged and is now over. ask reports whether it is time to request the age of the first event held back.
func (h holds) fetched(now time.Time, p event.Partition, batch broker.Batch) (ended *hold, ask bool) {
	// A response to a read_committed fetch contains only records below the last stable offset (KIP-98). So only the log's
	// two ends show whether the log continues above that offset.
	open := h.open[p]
	stable := batch.LastStable
	held := stable >= 0 && stable < batch.HighWatermark && batch.Next >= stable
	if open != nil && (!held || open.Offset != stable) {
		delete(h.open, p)
		if open.logged {
			ended = open
		}
		open = nil
	}
	if !held {
		return ended, false
	}
	if open == nil {
		open = &hold{HeldBack: HeldBack{Offset: stable, Since: now}, seen: now}
		h.open[p] = open
	}
	open.Events = batch.HighWatermark - max(stable, batch.Next)
	ask = !open.known && now.Sub(open.seen) >= holdPatience && now.Sub(open.asked) >= holdPatience
	if ask {
		open.asked = now
	}
	return ended, ask
}

// logHold logs a transaction that has been open for a long time, or the end of one that was logged.
func (f *fetcher) logHold(ctx context.Context, log *slog.Logger, p event.Partition, stable int64, ended *hold) {
	if ended != nil {
		log.InfoContext(ctx, "an open transaction has ended; it no longer holds back events",
			slog.Int64("offset", ended.Offset), slog.Int64("events", ended.Events), slog.Time("since", ended.Since))
		return
	}
	// Ask only once per transaction, unless the request fails, because the response contains a whole batch, which may be a
	// megabyte.
	first, err := f.options.Cluster.TimeAt(ctx, p.Topic, p.Number, stable)
	if ctx.Err() != nil {
		return
	}
	var found HeldBack
	f.send(func(now time.Time) {
		open := f.holds.open[p]
		if open == nil || open.Offset != stable {
			return
		}
		open.looked = true
		if err == nil {
			open.Since, open.known = event.Since(first, open.seen), true
		}
		last, before := f.holds.logged[p]
		if open.logged || before && now.Sub(last) < holdQuiet {
			return
		}
		open.logged, f.holds.logged[p] = true, now
		found = open.HeldBack
	})
	if !found.Since.IsZero() {
		log.WarnContext(ctx, "an open transaction holds back events: "+
			"they are read once its producer commits or aborts it; if the producer is gone, "+
			"find and end the transaction with kafka-transactions.sh (find-hanging, abort --start-offset)",
			slog.Int64("offset", found.Offset), slog.Int64("events", found.Events), slog.Time("since", found.Since))
	}
}
