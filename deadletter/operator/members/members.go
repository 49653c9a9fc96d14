// Package members asks Kafka who is in a worker's group. It creates nothing, whereas Kafka's own coordinator lookup
// creates __consumer_offsets if it is missing.
package members

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// A broker that has just become a coordinator reads its groups from disk first, which takes up to a few seconds.
const (
	groupTries = 10
	groupAgain = 500 * time.Millisecond
	// loading is Kafka's error code for a coordinator that is still reading its groups from disk.
	loading = 14
)

// clientID is the client id of our workers. In the group, a worker that knows where it runs adds a hyphen and its
// location.
const clientID = "leadhit-sync"

// IsWorker reports whether a member is one of our workers. The client id is the only sign of that, and any program may
// use it.
func IsWorker(m groups.GroupMember) bool {
	return m.ClientID == clientID || strings.HasPrefix(m.ClientID, clientID+"-")
}

// Followers describes the group's members. Workers follow the ledger once they have joined; other programs in the group
// do not. The numbers are for human readers. Only the check for a misspelt group depends on them.
type Followers struct {
	Group   string
	Workers int   // members of the group that are workers
	Others  int   // members that are other programs
	Exists  bool  // the group has members, or offsets
	Unknown error // why the numbers are not known; nil if they are
}

// Count counts the group's members. It returns no error, because a pause must be possible without the numbers. An
// operator needs a pause most when something is broken, and a missing permission for the group must not prevent the
// pause.
func Count(ctx context.Context, cluster *broker.Cluster, group string) Followers {
	found, err := Of(ctx, cluster, group)
	f := Followers{Group: group, Exists: err == nil && found.State != groups.Dead, Unknown: err}
	for _, member := range found.Members {
		if IsWorker(member) {
			f.Workers++
		} else {
			f.Others++
		}
	}
	return f
}

// Of returns the group, as its coordinator describes it. A group that never had a coordinator does not exist. Kafka has
// no error for that: all brokers respond that they do not coordinate the group. In a cluster without
// __consumer_offsets, which never had a group, this proves that the group does not exist. In any other cluster, it does
// not.
func Of(ctx context.Context, cluster *broker.Cluster, group string) (groups.Group, error) {
	none := groups.Group{State: groups.Dead}
	topology, err := cluster.Topics(ctx)
	if err != nil {
		return none, err
	}
	found, _, err := Find(ctx, cluster, group, topology.Nodes)
	if !errors.Is(err, kafkaerr.ErrCoordinator) {
		return found, err
	}
	if offsets, failed := cluster.OffsetsTopic(ctx); failed == nil && !offsets.Exists {
		return none, nil
	}
	return none, err
}

// String describes the followers.
func (f Followers) String() string {
	var text string
	switch {
	case errors.Is(f.Unknown, kafkaerr.ErrUnauthorised):
		return "cannot count the workers that follow: grant Describe on group " + f.Group
	case f.Unknown != nil:
		return fmt.Sprintf("cannot count the workers that follow: %v", f.Unknown)
	case f.Workers == 0:
		text = "no worker of group " + f.Group + " is running; workers that start later will follow"
	case f.Workers == 1:
		text = "1 worker of group " + f.Group + " follows within seconds"
	default:
		text = fmt.Sprintf("%d workers of group %s follow within seconds", f.Workers, f.Group)
	}
	if f.Others > 0 {
		text += fmt.Sprintf("; other members: %d", f.Others)
	}
	return text
}

// Find asks each broker for the group, and returns the group and the broker that coordinates it. It waits while a
// broker is still loading its groups. Kafka's own request for the coordinator, FindCoordinator, would create
// __consumer_offsets if it is missing.
func Find(ctx context.Context, cluster *broker.Cluster, name string, nodes []inspect.Node) (groups.Group,
	inspect.Node, error,
) {
	for try := 0; ; try++ {
		group, node, again, err := askForGroup(ctx, cluster, name, nodes)
		// The brokers are asked again only while one of them is loading its groups. No other error goes away within
		// five seconds.
		if err == nil || !again || try == groupTries {
			return group, node, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(groupAgain):
		}
	}
}

// askForGroup asks each broker once, one after another. The first that coordinates the group ends the search. If there
// is none, again reports whether one of the brokers is still loading its groups.
func askForGroup(ctx context.Context, cluster *broker.Cluster, name string, nodes []inspect.Node) (g groups.Group,
	at inspect.Node, again bool, failed error,
) {
	for _, node := range nodes {
		group, err := cluster.GroupAt(ctx, node.ID, name)
		if err == nil {
			return group, node, false, nil
		}
		answer, ok := errors.AsType[*kafkaerr.Error](err)
		again = again || ok && answer.Code == loading
		// Any other error says more than ErrCoordinator does.
		if failed == nil || errors.Is(failed, kafkaerr.ErrCoordinator) {
			failed = err
		}
	}
	return g, at, again, failed
}
