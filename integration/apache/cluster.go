// Package apache runs real Apache Kafka for tests and for trying things out: one node or several, as plain Java
// processes on 127.0.0.1, each broker and controller in one (KRaft), or with a ZooKeeper beside them where the release
// is older than 3.3.
//
// What it promises: a cluster is ready when Start returns: every node answers, knows all others, and every replica is
// in sync. The settings that matter to a consumer are those of a careful production cluster (replication of the offsets
// topic, two in-sync replicas where there are three nodes, no unclean election); all others are Kafka's defaults but
// for a few that save memory and seconds.
//
// Ownership: a Cluster owns its processes and its data folder. Close ends the first and deletes the second. Where the
// system can (Linux), the nodes also die with the process that started them, however that ends. A Cluster and its nodes
// may be used from several goroutines; what two of them ask of the same node happens one after the other.
//
// Kafka itself comes from Maven Central by Maven, once for each user: it is kept in the user's cache folder.
package apache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// readyLimit bounds how long a cluster may take to be ready: a node needs about three seconds, on a busy machine many
// times that.
const readyLimit = 2 * time.Minute

// Options says which cluster to start. The zero value is one node with its data in the system's folder for temporary
// files.
type Options struct {
	// Version is the release to run; empty means Version. From 0.11 on; releases before 3.3 get a ZooKeeper.
	Version string
	// Nodes is how many: 0 means 1. From three on, topics have three replicas of which two must be in sync.
	Nodes int
	// Port is where the first node listens for clients; 0 means a free one.
	Port int
	// Dir is where the data folder is made; empty means os.TempDir.
	Dir string
	// Listeners are those that each node has beside its plain one, by which whoever is on this machine comes in
	// unknown.
	Listeners []Listener
	// Authorize makes the cluster ask, of everybody but those unknown, whether an ACL allows what they want.
	Authorize bool
	// Properties are added to each node's server.properties, and win over this package's own.
	Properties map[string]string
}

// Cluster is a running Apache Kafka.
type Cluster struct {
	dir       string
	nodes     []*Node
	zooKeeper *process // nil: the nodes do without
}

// Start fetches Kafka if need be, formats the nodes' storage, starts them and waits until the cluster is ready.
// The error is ErrAbsent where Java or Maven is missing. Nothing is left running after an error.
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
	if all.ports, err = freePorts(ctx, all.portsEach()*options.Nodes); err != nil {
		return err
	}
	if options.Port != 0 {
		all.ports[0] = options.Port
	}
	if r.zooKeeper {
		if err := c.startZooKeeper(all, jars); err != nil {
			return err
		}
	}
	var group errgroup.Group
	for i := range options.Nodes {
		dir := filepath.Join(c.dir, fmt.Sprintf("node-%d", i+1))
		node := &Node{
			process: process{
				name: fmt.Sprintf("node %d", i+1), dir: dir, log: filepath.Join(dir, "kafka.log"), release: r, jars: jars,
			},
			id: i + 1, addr: all.clientAddr(i + 1), doors: all.doors(i + 1),
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

// Nodes returns the cluster's nodes, running or not, in the order of their ids, which count from 1.
func (c *Cluster) Nodes() []*Node {
	return append([]*Node(nil), c.nodes...)
}

// Brokers returns host:port of every node, running or not.
func (c *Cluster) Brokers() []string {
	addrs := make([]string, 0, len(c.nodes))
	for _, node := range c.nodes {
		addrs = append(addrs, node.addr)
	}
	return addrs
}

// Close kills every node and deletes the data. The cluster cannot be used afterwards; closing it twice is harmless.
func (c *Cluster) Close() error {
	var errs []error
	for _, node := range c.nodes {
		errs = append(errs, node.Kill())
	}
	if c.zooKeeper != nil {
		errs = append(errs, c.zooKeeper.stop(syscall.SIGKILL))
	}
	errs = append(errs, os.RemoveAll(c.dir))
	return errors.Join(errs...)
}
