package main

import (
	"context"
	"errors"
	"fmt"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// followers describes the group's members. Workers follow the ledger from the moment they have joined; other programs
// in the group do not. Their numbers are for people. Nothing but the check for a misspelt group depends on them.
type followers struct {
	group   string
	workers int   // members of the group that are workers
	others  int   // members that are other programs
	exists  bool  // the group has members, or offsets
	unknown error // why the numbers are not known; nil if they are
}

// findFollowers asks Kafka for the group's members. It creates nothing, and returns no error: a pause must be possible
// without them. An operator needs it most when something is broken, and a missing right to the group must not stand in
// the way.
func findFollowers(ctx context.Context, cluster *broker.Cluster, group string) followers {
	found, err := membersOf(ctx, cluster, group)
	f := followers{group: group, exists: err == nil && found.State != groups.Dead, unknown: err}
	for _, member := range found.Members {
		// The client id is the only sign of a worker, and any program may use it.
		if member.ClientID == ourClient {
			f.workers++
		} else {
			f.others++
		}
	}
	return f
}

// membersOf asks the group's coordinator. A group that never had a coordinator does not exist. Kafka knows no error for
// that: all brokers say that they do not coordinate it. Only a cluster without __consumer_offsets has had no group at
// all.
func membersOf(ctx context.Context, cluster *broker.Cluster, group string) (groups.Group, error) {
	none := groups.Group{State: groups.Dead}
	topology, err := cluster.Topics(ctx)
	if err != nil {
		return none, err
	}
	found, _, err := findGroup(ctx, cluster, group, topology.Nodes)
	if !errors.Is(err, kafkaerr.ErrCoordinator) {
		return found, err
	}
	if offsets, failed := cluster.OffsetsTopic(ctx); failed == nil && !offsets.Exists {
		return none, nil
	}
	return none, err
}

// String describes the followers.
func (f followers) String() string {
	var text string
	switch {
	case errors.Is(f.unknown, kafkaerr.ErrUnauthorised):
		return "cannot count the workers that follow: grant Describe on group " + f.group
	case f.unknown != nil:
		return fmt.Sprintf("cannot count the workers that follow: %v", f.unknown)
	case f.workers == 0:
		text = "no worker of group " + f.group + " is running; those that start follow"
	case f.workers == 1:
		text = "1 worker of group " + f.group + " follows within seconds"
	default:
		text = fmt.Sprintf("%d workers of group %s follow within seconds", f.workers, f.group)
	}
	if f.others > 0 {
		text += fmt.Sprintf("; other members: %d", f.others)
	}
	return text
}

// absentError says that no worker would see what a command writes. exists says whether the ledger exists. It names both
// settings, since either may be misspelt. Nothing was written, and the exit code is 1.
func absentError(f followers, ledger string, exists bool, verb string) error {
	if exists {
		ledger = "nothing in the ledger " + ledger
	} else {
		ledger = "no ledger (" + ledger + ")"
	}
	members := "no running worker"
	if f.unknown != nil {
		members = "no visible members"
	}
	return fmt.Errorf("group %s has %s and %s, so nobody would %s; nothing was written; check KAFKA_GROUP and "+
		"DEAD_LETTER_TOPIC",
		f.group, members, ledger, verb)
}
