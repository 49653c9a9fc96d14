package apache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// errNotYet indicates that a cluster is still starting. The wrapping error says what is missing.
var errNotYet = errors.New("not ready")

// Ready waits until each running node responds and knows all others, and every replica on them is in sync. A test must
// not cause the next fault before that, because two at once could lose acknowledged records. Frozen nodes count as
// running, so thaw them first. Ready gives up after two minutes, or when a node ends unexpectedly.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		err := c.look(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cluster of %d nodes: %w (last: %w)", len(c.nodes), context.Cause(ctx), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *Cluster) look(ctx context.Context) error {
	var running []*Node
	for _, node := range c.nodes {
		up, err := node.running()
		if err != nil {
			return err
		}
		if up {
			running = append(running, node)
		}
	}
	for _, node := range running {
		if err := node.look(ctx, len(running), len(c.nodes)); err != nil {
			return fmt.Errorf("node %d: %w", node.ID, err)
		}
	}
	return nil
}

// look queries one node for its view of the cluster. It uses its own transport, because a shared one would respond from
// its cache.
func (n *Node) look(ctx context.Context, running, all int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(n.addr), Transport: transport}
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	// A controller drops a killed broker only after the session timeout of 9 s, so a node may know of too many nodes as
	// well as too few.
	if len(answer.Brokers) != running {
		return fmt.Errorf("%w: it knows %d nodes, want %d", errNotYet, len(answer.Brokers), running)
	}
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			// Replicas on nodes that are not running cannot be in sync.
			if lacking := len(partition.Replicas) - len(partition.Isr); lacking > all-running {
				return fmt.Errorf("%w: %d replicas of %s/%d are not in sync", errNotYet, lacking, topic.Name, partition.ID)
			}
		}
	}
	return nil
}
