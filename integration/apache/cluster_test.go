package apache_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/apache"
)

// available skips the test, with a message, if Kafka cannot run here. In CI it fails the test instead.
func available(t *testing.T) {
	t.Helper()
	if err := apache.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("real Kafka is required in CI: %v", err)
		}
		t.Skipf("SKIPPED, real Kafka was not tried: %v", err)
	}
}

// answers reports whether a node responds to a request within two seconds. A frozen node still accepts connections.
func answers(t *testing.T, addr string) bool {
	t.Helper()
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	client := kafka.NewConn(conn, "", 0)
	defer func() { _ = client.Close() }()
	if err := client.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = client.ApiVersions()
	return err == nil
}

func start(t *testing.T, options apache.Options) *apache.Cluster {
	t.Helper()
	cluster, err := apache.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func TestThreeNodesComeThroughEveryFault(t *testing.T) {
	t.Parallel()
	available(t)
	parent := t.TempDir()
	cluster := start(t, apache.Options{Nodes: 3, Dir: parent})
	nodes := cluster.Nodes()
	for _, fault := range []struct {
		name        string
		begin, undo func() error
	}{
		{"killed", nodes[0].Kill, nodes[0].Start},
		{"frozen", nodes[1].Freeze, nodes[1].Thaw},
	} {
		if err := fault.begin(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		// On a busy machine a thread may still respond after the kernel has accepted the SIGSTOP.
		soon(t, "2 nodes that respond while one is "+fault.name, func() bool { return answering(t, cluster.Brokers()) == 2 })
		if err := fault.undo(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		if err := cluster.Ready(t.Context()); err != nil {
			t.Fatalf("after one was %s: %v", fault.name, err)
		}
	}

	if err := cluster.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v in the data folder after Close, want nothing", left, err)
	}
	if up := answering(t, cluster.Brokers()); up != 0 {
		t.Errorf("got %d nodes that respond after Close", up)
	}
}

func answering(t *testing.T, addrs []string) int {
	t.Helper()
	up := 0
	for _, addr := range addrs {
		if answers(t, addr) {
			up++
		}
	}
	return up
}

func TestAClusterThatCannotStartSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	available(t)
	parent := t.TempDir()
	_, err := apache.Start(t.Context(), apache.Options{Dir: parent, Properties: map[string]string{"num.io.threads": "many"}})
	if err == nil {
		t.Fatal("got a cluster with num.io.threads=many")
	}
	if left, err := os.ReadDir(parent); len(left) > 0 || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, %v, want the folder to be empty", left, err)
	}
	t.Log(err)
}
