package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter/operator/members"
)

// groupPlace is what is known about where a group's coordinator may be. It includes the brokers that cannot be reached,
// because one of them may be the coordinator.
type groupPlace struct {
	nodes   []inspect.Node // those that can be reached
	all     []inspect.Node
	offsets inspect.OffsetsTopic
	seen    bool // whether offsets is known
}

// checkGroup finds the group's coordinator and requests a description of the group from it. It does not join, because
// that would start a rebalance, in which all workers of the group stop for a moment.
func checkGroup(ctx context.Context, r *report, cluster *broker.Cluster, c *config.Config, p groupPlace) {
	group, coordinator, err := members.Find(ctx, cluster, c.Kafka.Group, p.nodes)
	asked := p.nodes
	switch {
	case err == nil:
		checkMembers(r, c.Kafka.Group, group)
		asked = []inspect.Node{coordinator}
	// Joining needs Read on the group, and so does the worker's first commit.
	case errors.Is(err, kafkaerr.ErrUnauthorised):
		r.fail("group", "Kafka does not allow joining "+c.Kafka.Group+"; grant Read on it, or check KAFKA_GROUP")
	case !errors.Is(err, kafkaerr.ErrCoordinator):
		r.warn("group", fmt.Sprintf("cannot list the group's members: %v", err))
	case p.seen && !p.offsets.Exists:
		r.ok("group", c.Kafka.Group+" is new: the cluster has had no group yet")
	case p.seen:
		r.fail("group", uncoordinated(c.Kafka.Group, p))
	case len(p.nodes) < len(p.all):
		r.fail("group", "no broker that can be reached coordinates "+c.Kafka.Group+
			"; a worker would wait for its coordinator")
	default:
		r.skip("group", "no broker coordinates "+c.Kafka.Group+
			" yet; this is normal on a cluster without groups, and Kafka does not allow checking whether it had any")
	}
	checkSession(ctx, r, cluster, c.Kafka.SessionTimeout, asked)
}

// uncoordinated explains why no broker coordinates the group. The group's name decides which partition of
// __consumer_offsets stores its commits, and the leader of that partition is the group's coordinator.
func uncoordinated(group string, p groupPlace) string {
	id := p.offsets.Coordinator(group)
	text := "no broker coordinates " + group + ": its partition of __consumer_offsets has no leader; look for brokers " +
		"that are down"
	if at := slices.IndexFunc(p.all, func(n inspect.Node) bool { return n.ID == id }); at >= 0 {
		text = fmt.Sprintf("the coordinator of %s is broker %d at %s, which cannot be used; a worker would wait for it",
			group, id, p.all[at].Address)
	}
	return text
}

// checkMembers checks whether a worker could join the group's current members. Only the first obstacle is reported,
// because removing it may also remove the others.
func checkMembers(r *report, name string, g groups.Group) {
	what, lack := "group", g.Rights.Lack("Read")
	switch who := obstacle(g); {
	case len(lack) > 0: // must be fixed first: without these rights, no worker can join
		reportLack(r, "group "+name, lack)
	case who != "":
		r.fail(what, name+" "+who+"; choose another KAFKA_GROUP, or stop them")
	case olderRelease(g):
		r.warn(what, name+" has "+count(len(g.Members), "member")+
			" of an older release, which share partitions by another protocol: "+
			"newer workers wait until the last of them has left")
	case g.Rights == nil:
		r.skip(what, name+" has "+count(len(g.Members), "member")+
			"; cannot check whether it may be joined: the broker is too old to say")
	default:
		r.ok(what, name+" may be joined; it has "+count(len(g.Members), "member"))
	}
}

// Names in the group protocol.
const (
	rangeProtocol = "range"    // used by our older releases and by most other consumers
	newerKind     = "consumer" // KIP-848; an empty group of this kind becomes classic when a worker joins
)

