package apache_test

import (
	"slices"
	"strings"
	"testing"

	"leadhit-sync/integration/apache"
)

func TestPropertiesAreThoseOfACarefulCluster(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		ports []int
		id    int
		extra map[string]string
		want  []string
	}{
		{
			"one node keeps one replica",
			[]int{1001, 1002},
			1, nil,
			[]string{
				"node.id=1", "controller.quorum.voters=1@127.0.0.1:1002", "advertised.listeners=PLAINTEXT://127.0.0.1:1001",
				"default.replication.factor=1", "min.insync.replicas=1", "offsets.topic.replication.factor=1",
			},
		},
		{
			"three nodes keep three replicas, two of them in sync",
			[]int{1001, 1002, 1003, 1004, 1005, 1006},
			2, nil,
			[]string{
				"node.id=2", "controller.quorum.voters=1@127.0.0.1:1002,2@127.0.0.1:1004,3@127.0.0.1:1006",
				"listeners=PLAINTEXT://127.0.0.1:1003,CONTROLLER://127.0.0.1:1004", "default.replication.factor=3",
				"min.insync.replicas=2", "offsets.topic.replication.factor=3", "unclean.leader.election.enable=false",
				"transaction.state.log.min.isr=2",
			},
		},
		{
			"five nodes still keep three replicas",
			[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
			5, nil,
			[]string{"node.id=5", "default.replication.factor=3", "min.insync.replicas=2"},
		},
		{
			"the caller's own win",
			[]int{1001, 1002},
			1,
			map[string]string{"min.insync.replicas": "7", "log.retention.ms": "5"},
			[]string{"min.insync.replicas=7", "log.retention.ms=5"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(apache.Properties(test.ports, test.id, test.extra), "\n")
			for _, want := range test.want {
				if !slices.Contains(lines, want) {
					t.Errorf("got no line %q in:\n%s", want, strings.Join(lines, "\n"))
				}
			}
		})
	}
}
