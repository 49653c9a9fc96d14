package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// greetings are the results of connecting to brokers, by address. They are kept for the whole check, because a broker
// often advertises an address that is also in KAFKA_BROKERS.
type greetings map[string]greeting

// greeting is how a broker responded to the first request. Both fields are empty if a worker can use the broker.
type greeting struct {
	tooOld string // the broker's release, if it cannot serve a worker
	err    error
}

// greetAtOnce is how many connections are opened at the same time. Each unreachable address costs a timeout, so
// connecting to the addresses one by one would take minutes in a large cluster. Eight connections take few file
// descriptors.
const greetAtOnce = 8

// greet connects once to each address. It waits for all its goroutines, because the findings need the result for every
// address. The check's time limit ends attempts that hang.
func greet(ctx context.Context, cluster *broker.Cluster, addresses []string) greetings {
	var group errgroup.Group
	group.SetLimit(greetAtOnce)
	var mu sync.Mutex // guards found
	found := greetings{}
	for _, address := range addresses {
		group.Go(func() error {
			tooOld, err := cluster.Greet(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			found[address] = greeting{tooOld, err}
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
	return found
}

// checkFirst checks how the brokers at the addresses in KAFKA_BROKERS responded, and reports whether further requests
// make sense. A broker older than 0.11 would create each topic that a metadata request names. A worker needs only one
// address that responds. If there is one, addresses that do not respond only get a warning.
func checkFirst(r *report, known greetings, addresses []string) bool {
	var unreached []string
	old := false
	for _, address := range addresses {
		g := known[address]
		if g.err != nil {
			unreached = append(unreached, fmt.Sprintf("%v%s", g.err, kafkaHint(g.err)))
		} else if g.tooOld != "" {
			r.fail("kafka", address+" is "+g.tooOld+", which cannot serve a worker: it needs Kafka 0.11 or newer; upgrade the "+
				"brokers")
			old = true
		}
	}
	reached := len(unreached) < len(addresses)
	for _, text := range unreached {
		if reached {
			r.warn("kafka", "one of KAFKA_BROKERS cannot be used: "+text)
		} else {
			r.fail("kafka", text)
		}
	}
	return reached && !old
}

// checkNodes connects to each broker at the address that it advertises, and returns the brokers that a worker can use.
// A worker reaches leaders and the coordinator only at these addresses, whatever KAFKA_BROKERS says. The check finds
// the most frequent mistake with brokers in containers: a broker advertises localhost, or a name that only its own
// network knows. A broker that cannot be reached but leads none of our partitions gets a warning, since it may lead one
// later.
func checkNodes(ctx context.Context, r *report, cluster *broker.Cluster, topology inspect.Topology,
	known greetings,
) (reached []inspect.Node) {
	var further []string
	for _, node := range topology.Nodes {
		if _, tried := known[node.Address]; !tried {
			further = append(further, node.Address)
		}
	}
	answers := greet(ctx, cluster, further)
	failed := false
	for _, node := range topology.Nodes {
		answer, tried := known[node.Address]
		if !tried {
			answer = answers[node.Address]
		}
		switch leads := ledBy(topology, node.ID); {
		// If a cluster's only broker cannot be reached, the check fails even if that broker leads no partition, because
		// it is also the group's coordinator.
		case answer.err != nil && (len(leads) > 0 || len(topology.Nodes) == 1):
			r.fail("brokers", unreachedNode(node, answer.err)+leadsText(leads))
			failed = true
		case answer.err != nil:
			r.warn("brokers", unreachedNode(node, answer.err)+"; it leads none of our topics' partitions")
			failed = true
		case answer.tooOld != "":
			r.fail("brokers", fmt.Sprintf("broker %d is %s, which cannot serve a worker: it needs Kafka 0.11 or newer; "+
				"upgrade it", node.ID, answer.tooOld))
			failed = true
		default:
			reached = append(reached, node)
		}
	}
	if !failed && len(reached) > 0 {
		r.ok("brokers", count(len(reached), "broker")+" responded at the address in advertised.listeners")
	}
	return reached
}

// unreachedNode describes the failure, and how to fix the usual causes. After a TLS or login error, the address itself
// is right.
func unreachedNode(node inspect.Node, err error) string {
	text := fmt.Sprintf("broker %d tells clients to connect to %s, which fails: %v", node.ID, node.Address, err)
	if errors.Is(err, dial.ErrTLS) || errors.Is(err, kafkaerr.ErrUnauthorised) {
		return text + kafkaHint(err)
	}
	return text + "; correct advertised.listeners of the broker, or let this machine reach that address"
}

func leadsText(partitions []string) string {
	if len(partitions) == 0 {
		return ""
	}
	return "; it leads " + some(partitions)
}

// ledBy returns the partitions of our topics that a broker leads, as topic/partition, sorted.
func ledBy(topology inspect.Topology, node int) []string {
	var led []string
	for topic, info := range topology.Topics {
		for partition, leader := range info.Leaders {
			if leader == node {
				led = append(led, topic+"/"+strconv.Itoa(partition))
			}
		}
	}
	slices.Sort(led)
	return led
}

// checkLeaders fails if a partition has no leader, because such a partition can be neither read nor written. Kafka
// reports no leader while all in-sync replicas are down.
func checkLeaders(r *report, what, name string, info inspect.TopicInfo) {
	var without []string
	for partition, leader := range info.Leaders {
		if leader == inspect.NoLeader {
			without = append(without, name+"/"+strconv.Itoa(partition))
		}
	}
	if len(without) > 0 {
		r.fail(what, "no leader for "+some(without)+", so their events cannot be read; look for brokers that are down")
		return
	}
	r.ok(what, name+" has "+count(info.Partitions, "partition"))
}

// some joins the first few words and counts the rest, because a finding is one line, and a cluster may have thousands
// of partitions.
func some(words []string) string {
	const most = 5
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
}
