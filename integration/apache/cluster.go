// Package apache runs real Apache Kafka for tests and for manual experiments: one node or several, as plain Java
// processes on 127.0.0.1. Each node is both a broker and a controller (KRaft). Releases before 3.3 use ZooKeeper.
//
//	cluster, err := apache.Start(ctx, apache.Options{Nodes: 3})
//	…
//	defer cluster.Close()
//	err = cluster.Nodes()[0].Kill()
//
// Promise: when Start returns, every node responds and knows all others, and every replica is in sync. The settings
// that matter to a consumer are those of a careful production cluster: a replicated offsets topic, two in-sync replicas
// of three, no unclean election. All other settings are Kafka's defaults, except for a few that save memory and
// seconds.
//
// Ownership: a Cluster owns its processes and its data folder. Close kills the processes and deletes the folder. On
// Linux the nodes also die with the process that started them, even after a SIGKILL. A Cluster and its nodes may be
// used from several goroutines. Calls for the same node run one after another.
//
// Maven downloads Kafka from Maven Central once per user, into the user's cache folder.
package apache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"leadhit-sync/integration/ports"
)

// readyLimit is how long a cluster may take to become ready. A node needs about three seconds, but many times that on a
// busy machine.
const readyLimit = 2 * time.Minute

// Options describe the cluster to start. The zero value is one node with its data in the folder for temporary files.
type Options struct {
	// Version is the release to run, 0.11 or later. Empty means the constant Version.
	Version string
	// Nodes is the number of nodes. 0 means 1. With three or more, topics have three replicas, two of them in sync.
	Nodes int
	// Port is the first node's port for clients. 0 means any free port.
	Port int
	// Dir is the parent of the data folder. Empty means os.TempDir.
	Dir string
	// Listeners are additional listeners of each node. The plain listener, for every client on this machine, always
	// exists.
	Listeners []Listener
	// Authorize makes the cluster require ACLs for all users. Clients on the plain listener are anonymous super users.
	Authorize bool
	// Properties are added to each node's server.properties, and override this package's settings.
	Properties map[string]string
}

// Cluster is a running Apache Kafka.
type Cluster struct {
	dir       string
	ports     *ports.Reserved // reserved until Close, so that no other program takes the port of a node that is down
	nodes     []*Node
	zooKeeper *process // nil with KRaft
}

// Start downloads Kafka if necessary, formats the nodes' storage, starts the nodes and waits until the cluster is
// ready. After an error it leaves no process and no data behind.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.Nodes == 0 {
		options.Nodes = 1
	}
	r, err := releaseOf(cmp.Or(options.Version, Version))
	if err != nil {
		return nil, err
	}
	jars, err := fetch(ctx, r)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(options.Dir, "leadhit-sync-kafka-")
	if err != nil {
		return nil, fmt.Errorf("cluster's data folder: %w", err)
	}
	cluster := &Cluster{dir: dir}
	if err := cluster.start(ctx, r, jars, options); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	return cluster, nil
}

func (c *Cluster) start(ctx context.Context, r release, jars string, options Options) error {
	all := layout{release: r, listeners: options.Listeners, extra: options.Properties}
	if options.Authorize {
		all.extra = authorizing(options.Properties)
	}
	var err error
	if c.ports, err = ports.Reserve(all.portsEach() * options.Nodes); err != nil {
		return err
	}
	all.ports = slices.Clone(c.ports.Numbers)
	// A fixed port may be in use. In that case the node exits, and the error from Ready contains the end of the node's
	// log.
	if options.Port != 0 {
		all.ports[0] = options.Port
	}
	if r.zooKeeper {
		if err := c.startZooKeeper(all, jars); err != nil {
			return err
		}
	}
	// All nodes start at once, because none is ready until a majority of the controllers is running. After an error,
	// Start calls Close, which also kills the nodes that have started.
	var group errgroup.Group
	for i := range options.Nodes {
		dir := filepath.Join(c.dir, fmt.Sprintf("node-%d", i+1))
		node := &Node{
			ID: i + 1, LogFile: filepath.Join(dir, "kafka.log"), Listeners: all.listenerAddrs(i + 1),
			process: process{
				name: fmt.Sprintf("node %d", i+1), dir: dir, log: filepath.Join(dir, "kafka.log"), release: r, jars: jars,
			},
			addr: all.clientAddr(i + 1),
		}
		c.nodes = append(c.nodes, node)
		group.Go(func() error {
			if err := node.format(ctx, all); err != nil {
				return err
			}
			return node.Start()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.Ready(ctx)
}

// Nodes returns the cluster's nodes, running or not, in the order of their ids, which start at 1.
func (c *Cluster) Nodes() []*Node {
	return append([]*Node(nil), c.nodes...)
}

// Brokers returns the addresses of all nodes, running or not, as host:port.
func (c *Cluster) Brokers() []string {
	addrs := make([]string, 0, len(c.nodes))
	for _, node := range c.nodes {
		addrs = append(addrs, node.addr)
	}
	return addrs
}

// Close kills every node and deletes the data. The cluster cannot be used afterwards. Closing it twice is harmless.
func (c *Cluster) Close() error {
	var errs []error
	for _, node := range c.nodes {
		errs = append(errs, node.Kill())
	}
	if c.zooKeeper != nil {
		errs = append(errs, c.zooKeeper.kill())
	}
	if c.ports != nil {
		errs = append(errs, c.ports.Close())
	}
	errs = append(errs, os.RemoveAll(c.dir))
	return errors.Join(errs...)
}
