package broker_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
)

func TestAMemberIsRemovedFromBrokersOfEveryRelease(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string]*kversion.Versions{
		"0.11": kversion.V0_11_0(), "2.8": kversion.V2_8_0(), "now": kversion.Stable(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, kfake.NumBrokers(3), kfake.MaxVersions(versions))
			cluster := open(t, fake)
			for _, name := range []string{"stays", "goes"} {
				client := consume(t, fake, "mine", kgo.Balancers(kgo.RangeBalancer()), kgo.ClientID(name))
				t.Cleanup(client.Close)
			}
			before := membersOf(t, cluster)
			if err := cluster.Remove(t.Context(), "mine", before["goes"]); err != nil {
				t.Fatal(err)
			}
			// The removed member may have rejoined, under another id.
			if after := membersOf(t, cluster); after["stays"] != before["stays"] || after["goes"] == before["goes"] {
				t.Errorf("got members %v after %v, want the first to stay and the other to go", after, before)
			}
			if err := cluster.Remove(t.Context(), "mine", before["goes"]); err != nil {
				t.Errorf("got %v for a member that has gone already, want no error", err)
			}
		})
	}
}

// membersOf returns the members' ids by their client ids.
func membersOf(t *testing.T, cluster *broker.Cluster) map[string]string {
	t.Helper()
	members, err := cluster.Members(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, m := range members {
		if ids[m.ClientID] = m.ID; m.Host == "" || m.ID == "" {
			t.Errorf("got %+v, want an id and a host", m)
		}
	}
	return ids
}

func TestARemovalThatKafkaRefusesIsAnError(t *testing.T) {
	t.Parallel()
	if err := open(t, fakeKafka(t)).Remove(t.Context(), "none", "somebody"); err != nil {
		t.Errorf("got %v for a group that does not exist, want no error", err)
	}
	for code, want := range map[*kerr.Error]error{
		kerr.GroupAuthorizationFailed: kafkaerr.ErrUnauthorised, kerr.NotCoordinator: kafkaerr.ErrCoordinator,
	} {
		fake := fakeKafka(t)
		member := consume(t, fake, "mine")
		t.Cleanup(member.Close)
		fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Err: code, Count: 1})
		if err := open(t, fake).Remove(t.Context(), "mine", "somebody"); !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", code, err, want)
		}
	}
}