// obstacle describes the clients that keep a worker from joining the group. It returns "" if there are none. Kafka
// accepts a member only if it shares a protocol with all other members. So members with another protocol keep a worker
// out until the last of them leaves.
func obstacle(g groups.Group) string {
	switch {
	case g.State == groups.Dead || g.State == groups.Empty && (g.Kind == "" || g.Kind == newerKind):
		return "" // an empty group accepts any protocol
	case g.Kind != "":
		return "is in use by other consumers: it is a " + strconv.Quote(g.Kind) + " group (group.protocol=" + g.Kind +
			"), which a worker cannot join"
	case len(g.Members) == 0:
		return ""
	case g.ProtocolType != "consumer":
		return "is in use by " + strconv.Quote(g.ProtocolType) + " clients (" + clients(g) + ")"
	case g.Protocol == consumer.Protocol || g.Protocol == "" || olderRelease(g):
		return ""
	}
	return "is in use by other consumers, which share partitions by " + strconv.Quote(g.Protocol) + " (" + clients(g) + ")"
}

// olderRelease reports whether all members are workers of a release that assigned partitions by range. The client id is
// the only sign, and any client may use that id. Such a group only gets a warning, because a rolling update from that
// release resolves the conflict without help.
func olderRelease(g groups.Group) bool {
	return g.Protocol == rangeProtocol && g.ProtocolType == "consumer" &&
		!slices.ContainsFunc(g.Members, func(m groups.GroupMember) bool { return !members.IsWorker(m) })
}

// clients lists the members' client ids and hosts, which help an operator to find the program that uses the group.
// Brokers put a slash before the host.
func clients(g groups.Group) string {
	var names []string
	for _, m := range g.Members {
		names = append(names, terminal.Quote(m.ClientID+" at "+strings.TrimPrefix(m.Host, "/")))
	}
	slices.Sort(names)
	return some(slices.Compact(names))
}

// The broker settings that limit session timeouts.
const (
	leastSession = "group.min.session.timeout.ms"
	mostSession  = "group.max.session.timeout.ms"
)

// checkSession compares the session timeout with the brokers' limits. If the timeout is outside these limits, brokers
// refuse every join with INVALID_SESSION_TIMEOUT. Each broker has its own limits, and those of the coordinator apply.
// If the coordinator is not known, checkSession queries all brokers that can be reached.
func checkSession(ctx context.Context, r *report, cluster *broker.Cluster,
	session time.Duration, nodes []inspect.Node,
) {
	known := false
	for _, node := range nodes {
		settings, err := cluster.NodeSettings(ctx, node.ID, leastSession, mostSession)
		if err != nil {
			r.warn("session", fmt.Sprintf("cannot check which session timeouts broker %d accepts: %v", node.ID, err))
			return
		}
		// A broker leaves out the settings that we are not allowed to read.
		least, okLeast := milliseconds(settings[leastSession])
		most, okMost := milliseconds(settings[mostSession])
		if !okLeast || !okMost {
			continue
		}
		known = true
		if session < least || session > most {
			r.fail("session", fmt.Sprintf("KAFKA_SESSION_TIMEOUT is %v, but broker %d accepts %v to %v (%s, %s) and would "+
				"refuse every join; change KAFKA_SESSION_TIMEOUT or the broker's setting", session, node.ID, least, most,
				leastSession, mostSession))
			return
		}
	}
	if !known {
		r.skip("session", "cannot check whether the brokers accept KAFKA_SESSION_TIMEOUT "+session.String()+
			": Kafka does not allow reading "+
			leastSession+" and "+mostSession+"; grant DescribeConfigs on the cluster, or compare them by hand")
		return
	}
	r.ok("session", "KAFKA_SESSION_TIMEOUT "+session.String()+" is within "+leastSession+" and "+mostSession)
}

// milliseconds parses the value of a broker's setting. It returns false for an absent setting, whose text is "".
func milliseconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * time.Millisecond, err == nil
}
