package apache

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// clusterID is a UUID in base64, as StorageTool requires. Clusters are never connected, so all may have the same id.
const clusterID = "bGVhZGhpdC1zeW5jLWthZg"

// layout is what the nodes of a cluster must know about each other. Each node has a port for clients, one for its
// controller, and one for each additional listener, in this order.
type layout struct {
	release   release
	ports     []int
	listeners []Listener
	extra     map[string]string
}

// fixedPorts is the number of ports that each node has, not counting those of additional listeners.
const fixedPorts = 2

func (l layout) portsEach() int { return fixedPorts + len(l.listeners) }

func (l layout) nodes() int { return len(l.ports) / l.portsEach() }

func (l layout) clientAddr(id int) string { return l.addr(id, 0) }

func (l layout) controllerAddr(id int) string { return l.addr(id, 1) }

func (l layout) listenerAddr(id, listener int) string { return l.addr(id, fixedPorts+listener) }

func (l layout) addr(id, port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.ports[l.portsEach()*(id-1)+port]))
}

// properties returns a node's server.properties. data is the folder for its records.
func (l layout) properties(id int, data string) string {
	replicas := min(3, l.nodes())
	inSync := max(1, replicas-1)
	set := map[string]string{
		"advertised.listeners":       "PLAINTEXT://" + l.clientAddr(id),
		"inter.broker.listener.name": "PLAINTEXT",
		"log.dirs":                   data,

		// An acknowledged commit or letter must survive the loss of a node.
		"default.replication.factor":               strconv.Itoa(replicas),
		"min.insync.replicas":                      strconv.Itoa(inSync),
		"unclean.leader.election.enable":           "false",
		"offsets.topic.replication.factor":         strconv.Itoa(replicas),
		"transaction.state.log.replication.factor": strconv.Itoa(replicas),
		"transaction.state.log.min.isr":            strconv.Itoa(inSync),

		// These save seconds and memory. With its default buffer, the log cleaner would take half the heap.
		"group.initial.rebalance.delay.ms":     "0",
		"offsets.topic.num.partitions":         "5",
		"transaction.state.log.num.partitions": "5",
		"log.cleaner.dedupe.buffer.size":       "16777216",
		"num.network.threads":                  "2",
		"num.io.threads":                       "4",
	}
	l.addQuorum(set, id)
	l.addListeners(set, id)
	maps.Copy(set, l.extra)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(set)) {
		fmt.Fprintf(&text, "%s=%s\n", name, set[name])
	}
	return text.String()
}

// addQuorum adds the settings for the metadata quorum. Either all nodes are controllers, or ZooKeeper is used.
func (l layout) addQuorum(set map[string]string, id int) {
	if l.release.zooKeeper {
		set["broker.id"] = strconv.Itoa(id)
		set["zookeeper.connect"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(l.zooKeeperPort()))
		set["listeners"] = "PLAINTEXT://" + l.clientAddr(id)
		set["listener.security.protocol.map"] = "PLAINTEXT:PLAINTEXT"
		return
	}
	voters := make([]string, 0, l.nodes())
	for voter := 1; voter <= l.nodes(); voter++ {
		voters = append(voters, fmt.Sprintf("%d@%s", voter, l.controllerAddr(voter)))
	}
	set["process.roles"] = "broker,controller"
	set["node.id"] = strconv.Itoa(id)
	set["controller.quorum.voters"] = strings.Join(voters, ",")
	set["listeners"] = "PLAINTEXT://" + l.clientAddr(id) + ",CONTROLLER://" + l.controllerAddr(id)
	set["controller.listener.names"] = "CONTROLLER"
	set["listener.security.protocol.map"] = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
}

// zooKeeperPort returns the port of the first node's controller listener, which a cluster with ZooKeeper does not use.
func (l layout) zooKeeperPort() int { return l.ports[1] }
