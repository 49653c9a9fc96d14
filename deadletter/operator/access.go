package operator

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter/ledger"
)

const (
	// appendLimit limits the time for writing an entry. This includes creating the ledger and waiting until the brokers
	// know it. After the limit, it is unknown whether the entry is stored.
	appendLimit = 30 * time.Second
	// writeAtOnce limits how many entries wait for an acknowledgement at once. Entries that are written within a few
	// milliseconds share a batch.
	writeAtOnce = 50
)

// Access is what this package needs from the program that uses it.
type Access struct {
	// Group is the consumer group of the workers. This package never joins it.
	Group   string
	Letters string // the letters' topic
	// Topics are the topics that the group consumes; nil if that is not known.
	Topics  []string
	Cluster *broker.Cluster
	// WriteEntry appends an entry to the ledger, and creates the ledger if it does not exist.
	WriteEntry func(context.Context, ledger.Entry) error
	// Mapping is the current mapping. If it is not known, Mapping is nil and Unmapped is the reason.
	Mapping  *mapping.Mapping
	Unmapped string
	// Answered, if not nil, is called after each response from Kafka.
	Answered func()
}

func (a Access) answered() {
	if a.Answered != nil {
		a.Answered()
	}
}

// Write appends entries for the group, and waits until all are acknowledged or one has failed.
func (a Access) Write(ctx context.Context, entries ...ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, appendLimit+time.Duration(len(entries))*50*time.Millisecond)
	defer cancel()
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(writeAtOnce)
	for _, e := range entries {
		e.Group = a.Group
		all.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return a.WriteEntry(ctx, e)
		})
	}
	return all.Wait()
}
