package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
)

func TestCheckJudgesAGroupByItsKindAndItsRights(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group groups.Group
		want  string
	}{
		"a group of KIP-848": {
			groups.Group{State: "Stable", Kind: "consumer", Rights: inspect.Rights{"Read"}},
			`FAIL  group      g is in use by other consumers: it is a "consumer" group (group.protocol=consumer), which a worker cannot join`,
		},
		"an empty group of KIP-848": {
			groups.Group{State: groups.Empty, Kind: "consumer", Rights: inspect.Rights{"Read"}},
			"ok    group      g may be joined",
		},
		"an empty share group": {
			groups.Group{State: groups.Empty, Kind: "share"},
			`FAIL  group      g is in use by other consumers: it is a "share" group`,
		},
		"without permission to read": {
			groups.Group{State: groups.Dead, Rights: inspect.Rights{"Describe"}},
			"FAIL  rights     Kafka does not allow Read on group g; grant it",
		},
		"rights that are not known": {
			groups.Group{State: groups.Dead},
			"skip  group      g has 0 members; cannot check whether it may be joined",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			checkMembers(newReport(&out, "table", ""), "g", c.group)
			if !strings.HasPrefix(out.String(), c.want) || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("got %q, want one line that begins with %q", out.String(), c.want)
			}
		})
	}
}

func TestCheckSaysWhetherTheGroupHasACoordinator(t *testing.T) {
	for name, c := range map[string]struct {
		answer  *kerr.Error
		offsets bool // __consumer_offsets exists
		code    int
		want    string
	}{
		"a cluster without groups": {
			kerr.NotCoordinator, false, 0,
			"ok group leadhit-sync is new: the cluster has had no group yet",
		},
		"a coordinator that does not act": {
			kerr.NotCoordinator, true, exitError,
			"FAIL group the coordinator of leadhit-sync is broker 0 at 127.0.0.1:",
		},
		"no permission for the group": {
			kerr.GroupAuthorizationFailed, true, exitError,
			"FAIL group Kafka does not allow joining leadhit-sync; grant Read on it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := setUp(t)
			if c.offsets {
				createOffsets(t, fake)
			}
			fake.ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				response := as[*kmsg.DescribeGroupsResponse](t, r.ResponseKind())
				group := kmsg.NewDescribeGroupsResponseGroup()
				group.Group, group.ErrorCode = "leadhit-sync", c.answer.Code
				response.Groups = append(response.Groups, group)
				return response, nil, true
			})
			command(t, "", "check").finds(t, c.code, c.want)
		})
	}
}

// createOffsets creates __consumer_offsets with one partition.
func createOffsets(t *testing.T, fake *kfake.Cluster) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "__consumer_offsets", 1, 1
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = append(create.Topics, topic)
	if _, err := create.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
}
