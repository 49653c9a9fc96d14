package apache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// startZooKeeper starts ZooKeeper for an old release. It does not wait, because nodes retry until ZooKeeper responds.
func (c *Cluster) startZooKeeper(all layout, jars string) error {
	dir := filepath.Join(c.dir, "zookeeper")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		return fmt.Errorf("zookeeper: %w", err)
	}
	settings := fmt.Sprintf("dataDir=%s\nclientPort=%d\n"+
		"clientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n",
		filepath.Join(dir, "data"), all.zooKeeperPort())
	for name, text := range map[string]string{"zookeeper.properties": settings, logSettings: all.release.logging} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("zookeeper: %w", err)
		}
	}
	c.zooKeeper = &process{
		name: "zookeeper", dir: dir, log: filepath.Join(dir, "zookeeper.log"), release: all.release, jars: jars,
	}
	return c.zooKeeper.start("org.apache.zookeeper.server.ZooKeeperServerMain", "zookeeper.properties")
}

// formatKRaft prepares a node's storage, as Kafka's quick start describes.
func (n *Node) formatKRaft(ctx context.Context) error {
	return n.run(ctx, "kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", "server.properties")
}
