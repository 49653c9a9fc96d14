package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"leadhit-sync/consumer/broker"
)

const (
	// workerClient is what our workers call themselves in Kafka.
	workerClient = "leadhit-sync"

	coordinatorTries = 10
	coordinatorAgain = 500 * time.Millisecond
)

// followers are those who follow what a command writes to the ledger.
type followers struct {
	group   string
	workers int   // members of the group that are workers
	others  int   // members that are other programs
	exists  bool  // the group has members, or offsets
	unknown error // why the rest is not known; nil: it is
}

// findFollowers asks who is in the group. A coordinator that moves is waited for, for a while; a pause must be possible without it.
func findFollowers(ctx context.Context, cluster *broker.Cluster, group string, n *notice) followers {
	f := followers{group: group}
	found, err := cluster.Members(ctx, group)
	for try := 1; errors.Is(err, broker.ErrCoordinator) && try < coordinatorTries && ctx.Err() == nil; try++ {
		n.answered()
		select {
		case <-ctx.Done():
		case <-time.After(coordinatorAgain):
		}
		found, err = cluster.Members(ctx, group)
	}
	f.exists, f.unknown = found.Exists, err
	for _, client := range found.Members {
		if client == workerClient {
			f.workers++
		} else {
			f.others++
		}
	}
	return f
}

// String says who follows.
func (f followers) String() string {
	var text string
	switch {
	case errors.Is(f.unknown, broker.ErrUnauthorised):
		return "how many workers follow is not known: grant Describe on group " + f.group
	case f.unknown != nil:
		return fmt.Sprintf("how many workers follow is not known: %v", f.unknown)
	case f.workers == 0:
		text = "no worker of group " + f.group + " is running; those that start follow"
	case f.workers == 1:
		text = "1 worker of group " + f.group + " follows within seconds"
	default:
		text = fmt.Sprintf("%d workers of group %s follow within seconds", f.workers, f.group)
	}
	if f.others > 0 {
		text += fmt.Sprintf("; the group has %s that is no worker", count(f.others, "member"))
	}
	return text
}

// absentError says that a command would reach nobody.
type absentError struct {
	followers followers
	ledger    string
	exists    bool // the ledger does
	event     string
}

func (e *absentError) Error() string {
	ledger := "no ledger (" + e.ledger + ")"
	if e.exists {
		ledger = "nothing in the ledger " + e.ledger
	}
	members := "no worker as a member"
	if e.followers.unknown != nil {
		members = "no member that can be seen"
	}
	return fmt.Sprintf("group %s has %s and %s, so nobody would %s; nothing was written; check KAFKA_GROUP and DEAD_LETTER_TOPIC",
		e.followers.group, members, ledger, e.event)
}
